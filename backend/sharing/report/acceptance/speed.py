"""Latency on this computer: of the package alone, and of the line as it ran."""

import pandas as pd

from backend.core import runs
from backend.core.runs import Run
from backend.deployment.latency.spec import Result, Spec
from backend.line import watch
from backend.numeric import hardware
from backend.records import UserError
from backend.sharing.report.acceptance.evidence import Evidence, Subject
from backend.sharing.report.items import Table
from backend.sharing.report.kinds import latency

TITLE = "Latency on this computer"
CURE = "Measure the package on the page Latency of this computer."


def measured(about: Subject) -> Run:
    """The newest latency run of the package on this computer. Raises UserError without one."""

    def is_of_package(run: Run) -> bool:
        return runs.spec(run, Spec).package_run == about.used.package_run

    here = hardware.fingerprint().id
    found = about.newest("latency", lambda run: is_of_package(run) and _machine(run) == here)
    if found is not None:
        return found
    elsewhere = about.newest("latency", is_of_package)
    where = "on another computer, or with other versions, alone" if elsewhere else "nowhere yet"
    raise UserError(f"Its time was measured {where}. {CURE}")


def _machine(run: Run) -> str:
    machine = runs.result(run, Result).machine
    return machine.id if machine else ""


def evidence(about: Subject) -> Evidence:
    """Percentiles against the budget, beside those of the line."""
    run = measured(about)
    result = runs.result(run, Result)
    said = next(latency.said(run))
    rows: list[tuple[str, float | None, float | None, float | None]] = [
        (f"package alone, {result.repetitions} calls", result.p50, result.p95, result.p99)
    ]
    now = watch.status(about.home)
    if now is not None and now.p50_ms is not None:
        rows.append(
            ("line, its newest parts, waiting included", now.p50_ms, now.p95_ms, now.p99_ms)
        )
    frame = pd.DataFrame(rows, columns=["measured", "median, ms", "95 %, ms", "99 %, ms"])
    table = Table("7-latency", TITLE, f"{said} {run.id}.", frame.round(1).astype(str))
    return Evidence(TITLE, said, result.busy, (table,))
