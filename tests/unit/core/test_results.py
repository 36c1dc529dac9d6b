"""Results as their dataclasses: also older ones, and damaged ones in words."""

import dataclasses
import json
import math
from typing import Any

import pytest

from backend.core import registry, runs, specs
from backend.core.results import from_json
from backend.deployment.latency.load import Load
from backend.inspection.threshold.spec import Spec
from backend.numeric import hardware
from backend.records import RunState, UserError
from tests import older

RESULT = {kind.name: kind.result_type for kind in registry.KINDS}
KINDS = [kind for kind in registry.KINDS if kind.name in older.FIELDS]
LOAD = {"cores": 2, "others_before": None, "other_jobs": 1}
SAMPLES = {"int": 3, "float": 0.5, "str": "a", "bool": True, "tuple[str, ...]": ["a", "b"]}


def sample(hint: Any) -> Any:
    """Some JSON value of a field's type."""
    words = hint.__name__ if isinstance(hint, type) and not hasattr(hint, "__args__") else str(hint)
    words = words.removesuffix(" | None")
    if words.endswith("Load"):
        return specs.to_json(from_json(Load, LOAD))
    if words.endswith("Fingerprint"):
        return specs.to_json(hardware.fingerprint())
    return SAMPLES.get(words, {})


def sampled(result_type: type[Any]) -> dict[str, Any]:
    return {field.name: sample(field.type) for field in dataclasses.fields(result_type)}


def finished(folder, kind: str, result: dict[str, Any] | None, **spec: Any) -> runs.Run:
    run = runs.create(folder, kind, spec)
    runs.finish(run.folder, RunState.COMPLETED, result=result)
    return runs.read(run.folder)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_the_first_result_of_every_kind_still_opens(tmp_path, kind):
    whole = sampled(kind.result_type)
    written = older.result(kind.name, whole)
    read = runs.result(finished(tmp_path, kind.name, written), kind.result_type)
    for field in dataclasses.fields(read):
        shown = specs.to_json(read)[field.name]
        if field.name in written:
            assert shown == whole[field.name]
        else:
            defaults = {field.default, field.default_factory}
            assert defaults != {dataclasses.MISSING}, f"{field.name} came later"


@pytest.mark.parametrize("kind", registry.KINDS, ids=lambda kind: kind.name)
def test_every_result_comes_back_from_json_as_it_was(kind):
    read = from_json(kind.result_type, sampled(kind.result_type))
    plain = json.loads(json.dumps(specs.to_json(read)))
    assert from_json(kind.result_type, plain) == read


def test_what_older_results_lack_says_that_it_is_not_known(tmp_path):
    def opened(kind: str) -> Any:
        written = older.result(kind, sampled(RESULT[kind]))
        return runs.result(finished(tmp_path, kind, written), RESULT[kind])

    assert opened("parts").alike is None
    assert opened("latency").load is None
    assert opened("distill").held == 0, "it held none back"
    assert opened("threshold").by_hand == ()
    found = opened("detector")
    assert (found.gain, found.own_recall, found.size, found.notes) == (None, None, 0, ())
    assert not hasattr(opened("ablation"), "best"), "gone since"


def test_null_is_not_a_number_or_not_known(tmp_path):
    values = sampled(RESULT["detector"]) | {"precision": None, "ap50": None}
    read = runs.result(finished(tmp_path, "detector", values), RESULT["detector"])
    assert read.precision is None
    assert math.isnan(read.ap50)
    means = from_json(RESULT["inspect"], {"mean_auroc": {"padim": None, "knn": 1}}).mean_auroc
    assert means == {"padim": None, "knn": 1.0}
    assert isinstance(means["knn"], float)


def test_what_every_version_wrote_but_is_missing_is_not_known():
    read = from_json(RESULT["parts"], {})
    assert (read.n, read.features, read.counts, read.source) == (None, (), {}, "")
    assert math.isnan(from_json(RESULT["latency"], {}).p95)


def test_a_result_within_a_result_is_typed_too():
    read = from_json(RESULT["latency"], {"load": LOAD | {"gone": 5}}).load
    assert (read.cores, read.others_before, read.load) == (2, None, None)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("n", "35"), ("n", 3.5), ("n", None), ("n", True), ("features", "crack")),
        *(("features", [1]), ("counts", {"crack": 3}), ("counts", []), ("source", 3)),
    ],
)
def test_a_damaged_result_names_its_file_and_field(tmp_path, field, value):
    run = finished(tmp_path, "parts", {field: value})
    with pytest.raises(UserError) as caught:
        runs.result(run, RESULT["parts"])
    assert str(run.folder / "result.json") in str(caught.value)
    assert f"'{field}'" in str(caught.value)


def test_a_run_without_a_result_says_so(tmp_path):
    run = runs.create(tmp_path, "parts", {})
    with pytest.raises(UserError, match="has no result"):
        runs.result(run, RESULT["parts"])


def test_older_settings_open_and_damaged_ones_name_their_file(tmp_path):
    values = {"inspect_run": "x", "promise": "of another version", "alarm_rate": 5, "gone": 1}
    spec = runs.spec(runs.create(tmp_path, "threshold", values), Spec)
    assert (spec.inspect_run, spec.promise, spec.alarm_rate) == ("x", "of another version", 5.0)
    assert spec.method == Spec().method
    run = runs.create(tmp_path, "threshold", {"alarm_rate": "high"})
    with pytest.raises(UserError) as caught:
        runs.spec(run, Spec)
    assert str(run.folder / "spec.json") in str(caught.value)
