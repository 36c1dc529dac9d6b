"""A storage folder whose results an older version wrote opens with every page."""

import shutil

import pytest

from backend import settings as settings_module
from backend.core import maintenance, runs
from backend.settings import Settings
from pages.ui import resources
from tests import older
from tests.pages.test_pages import PAGES, is_well, open_page


@pytest.fixture(scope="module")
def older_settings(tiny_settings, tiny_runs, tmp_path_factory) -> Settings:
    """The tiny flows with every result in the shape of the first version, and settings that are
    gone since."""
    storage = tmp_path_factory.mktemp("older") / "storage"
    shutil.copytree(tiny_settings.runs, storage / "runs")
    for folder in runs.folders(storage / "runs"):
        asked, ended = (runs.read_json(folder / f"{name}.json") for name in ("spec", "result"))
        ended["result"] = older.result(asked["kind"], ended["result"])
        runs.write_json(folder / "result.json", ended)
        runs.write_json(folder / "spec.json", asked | {"spec": asked["spec"] | {"gone_since": 1}})
    return Settings(storage=storage, threads=1)


@pytest.fixture
def older_dashboard(older_settings, monkeypatch):
    """The dashboard's process over that folder."""
    monkeypatch.setenv("DISTILLERY_STORAGE", str(older_settings.storage))
    settings_module.settings.cache_clear()
    resources.supervisor.cache_clear()
    supervisor = resources.supervisor()
    supervisor.tick()
    yield supervisor
    supervisor.stop()
    supervisor.store.close()
    resources.supervisor.cache_clear()


@pytest.mark.parametrize("entry", PAGES, ids=lambda e: e.title)
def test_every_page_opens_with_results_of_an_older_version(older_dashboard, entry):
    is_well(open_page(entry.path))


def test_check_and_reindex_agree(older_settings):
    maintenance.reindex(older_settings)
    assert maintenance.check(older_settings) == []
