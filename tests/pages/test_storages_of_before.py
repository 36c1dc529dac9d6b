"""Storage folders that earlier versions wrote open as they are; one of each is kept here.

A version that is released adds its own: two kinds of run with pictures and its database, packed
by `tar -cJf` from within the folder, its name the day of the version.
"""

import tarfile

import pytest

from backend import settings as settings_module
from backend.core import maintenance, runs
from backend.core.migrations import STEPS
from backend.settings import PROJECT, Settings
from pages.ui import resources
from tests.pages.test_pages import is_well, open_page

KEPT = sorted((PROJECT / "tests" / "older_storages").glob("*.tar.xz"))
PAGES = {"generate": "pages/teachers/images.py", "parts": "pages/inspection/parts.py"}


@pytest.fixture(params=KEPT, ids=lambda path: path.name.removesuffix(".tar.xz"))
def kept(request, tmp_path, monkeypatch):
    """The dashboard's process over a storage folder of before."""
    storage = tmp_path / "storage"
    with tarfile.open(request.param) as packed:
        packed.extractall(storage, filter="data")
    monkeypatch.setenv("DISTILLERY_STORAGE", str(storage))
    settings_module.settings.cache_clear()
    resources.owner.cache_clear()
    yield Settings(storage=storage, threads=1)
    resources.owner().stop()
    resources.owner().store.close()
    resources.owner.cache_clear()


def test_its_runs_are_all_there_and_their_pages_open(kept):
    before = {run.id: run.kind for run in runs.readable(runs.folders(kept.runs))}
    assert sorted(before.values()) == ["generate", "parts"]
    assert maintenance.check(kept) == [], "its own database, brought up to date"
    supervisor = resources.owner()
    supervisor.tick()
    assert set(supervisor.store.runs()["id"]) == set(before)
    assert len(supervisor.store.read("SELECT * FROM migrations")) == len(STEPS)
    for run_id, kind in before.items():
        app = open_page(PAGES[kind], run=run_id)
        is_well(app)
        assert len(app.metric) > 1, "what came out is shown"


def test_the_oldest_and_the_newest_are_kept():
    assert len(KEPT) >= 4
    assert KEPT[0].name.startswith("2026-11-21")
