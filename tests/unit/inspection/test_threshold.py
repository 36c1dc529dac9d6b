"""The threshold kind, its versions, and the journal of the one in force."""

import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from backend.core import facts, jobs, runs, specs
from backend.inspection.threshold import active
from backend.inspection.threshold import job as threshold
from backend.inspection.threshold.spec import Spec
from backend.records import RunState, UserError


def quiet(fraction, message="", *, step=None, metrics=None):
    assert 0 <= fraction <= 1


def make_inspected(root, counts, group_size=1, repeats=2):
    """A finished anomaly model: feature → (GOOD, BAD); GOOD scores 0, 1, 2 …, BAD 1000 above."""
    parts = runs.create(root, "parts", {})
    (parts.folder / "artifacts").mkdir()
    Image.new("RGB", (16, 16), "grey").save(parts.folder / "artifacts" / "part.png")
    inspected = runs.create(root, "inspect", {"parts_run": parts.id})
    rows, scores = [], []
    for feature, (n_good, n_bad) in counts.items():
        for i in range(n_good + n_bad):
            label, name = int(i < n_good), f"{feature}-{i:03d}"
            group = f"{feature}-{i // group_size}"
            rows.append((name, "artifacts/part.png", feature, label, group, ""))
            for repeat in range(repeats):
                value = i + 1000 * (1 - label) + 5000 * repeat
                scores.append(("diffusion", repeat, 0, name, feature, label, float(value)))
    columns = ["part", "path", "feature", "label", "group", "defect"]
    facts.write(parts.folder, "parts", pd.DataFrame(rows, columns=columns))
    columns = ["method", "repeat", "fold", "part", "feature", "label", "score"]
    facts.write(inspected.folder, "scores", pd.DataFrame(scores, columns=columns))
    for run in (parts, inspected):
        runs.finish(run.folder, RunState.COMPLETED, result={})
    return inspected.id


def make_threshold(root, inspect_run, **more):
    """A finished threshold run, as the worker makes it."""
    values = {"inspect_run": inspect_run} | more
    run = runs.create(root, "threshold", values)
    result = threshold.run(specs.from_json(Spec, values), run.folder, quiet)
    runs.finish(run.folder, RunState.COMPLETED, result=specs.to_json(result))
    return runs.read(run.folder)


@pytest.fixture
def root(storage):
    return storage.runs


def test_each_type_has_its_own_limits_from_the_first_repeat(root):
    run = make_threshold(root, make_inspected(root, {"dots": (99, 10), "edge1": (18, 2)}))
    rows = facts.read(run.folder, "thresholds").set_index("feature")
    assert rows.loc["dots", "alarm_limit"] == 94
    assert rows.loc["dots", "review_limit"] == 89
    assert rows.loc["dots", ["good_alarms", "good_reviews"]].tolist() == [4, 5]
    assert rows.loc["dots", "bad_alarms"] == 10
    assert np.isnan(rows.loc["edge1", "alarm_limit"])
    assert rows.loc["edge1", "needed"] == 1
    assert rows.loc["edge1", "review_limit"] == 17
    assert run.result["ready"] == ["dots"]
    assert run.result["short"] == ["edge1"]


def test_the_line_reads_limits_or_null_never_a_guess(root):
    run = make_threshold(root, make_inspected(root, {"dots": (60, 0), "edge1": (5, 0)}))
    content = json.loads((run.folder / active.FILE).read_text(encoding="utf-8"))
    assert content["features"]["dots"]["limit"] == 57
    assert content["features"]["edge1"]["limit"] is None
    assert content["features"]["edge1"]["review_limit"] is None
    assert content["method"] == "diffusion"
    assert "NaN" not in json.dumps(content)


def test_crops_of_one_component_do_not_make_a_certificate(root):
    inspect_run = make_inspected(root, {"dots": (240, 5)}, group_size=5)
    run = make_threshold(root, inspect_run, promise="certified")
    row = facts.read(run.folder, "thresholds").iloc[0]
    assert (row["n_good"], row["n_groups"], row["needed"]) == (240, 48, 11)
    assert not row["enough"]
    assert any("groups" in note for note in run.result["notes"])


def test_versions_count_up_for_each_model(root):
    first, second = (make_inspected(root, {"dots": (30, 0)}) for _ in range(2))
    versions = [make_threshold(root, one).result["version"] for one in (first, first, second)]
    assert versions == [1, 2, 1]


def test_what_cannot_be_is_said_in_words(root):
    inspect_run = make_inspected(root, {"dots": (30, 0)})
    with pytest.raises(UserError, match="no scores of 'padim'"):
        make_threshold(root, inspect_run, method="padim")
    with pytest.raises(UserError, match="Review rate"):
        make_threshold(root, inspect_run, alarm_rate=0.2, review_rate=0.1)


def test_the_last_choice_is_in_force_and_can_be_taken_back(root, storage):
    inspect_run = make_inspected(root, {"dots": (30, 0)})
    first, second = (make_threshold(root, inspect_run) for _ in range(2))
    assert active.current(storage.storage) is None
    for run, why in ((first, "start"), (second, "more parts"), (first, "back")):
        active.activate(storage.storage, run.folder, " Ada ", why)
    found = active.history(storage.storage)
    assert [one.version for one in found] == [1, 2, 1]
    assert active.current(storage.storage) == found[-1]
    assert (found[-1].who, found[-1].why, found[-1].inspect_run) == ("Ada", "back", inspect_run)


def test_a_line_cut_short_by_a_crash_loses_nothing_else(root, storage):
    run = make_threshold(root, make_inspected(root, {"dots": (30, 0)}))
    active.activate(storage.storage, run.folder, "Ada", "")
    path = storage.storage / active.JOURNAL
    path.write_bytes(path.read_bytes() + b'{"run_id": "torn')
    active.activate(storage.storage, run.folder, "Grace", "")
    assert [one.who for one in active.history(storage.storage)] == ["Ada", "Grace"]


def test_a_version_without_a_limit_or_a_name_is_not_put_in_force(root, storage):
    empty = make_threshold(root, make_inspected(root, {"dots": (5, 0)}))
    with pytest.raises(UserError, match="Add GOOD parts"):
        active.activate(storage.storage, empty.folder, "Ada", "")
    good = make_threshold(root, make_inspected(root, {"dots": (30, 0)}))
    with pytest.raises(UserError, match="Who is missing"):
        active.activate(storage.storage, good.folder, " ", "")
    assert active.history(storage.storage) == []


def test_the_threshold_in_force_is_not_deleted(root, storage, store):
    inspect_run = make_inspected(root, {"dots": (30, 0)})
    first, second = (make_threshold(root, inspect_run) for _ in range(2))
    active.activate(storage.storage, first.folder, "Ada", "")
    queue = jobs.Supervisor(storage, store)
    with pytest.raises(UserError, match="is the threshold in force"):
        queue.delete(first.id)
    with pytest.raises(UserError, match="is behind the threshold in force"):
        queue.delete(inspect_run)
    queue.delete(second.id)
    assert first.folder.is_dir()
