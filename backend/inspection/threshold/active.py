"""Which version of the thresholds is in force, since when, who chose it and why.

A journal in the storage folder, one JSON line a choice, only ever appended to: the last line of a
project is in force there, and going back is one more line. A line cut short by a crash is passed
over.
"""

from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from backend.core import journal, lineage, runs
from backend.records import RunState, UserError

JOURNAL = "active_thresholds.jsonl"
FILE = "artifacts/thresholds.json"  # of a threshold run: what the line's program reads


@dataclass(frozen=True)
class Activation:
    """time: UTC, ISO 8601. who, why: as the person entered them.

    by_hand: types whose limit promises nothing. misses, lookalikes: the warnings that stood when
    it was chosen, "" for none; an older line lacks all three. project: its id.
    """

    run_id: str
    inspect_run: str
    version: int
    who: str
    why: str
    time: str
    by_hand: str = ""
    misses: str = ""
    lookalikes: str = ""
    project: str = ""


def activate(
    storage: Path, run_folder: Path, who: str, why: str, accept_misses: bool = False
) -> Activation:
    """Put a finished threshold run in force.

    Raises UserError for one that gives no limit, and for one that misses a third or more of the
    known BAD parts where this was not accepted.
    """
    from backend.inspection.parts import lookalikes
    from backend.inspection.threshold import (
        misses as measured,  # the queue, which asks here, starts sooner
    )
    from backend.inspection.threshold.spec import Result, Spec

    run = runs.read(run_folder)
    if run.kind != "threshold" or run.state is not RunState.COMPLETED:
        raise UserError(f"{run.id} is no finished threshold. Choose another version.")
    result = runs.result(run, Result)
    if not result.ready:
        raise UserError("No feature type of this version has a limit. Add GOOD parts first.")
    name = journal.signed(who)
    if not runs.holds(run_folder / FILE):
        raise UserError(f"{run_folder / FILE} is missing. Make this version again.")
    misses = measured.misses(run_folder)
    if misses and not accept_misses:
        raise UserError(f"{misses} Choose a lower limit, or confirm that you accept this.")
    chosen = Activation(
        run.id,
        runs.spec(run, Spec).inspect_run,
        result.version,
        name,
        why.strip(),
        runs.now().isoformat(timespec="seconds"),
        ", ".join(result.by_hand),
        misses,
        lookalikes.warning(run_folder),
        run.project,
    )
    storage.mkdir(parents=True, exist_ok=True)
    journal.add(storage / JOURNAL, asdict(chosen))
    return chosen


def history(storage: Path, project: str | None = None) -> list[Activation]:
    """Every choice so far, oldest first; those of one project if named."""
    found = []
    for line in runs.json_lines(storage / JOURNAL):
        with suppress(TypeError):
            found.append(Activation(**line))
    return [one for one in found if project is None or one.project == project]


def refuse_deletion(storage: Path, run_id: str) -> None:
    """Raises UserError for a run in force, and for those behind it: its model and its parts."""
    for in_force in {one.project: one for one in history(storage)}.values():
        if in_force.run_id == run_id:
            raise UserError(f"{run_id} is the threshold in force. Put another in force first.")
        folder = storage / "runs" / in_force.run_id
        if folder.is_dir() and lineage.is_behind(run_id, runs.read(folder)):
            raise UserError(
                f"{run_id} is behind the threshold in force {in_force.run_id}. Put another in "
                "force first."
            )


def current(storage: Path, project: str = "") -> Activation | None:
    """The choice in force in a project, the default one if none is named; None before the first."""
    found = history(storage, project)
    return found[-1] if found else None
