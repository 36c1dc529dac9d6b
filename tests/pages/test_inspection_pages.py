"""Thresholds put in force by a person, and single parts reached by their address."""

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from backend import facts, runs
from backend.inspection import active_threshold
from backend.records import RunState
from pages.ui import owner
from tests.pages.test_pages import is_well, open_page, words
from tests.unit.inspection.test_threshold import make_inspected, make_threshold

THRESHOLD = "pages/inspection/threshold.py"
EXPLORER = "pages/inspection/part_explorer.py"


@pytest.fixture
def inspect_run(empty_dashboard, storage):
    made = make_inspected(storage.runs, {"dots": (30, 10), "edge1": (12, 3)})
    owner.supervisor().tick()
    return made


@pytest.fixture
def version(inspect_run, storage):
    run = make_threshold(storage.runs, inspect_run)
    owner.supervisor().tick()
    return run


def test_too_few_good_parts_are_counted_and_the_cure_is_named(version):
    app = open_page(THRESHOLD, run=version.id)
    is_well(app)
    assert "edge1: 12 of 19 GOOD parts. Add 7, or promise 7.7%" in words(app).replace("\\", "")


def test_a_version_comes_into_force_only_with_a_name_and_a_second_look(version, storage):
    app = open_page(THRESHOLD, run=version.id)
    button = next(b for b in app.button if b.label == "Activate")
    assert button.disabled
    app.text_input(key=f"who-{version.id}").set_value("Ada").run()
    assert next(b for b in app.button if b.label == "Activate").disabled
    app.checkbox(key=f"sure-{version.id}").check().run()
    next(b for b in app.button if b.label == "Activate").click().run()
    is_well(app)
    assert "This version is in force" in words(app)
    assert "Ada" in words(app)
    assert active_threshold.current(storage.storage).run_id == version.id


def test_a_threshold_in_force_whose_run_is_gone_says_how_to_get_it_back(version, storage):
    active_threshold.activate(storage.storage, version.folder, "Ada", "")
    other = make_threshold(storage.runs, version.spec["inspect_run"])
    version.folder.rename(storage.storage / version.id)
    owner.supervisor().tick()
    app = open_page(THRESHOLD, run=other.id)
    is_well(app)
    assert "is gone. Bring it back" in words(app)


def test_a_part_is_reached_by_its_address_with_the_verdict_in_force(version, storage):
    active_threshold.activate(storage.storage, version.folder, "Ada", "")
    run_id = version.spec["inspect_run"]
    app = open_page(EXPLORER, run=run_id, part="dots-035")
    is_well(app)
    assert "dots-035" in [s.value for s in app.subheader]
    assert "called BAD" in words(app)
    assert "kept no anomaly maps" in words(app), "an older run"


def test_an_unknown_part_is_a_plain_sentence(inspect_run):
    app = open_page(EXPLORER, run=inspect_run, part="nobody")
    is_well(app)
    assert "no part nobody" in words(app)


def test_maps_and_neighbours_are_shown_where_the_run_kept_them(inspect_run, storage):
    artifacts = storage.runs / inspect_run / "artifacts"
    artifacts.mkdir()
    names = np.array([f"dots-{i:03d}" for i in range(40)])
    maps = np.zeros((40, 4, 4), np.float32)
    np.savez(artifacts / "maps.npz", part=names, map=maps, score=maps[:, 0, 0])
    kinds, good = np.repeat("dots", 40), np.arange(40) < 30
    vectors = np.arange(40, dtype=np.float16)[:, None]
    np.savez(artifacts / "embeddings.npz", part=names, feature=kinds, good=good, vector=vectors)
    app = open_page(EXPLORER, run=inspect_run, part="dots-035")
    is_well(app)
    assert "z-score of 0.0" in words(app)
    assert "kept no" not in words(app)


def test_a_part_explorer_without_a_finished_model_leads_there(empty_dashboard, storage):
    waiting = runs.create(storage.runs, "inspect", {"parts_run": "x"})
    runs.finish(waiting.folder, RunState.FAILED, error="no")
    app = open_page(EXPLORER)
    is_well(app)
    assert "Make that first" in words(app)


def test_the_size_of_a_defect_is_drawn_where_it_is_known(empty_dashboard, storage):
    made = make_inspected(storage.runs, {"dots": (30, 10), "edge1": (12, 3)})
    folder = storage.runs / runs.read(storage.runs / made).spec["parts_run"]
    sizes = {"excess": np.linspace(1, 5, 55), "defect": "speck"}
    facts.write(folder, "parts", facts.read(folder, "parts").assign(**sizes))
    owner.supervisor().tick()
    app = AppTest.from_function(_size_tab, args=(made,), default_timeout=60).run()
    assert not app.exception
    assert [s.label for s in app.selectbox][-1] == "Kind of defect"
    assert "BAD parts of about one size" in words(app)


def test_without_sizes_the_tab_says_which_parts_have_one(inspect_run):
    app = AppTest.from_function(_size_tab, args=(inspect_run,), default_timeout=60).run()
    assert not app.exception
    assert "Simulated parts have one" in words(app)


def test_the_tab_says_that_the_parts_are_gone(inspect_run, storage):
    parts_run = runs.read(storage.runs / inspect_run).spec["parts_run"]
    owner.supervisor().delete(parts_run)
    app = AppTest.from_function(_size_tab, args=(inspect_run,), default_timeout=60).run()
    assert not app.exception
    assert "It may have been deleted" in words(app)


def _size_tab(run_id):
    from pages.ui import owner, verdicts

    run = owner.supervisor().find(run_id)
    verdicts.by_size(run, owner.facts("scores", run))
