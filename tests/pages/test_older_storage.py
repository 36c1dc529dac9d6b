"""A storage folder whose results an older version wrote opens with every page."""

import shutil

import pytest

from backend import settings as settings_module
from backend.core import maintenance, runs
from backend.settings import Settings
from pages.ui import resources
from tests import older
from tests.pages.test_pages import PAGES, is_well, open_page

NEWER = ("real_share", "synthetic_images")  # settings that the first version did not have


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
        spec = {name: v for name, v in asked["spec"].items() if name not in NEWER}
        runs.write_json(folder / "spec.json", asked | {"spec": spec | {"gone_since": 1}})
        if asked["kind"] == "package" and ended["result"]["kind"] != "detector":
            older.exported(folder)
    return Settings(storage=storage, threads=1)


@pytest.fixture
def older_dashboard(older_settings, monkeypatch):
    """The dashboard's process over that folder."""
    monkeypatch.setenv("DISTILLERY_STORAGE", str(older_settings.storage))
    settings_module.settings.cache_clear()
    resources.owner.cache_clear()
    supervisor = resources.owner()
    supervisor.tick()
    yield supervisor
    supervisor.stop()
    supervisor.store.close()
    resources.owner.cache_clear()


@pytest.mark.parametrize("entry", PAGES, ids=lambda e: e.title)
def test_every_page_opens_with_results_of_an_older_version(older_dashboard, entry):
    is_well(open_page(entry.path))


def test_the_form_of_an_older_run_is_filled_in_with_what_was_done_then(older_dashboard):
    folders = runs.folders(older_dashboard.settings.runs)
    run = next(r for r in runs.readable(folders) if r.kind == "detector")
    app = open_page("pages/detection/detector.py", again=run.id)
    is_well(app)
    assert next(n for n in app.number_input if n.label == "Real share").value == 0.0


def test_what_was_exported_is_a_package_now(older_dashboard):
    found = older_dashboard.store.runs("package")["id"]
    kinds = {
        runs.read_json(older_dashboard.settings.runs / run_id / "spec.json")["kind"]
        for run_id in found
    }
    assert kinds == {"export", "student-export", "package"}
    for run_id in found:
        app = open_page("pages/deployment/package.py", run=run_id)
        is_well(app)
        kind = runs.read_json(older_dashboard.settings.runs / run_id / "spec.json")["kind"]
        assert any("An earlier version exported this" in i.value for i in app.info) == (
            kind != "package"
        )


def test_check_and_reindex_agree(older_settings):
    maintenance.reindex(older_settings)
    assert maintenance.check(older_settings) == []
