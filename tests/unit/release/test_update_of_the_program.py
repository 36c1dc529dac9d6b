"""The program itself is updated by its own verbs and migrations, with 100 runs of before."""

import os
import shutil
import sys

import duckdb
import pytest

from backend.core import facts, registry, runs
from backend.core.migrations import STEPS
from backend.core.store import Store, signature
from backend.records import RunState
from backend.release import change, health
from backend.release.place import Installed, Place
from backend.settings import PROJECT, Settings
from tests.unit.release.conftest import contents, described, rewritten

PROGRAM = ("backend", "pages", ".streamlit", "app.py", "requirements.txt", "install.sh")


@pytest.fixture
def earlier(storage) -> Settings:
    """100 runs, taken into a database from which the newest step was taken back."""
    database = Store(storage.database)
    for number in range(100):
        kind = registry.KINDS[number % len(registry.KINDS)].name
        run = runs.create(storage.runs, kind, {"seed": number}, name=f"run {number}")
        runs.claim(run.folder, os.getpid())
        facts.write(run.folder, "figures", [{"subject": "all", "metric": "x", "value": 1.0}])
        runs.finish(run.folder, RunState.COMPLETED, result={})
        database.ingest(runs.read(run.folder), signature(run.folder))
    database.close()
    assert "ALTER TABLE runs ADD COLUMN project" in STEPS[-1], "take the newest step back here"
    with duckdb.connect(storage.database) as opened:
        opened.execute("ALTER TABLE runs DROP COLUMN project")
        opened.execute(f"DELETE FROM migrations WHERE step = {len(STEPS)}")
    runs.create(storage.runs, "generate", {"count": 1}, queued=True)
    return storage


def unpacked(here: Place, number: int):
    """The program of today as a release, on the packages of this very environment."""
    release = here.releases / described(number).release
    release.mkdir(parents=True)
    for name in PROGRAM:
        source = PROJECT / name
        if source.is_dir():
            shutil.copytree(source, release / name)
        else:
            shutil.copy(source, release / name)
    (release / "manifest.json").write_bytes(rewritten(described(number)))
    (release / ".venv").symlink_to(sys.prefix)
    return release


def test_nothing_is_lost_and_what_waits_is_not_started(earlier, tmp_path):
    here = Place(tmp_path / "opt")
    old, new = unpacked(here, 1), unpacked(here, 2)
    here.keep(Installed(str(earlier.storage)))
    here.put_in_use(old, None)
    before = contents(earlier.runs)
    change.switch(here, new, lambda: health.must(new, earlier.storage, "migrate"), lambda _: None)
    assert here.current == new
    assert contents(earlier.runs) == before, "also the run that waits is as it was"
    database = Store(earlier.database)
    assert len(database.runs()) == 100
    assert len(database.read("SELECT * FROM migrations")) == len(STEPS)
    database.close()
    assert len(health.runs_known(new, earlier.storage)) == 101
