"""Runs that put images aside for tests, and who left those images out.

Such a run writes the facts table `put_aside`. What is made later leaves these images out by itself;
each job notes in its provenance which of these runs there were, so that what was made earlier is
told apart from it.
"""

from pathlib import Path

import pandas as pd

from backend.core import facts, runs
from backend.records import RunState

KIND = "testset"
TABLE = "put_aside"
KNOWN = "put_aside_by"


def finished(runs_folder: Path) -> list[str]:
    """Ids of the completed runs that put images aside, oldest first."""
    mine = [path for path in runs.folders(runs_folder, KIND) if facts.count(path, TABLE)]
    return [run.id for run in runs.readable(mine) if run.state is RunState.COMPLETED]


def rows(runs_folder: Path, run_id: str) -> pd.DataFrame:
    """The images that a run put aside: source_run, image, group, digest."""
    return facts.read(runs_folder / run_id, TABLE)


def known(run_folder: Path) -> frozenset[str]:
    """The runs whose images this one left out; none where it noted none, as earlier versions."""
    path = run_folder / "provenance.json"
    return frozenset(runs.read_json(path).get(KNOWN, ()) if path.exists() else ())


def noted(run_folder: Path) -> list[str]:
    """What a run that starts now leaves out; one that goes on, no more than at its first start."""
    now = finished(run_folder.parent)
    resumed = (run_folder / "provenance.json").exists()
    return [run_id for run_id in now if run_id in known(run_folder)] if resumed else now
