"""The acceptance protocol of a line over a period, for a customer's audit."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from backend.core.runs import Run
from backend.line import report as whole
from backend.line.promise import in_use
from backend.line.review import decisions
from backend.line.review.decisions import Decision
from backend.numeric import hardware
from backend.records import UserError
from backend.sharing.report import of_line, origin
from backend.sharing.report.acceptance import (
    agreement,
    detection,
    escapes,
    evidence,
    false_alarms,
    gate,
    golden,
    hashes,
    speed,
)
from backend.sharing.report.acceptance.evidence import Evidence, Piece, Subject
from backend.sharing.report.items import Blank, Gap, Item, Report, Table
from backend.sharing.report.scope import Period

PIECES: tuple[tuple[str, Piece], ...] = (
    (golden.TITLE, golden.evidence),
    (false_alarms.TITLE, false_alarms.evidence),
    (escapes.TITLE, escapes.evidence),
    (agreement.TITLE, agreement.evidence),
    (detection.TITLE, detection.evidence),
    (speed.TITLE, speed.evidence),
    (gate.TITLE, gate.evidence),
)
ROLES = ("Quality, plant", "Production, plant", "Customer")
LIMITS = (
    "Each figure holds for parts, light and camera like those that it was found on, and with the "
    "model, the limits and the computer whose hashes and names stand here.",
    "Escapes are what people find on pictures: a defect that no picture shows is found by nobody.",
    "A curve of detection probability is of the defects that it was fitted to; those of another "
    "kind may be found earlier or later.",
    "An interval of 95 % misses the true figure in one case of twenty.",
)


def subject(storage: Path, name: str, period: Period) -> Subject:
    """The line. Raises UserError where there is none of that name, or it judged nothing."""
    home = whole.home(storage, name)
    if not home.is_dir():
        raise UserError(f"There is no line '{name}'. Start one of that name first.")
    used = in_use.of(home)
    rows = of_line.parts(home, period)
    if used is None or rows.empty:
        raise UserError(f"The line '{name}' judged no part {period.words}. Choose another period.")
    return Subject(storage, home, period, used, rows, _within(rows, decisions.standing(home)))


def _within(rows: pd.DataFrame, said: list[Decision]) -> list[Decision]:
    """The decisions about these parts."""
    there = pd.MultiIndex.from_frame(rows[["epoch", "sequence"]].astype("int64"))
    known = set(there[there.isin([one.place for one in said])]) if said else set()
    return [one for one in said if one.place in known]


def behind(storage: Path, name: str, period: Period) -> list[Run]:
    """The runs that it rests on."""
    return hashes.behind(subject(storage, name, period))


def report(storage: Path, name: str, period: Period) -> Report:
    """The whole protocol. What is missing in it is said, with the way to get it."""
    about = subject(storage, name, period)
    found = [evidence.of(title, piece, about) for title, piece in PIECES]
    return Report(
        title=f"Acceptance protocol: line {name}",
        lead=tuple(_lead(about, found)),
        items=tuple(_items(about, found)),
        limits=LIMITS,
        command=of_line.command(name, period, protocol=True),
        origin=tuple(_origin(about)),
    )


def _lead(about: Subject, found: list[Evidence]) -> Iterator[str]:
    open_ones = [f"{one.title[0].lower()}{one.title[1:]}" for one in found if one.missing]
    whole_ones = len(found) - len(open_ones)
    if open_ones:
        yield (
            f"{whole_ones} of {len(found)} pieces of evidence are whole. Missing or incomplete: "
            f"{', '.join(open_ones)}."
        )
    else:
        yield f"All {len(found)} pieces of evidence are here."
    yield f"{len(about.rows):,} parts {about.period.words}."
    yield from (f"{one.title}: {one.found}" for one in found if one.found)


def _items(about: Subject, found: list[Evidence]) -> Iterator[Item]:
    yield evidence.overview(found)
    yield from evidence.shown(found)
    try:
        yield hashes.table(about)
    except (OSError, UserError) as error:
        yield Gap("hashes", "Hashes: missing", f"{error}")
    lines = pd.DataFrame({"role": ROLES, "name": "", "date": "", "signature": ""})
    words = "Each signs for having read the evidence above, and what is missing in it."
    yield Blank("signatures", "Signatures", words, lines)


def _origin(about: Subject) -> Iterator[Table]:
    machine = hardware.fingerprint()
    made = {
        "made": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "computer": f"{machine.cpu}, {machine.cores} cores, fingerprint {machine.id}",
        "line": f"{about.home.name}, settings of run {about.used.line_run}",
        "package": about.used.package_run,
        "limits": f"version {about.used.version}, {about.used.threshold_run}"
        if about.used.threshold_run
        else "none that promise anything",
    }
    frame = pd.DataFrame(list(made.items()), columns=["what", "value"])
    yield Table("protocol", "This protocol", "", frame)
    for run in hashes.behind(about):
        table = origin.tables(run)[0]
        yield Table(f"origin-{run.id}", f"{run.name or run.id}: made", table.words, table.frame)
