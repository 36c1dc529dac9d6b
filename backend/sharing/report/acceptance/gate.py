"""The gate: may this package judge on this computer?"""

from backend.core import runs
from backend.core.runs import Run
from backend.deployment import in_force
from backend.deployment.gate.spec import Result, Spec
from backend.line import variant
from backend.numeric import hardware
from backend.records import UserError
from backend.sharing.report.acceptance.evidence import Evidence, Subject
from backend.sharing.report.items import Table
from backend.sharing.report.kinds import gate

TITLE = "Gate"
CURE = "Let the package pass the gate on this computer, on the page Gate, and put it in force."


def judged(about: Subject) -> Run:
    """The gate by which the package came into force, else its newest. Raises UserError without."""
    chosen = variant.chosen(about.storage, about.used.package_run)
    if chosen:
        return about.run(chosen[0].gate_run)
    found = about.newest(
        "gate", lambda run: runs.spec(run, Spec).package_run == about.used.package_run
    )
    if found is None:
        raise UserError(f"No gate has judged the package yet. {CURE}")
    return found


def evidence(about: Subject) -> Evidence:
    """Its verdict and every check."""
    run = judged(about)
    result = runs.result(run, Result)
    tables = [item for item in gate.items(run) if isinstance(item, Table)]
    kept = tuple(
        Table(f"8-{one.name}", f"Gate: {one.title}", one.words, one.frame) for one in tables
    )
    return Evidence(TITLE, result.verdict, " ".join(_missing(about, result)), kept)


def _missing(about: Subject, result: Result) -> list[str]:
    words = []
    if other := in_force.differences(result.described, hardware.fingerprint()):
        words.append(f"The verdict is of another computer ({other}). {CURE}")
    if not result.accepted:
        words.append("The gate refused the package: it may not judge here.")
    chosen = variant.chosen(about.storage, about.used.package_run)
    if not chosen:
        words.append("The package was not put in force by a person. Do so on the page Gate.")
    else:
        words += [stale for one in chosen if (stale := in_force.outdated(about.storage, one))]
    return words
