"""The version numbers of a model's thresholds, each given once.

They stand in a journal in the model's own run folder, one JSON line a number, only ever appended
to and locked meanwhile: two jobs at the same time get two numbers, a number is not given again
when its threshold is deleted, and a backup or the trash takes the journal along with the model.
"""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from backend.core import journal, runs
from backend.core.runs import Run
from backend.inspection.threshold import active
from backend.inspection.threshold.spec import Result, Spec
from backend.records import UserError

JOURNAL = "threshold_versions.jsonl"


def claim(inspect_folder: Path, run_id: str) -> int:
    """The version number of the threshold run `run_id`: a new one, or its own if it has one."""
    path = inspect_folder / JOURNAL
    with journal.locked(path) as file:
        given = {str(line["run"]): int(line["version"]) for line in runs.json_lines(path)}
        if run_id not in given:
            taken = *given.values(), *_before_the_journal(inspect_folder)
            given[run_id] = 1 + max(taken, default=0)
            journal.append(file, {"version": given[run_id], "run": run_id})
        return given[run_id]


def _before_the_journal(inspect_folder: Path) -> list[int]:
    """Numbers that an older version gave, also to thresholds in the trash or once in force."""
    root = inspect_folder.parent
    places = *root.glob("*-threshold-*"), *(root.parent / "trash").glob("*-threshold-*")
    made = [number for run in runs.readable(places) for number in _given(run, inspect_folder.name)]
    chosen = active.history(root.parent)
    return made + [one.version for one in chosen if one.inspect_run == inspect_folder.name]


def _given(run: Run, inspect_run: str) -> Iterator[int]:
    """A threshold's number, if it is one of that model; none where it has no result or a damaged
    one."""
    with suppress(UserError):
        if runs.spec(run, Spec).inspect_run == inspect_run:
            yield runs.result(run, Result).version or 0
