"""Thresholds put in force by a person, and single parts reached by their address."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from backend.core import audit, facts, jobs, runs, specs
from backend.inspection.threshold import active
from backend.records import RunState
from pages.ui import resources
from tests import older, tiny
from tests.pages.test_pages import is_well, open_page, open_tab, words
from tests.unit.inspection.test_localisation import make_marked
from tests.unit.inspection.test_misses import make_overlapping
from tests.unit.inspection.test_model import inspect
from tests.unit.inspection.test_threshold import make_inspected, make_threshold

THRESHOLD = "pages/inspection/threshold.py"
PARTS = "pages/inspection/parts.py"
EXPLORER = "pages/inspection/part_explorer.py"
MODEL = "pages/inspection/model.py"


@pytest.fixture
def inspect_run(empty_dashboard, storage):
    made = make_inspected(storage.runs, {"dots": (30, 10), "edge1": (12, 3)})
    resources.supervisor().tick()
    return made


@pytest.fixture
def version(inspect_run, storage):
    run = make_threshold(storage.runs, inspect_run)
    resources.supervisor().tick()
    return run


def test_too_few_good_parts_are_counted_and_the_cure_is_named(version):
    app = open_page(THRESHOLD, run=version.id)
    is_well(app)
    assert "edge1: 12 of 19 GOOD parts. Add 7, or promise 7.7%" in words(app).replace("\\", "")


def test_a_version_comes_into_force_only_with_a_name_and_a_second_look(version, storage):
    app = open_page(THRESHOLD, run=version.id)
    button = next(b for b in app.button if b.label == "Put in force")
    assert button.disabled
    app.text_input(key=f"who-{version.id}").set_value("Ada").run()
    assert next(b for b in app.button if b.label == "Put in force").disabled
    app.checkbox(key=f"sure-{version.id}").check().run()
    next(b for b in app.button if b.label == "Put in force").click().run()
    is_well(app)
    assert "This version is in force" in words(app)
    assert "Ada" in words(app)
    assert active.current(storage.storage).run_id == version.id
    [line] = audit.newest(storage.storage)
    assert (line.actor, line.way, line.action) == ("Ada", "page", "put in force")


def test_a_version_put_in_force_meanwhile_is_not_replaced_unseen(version, storage):
    other = make_threshold(storage.runs, version.spec["inspect_run"])
    app = open_page(THRESHOLD, run=version.id)
    app.text_input(key=f"who-{version.id}").set_value("Ada").run()
    app.checkbox(key=f"sure-{version.id}").check().run()
    active.activate(storage.storage, other.folder, "Bert", "")
    next(b for b in app.button if b.label == "Put in force").click().run()
    is_well(app)
    assert active.current(storage.storage).run_id == other.id
    assert "was put in force meanwhile, by Bert" in words(app)
    app.checkbox(key=f"sure-{version.id}-{other.id}").check().run()
    next(b for b in app.button if b.label == "Put in force").click().run()
    assert active.current(storage.storage).run_id == version.id


def test_a_threshold_in_force_whose_run_is_gone_says_how_to_get_it_back(version, storage):
    active.activate(storage.storage, version.folder, "Ada", "")
    other = make_threshold(storage.runs, version.spec["inspect_run"])
    version.folder.rename(storage.storage / version.id)
    resources.supervisor().tick()
    app = open_page(THRESHOLD, run=other.id)
    is_well(app)
    assert "is gone. Bring it back" in words(app)


def test_a_part_is_reached_by_its_address_with_the_verdict_in_force(version, storage):
    active.activate(storage.storage, version.folder, "Ada", "")
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
    resources.supervisor().tick()
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
    resources.supervisor().delete(parts_run)
    app = AppTest.from_function(_size_tab, args=(inspect_run,), default_timeout=60).run()
    assert not app.exception
    assert "It may have been deleted" in words(app)


def _size_tab(run_id):
    from pages.ui import resources, score_charts

    run = resources.supervisor().find(run_id)
    score_charts.by_size(run, resources.facts("scores", run))


# what goes with the figures, and what is done about it


def texts(elements):
    """What they say, without the backslashes that keep Markdown out."""
    return " ".join(str(element.value) for element in elements).replace("\\", "")


@pytest.fixture
def missing(empty_dashboard, storage):
    """A version that misses 4 of 10 known BAD parts of dots."""
    run = make_threshold(storage.runs, make_overlapping(storage.runs))
    resources.supervisor().tick()
    return run


def test_a_version_that_misses_many_says_so_in_red_and_must_be_accepted(missing, storage):
    app = open_page(THRESHOLD, run=missing.id)
    assert not app.exception
    assert "4 of 20 known BAD parts" in texts(app.error)
    app.text_input(key=f"who-{missing.id}").set_value("Ada").run()
    app.checkbox(key=f"sure-{missing.id}").check().run()
    assert next(b for b in app.button if b.label == "Put in force").disabled
    app.checkbox(key=f"accept-{missing.id}").check().run()
    next(b for b in app.button if b.label == "Put in force").click().run()
    assert not app.exception
    assert "dots 4 of 10" in active.current(storage.storage).misses


def test_the_limit_that_was_tried_becomes_a_version_chosen_by_hand(version, storage):
    app = open_page(THRESHOLD, run=version.id)
    slider = app.slider(key=f"tried-{version.id}-dots")
    slider.set_value(20.05).run()
    assert "9 of 30" in texts(app.markdown), "false alarms before it is used"
    app.button(key=f"use-{version.id}-dots").click().run()
    assert not app.exception
    made = resources.supervisor().active()[-1]
    assert (made.spec["inspect_run"], made.spec["by_hand"]) == (
        version.spec["inspect_run"],
        ["dots = 20.05"],
    )
    assert made.parent == version.id and "by hand" in made.name


def test_a_version_by_hand_describes_itself_without_a_promise(inspect_run, storage):
    run = make_threshold(storage.runs, inspect_run, by_hand=["dots = 20.05"])
    resources.supervisor().tick()
    app = open_page(THRESHOLD, run=run.id)
    is_well(app)
    assert "no promise" in texts(app.warning) and "false alarms 9 of 30 GOOD" in texts(app.warning)
    assert [m.value for m in app.metric if m.label == "False alarms"] == ["no promise"]
    assert "In a shift" not in [s.value for s in app.subheader]


def test_look_alikes_are_told_on_every_page_that_rests_on_them(version, storage):
    parts_run = runs.read(storage.runs / version.spec["inspect_run"]).spec["parts_run"]
    result = {"duplicates": 0, "alike": 43}
    runs.finish(storage.runs / parts_run, RunState.COMPLETED, result=result)
    resources.supervisor().tick()
    app = open_page(THRESHOLD, run=version.id)
    assert "43 parts look almost the same" in texts(app.warning)
    app = open_page(EXPLORER, run=version.spec["inspect_run"])
    assert "43 parts look almost the same" in texts(app.warning)


@pytest.fixture
def leaky_parts(empty_dashboard, storage, tmp_path):
    """Parts of which two are copies in two groups."""
    folder = tmp_path / "mine"
    folder.mkdir()
    lines = ["file_name,feature,label,group"]
    for k in range(6):
        level = 20 * max(k, 1)
        Image.new("RGB", (16, 16), (level, level, level)).save(folder / f"{k}.png")
        lines.append(f"{k}.png,pad,{int(k < 4)},g{k}")
    (folder / "metadata.csv").write_text("\n".join(lines))
    made = tiny.run(storage, "parts", {"source": "folder", "folder": str(folder)})
    resources.supervisor().tick()
    return made


def test_one_button_makes_look_alikes_one_group_in_a_run_of_its_own(leaky_parts):
    app = open_page(PARTS, run=leaky_parts.id)
    assert "2 parts have an exact copy in another group" in texts(app.warning)
    next(b for b in app.button if b.label == "Make look-alikes one group").click().run()
    assert not app.exception
    made = resources.supervisor().active()[-1]
    assert made.spec == leaky_parts.spec | {"group_lookalikes": True}
    assert made.parent == leaky_parts.id
    assert made.name == "tiny parts, look-alikes in one group"


def test_look_alikes_of_a_run_without_a_name_are_joined_under_its_short_one(leaky_parts):
    path = leaky_parts.folder / "spec.json"
    path.write_text(path.read_text().replace("tiny parts", ""))
    app = open_page(PARTS, run=leaky_parts.id)
    next(b for b in app.button if b.label == "Make look-alikes one group").click().run()
    short = leaky_parts.id.partition("-")[2]
    assert resources.supervisor().active()[-1].name == f"{short}, look-alikes in one group"


def test_joined_parts_say_so_and_lead_back(leaky_parts, storage):
    spec = leaky_parts.spec | {"group_lookalikes": True}
    made = resources.supervisor().submit("parts", spec, parent=leaky_parts.id)
    jobs.start(storage, made.folder).wait(300)
    resources.supervisor().tick()
    app = open_page(PARTS, run=made.id)
    is_well(app)
    assert "2 groups joined because parts look alike" in texts(app.markdown)
    assert not [b for b in app.button if b.label == "Make look-alikes one group"]


def make_model(storage):
    """A finished anomaly model of parts with masks, both references scored; its result."""
    more = {"methods": ("padim",), "folds": 2, "both_references": True}
    result, folder = inspect(storage.runs, make_marked(storage.runs, {"dist1": (20, 12)}), **more)
    runs.finish(folder, RunState.COMPLETED, result=specs.to_json(result))
    resources.supervisor().tick()
    return folder, specs.to_json(result)


def columns(app):
    return {name for frame in app.dataframe for name in frame.value.columns}


def test_a_model_says_what_training_added_and_where_the_defect_is(empty_dashboard, storage):
    folder, _ = make_model(storage)
    app = open_page(MODEL, run=folder.name)
    is_well(app)
    assert "of the untrained start, difference" in words(app)
    assert "A part costs" in [m.label for m in app.metric]
    assert not [m.label for m in app.metric if "reference" in m.label]
    open_tab(app, "Where the defect is")
    assert {
        "AUPRO, FPR ≤ 0.3",
        "AUPRO, FPR ≤ 0.05",
        "pixel separation (AUROC)",
        "pixel AP",
    } <= columns(app)
    open_tab(app, "What each part adds")
    assert {"with", "without", "difference"} <= columns(app)
    parts = next(s for s in app.selectbox if s.label == "By feature type")
    assert "reference nearest instead of mean" in parts.options
    parts.select("reference nearest instead of mean").run()
    is_well(app)


def test_the_form_lists_the_backbones_that_lie_in_the_weights_folder(empty_dashboard, storage):
    make_marked(storage.runs, {"dist1": (20, 12)})
    resources.supervisor().tick()
    assert "In storage/weights" not in words(open_page(MODEL))
    mine = storage.weights / "mine"
    mine.mkdir(parents=True)
    (mine / "config.json").write_text('{"model_type": "dinov2"}')
    (mine / "model.safetensors").write_bytes(b"")
    (storage.weights / "yolov8n.pt").write_bytes(b"")
    assert "In storage/weights: yolov8n.pt (coco), mine (own)" in words(open_page(MODEL)).replace(
        "\\", ""
    )


def test_a_model_of_an_older_version_says_what_it_lacks(empty_dashboard, storage):
    folder, result = make_model(storage)
    for table in ("additions", "localisation"):
        facts.path(folder, table).unlink()
    ended = runs.read_json(folder / "result.json")
    runs.write_json(folder / "result.json", ended | {"result": older.result("inspect", result)})
    resources.supervisor().tick()
    app = open_page(MODEL, run=folder.name)
    is_well(app)
    assert "did not score the diffusion's untrained start" in words(
        open_tab(app, "What each part adds")
    )
    assert "No pixel figures" in words(open_tab(app, "Where the defect is"))
    assert "Features" in [m.label for m in app.metric]


def test_how_likely_a_defect_is_found_is_shown_where_sizes_are_known(empty_dashboard, storage):
    inspected = runs.read(storage.runs / make_inspected(storage.runs, {"dots": (100, 80)}))
    parts = storage.runs / inspected.spec["parts_run"]
    unsized = make_threshold(storage.runs, inspected.id)
    rows, scores = facts.read(parts, "parts"), facts.read(inspected.folder, "scores")
    rng = np.random.default_rng(3)
    sizes = pd.Series(np.exp(rng.uniform(-1, 1.5, len(rows))), rows["part"])
    bad = scores["label"] == 0
    faint = 90 + 30 * np.log(scores["part"].map(sizes)) + rng.logistic(0, 10, len(scores))
    facts.write(inspected.folder, "scores", scores.assign(score=scores["score"].mask(bad, faint)))
    resources.supervisor().tick()
    fold = "How likely a defect is found, by its size"
    app = open_page(THRESHOLD, run=unsized.id)
    is_well(app)
    assert fold not in [one.label for one in app.expander]
    known = rows["part"].map(sizes).where(rows["label"] == 0)
    facts.write(parts, "parts", rows.assign(excess=known))
    sized = make_threshold(storage.runs, inspected.id)
    resources.supervisor().tick()
    app = open_page(THRESHOLD, run=sized.id)
    assert fold in [one.label for one in app.expander]
    app.session_state[f"sizes-{sized.id}"] = True
    app.run()
    is_well(app)
    tiles = {metric.label: metric.value for metric in app.metric}
    table = next(t.value for t in app.dataframe if "a90/95" in t.value)
    assert tiles["a90, tolerances"] == table.iloc[0]["a90 [95 % interval]"].split(" [")[0]
    assert tiles["a90/95, tolerances"] == table.iloc[0]["a90/95"]
    assert table.iloc[0]["BAD parts"] == "80" and "MIL-HDBK-1823A" in words(app)
