"""Ablation: the grid a person writes, and settings compared on the same folds."""

import dataclasses

import pytest

from backend.core import facts, runs, specs
from backend.inspection.ablation import job as ablation
from backend.inspection.ablation import spec as ablation_spec
from backend.inspection.ablation.spec import OWN, Spec
from backend.inspection.model.spec import Spec as ModelSpec
from backend.inspection.parts import job as parts
from backend.inspection.parts import lookalikes
from backend.inspection.parts.spec import Spec as PartsSpec
from backend.records import RunState, UserError

BASE = ModelSpec(parts_run="any")


def quiet(fraction, message="", *, step=None, metrics=None):
    assert 0 <= fraction <= 1


def test_each_change_differs_from_the_model_in_what_it_says():
    found = ablation_spec.grid(BASE, ("timesteps = 8", "Top share=0.1, steps= 0"))
    assert list(found) == [OWN, "timesteps = 8", "top_share = 0.1, steps = 0"]
    assert found["timesteps = 8"] == dataclasses.replace(BASE, timesteps=8)
    assert found["top_share = 0.1, steps = 0"] == dataclasses.replace(BASE, top_share=0.1, steps=0)


def test_a_change_that_changes_nothing_is_the_model_itself():
    assert list(ablation_spec.grid(BASE, (f"timesteps = {BASE.timesteps}",))) == [OWN]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("timesteps", "not of the form"),
        ("timestep = 8", "'timestep' cannot be varied"),
        ("folds = 3", "'folds' cannot be varied"),
        ("timesteps = many", "Timesteps must be a whole number"),
        ("timesteps = 99", "Timesteps must be between"),
        ("strides = 7", "Strides must be one of"),
    ],
)
def test_what_does_not_fit_is_named(line, words):
    with pytest.raises(UserError, match=words):
        specs.validate(Spec(inspect_run="x", changes=(line,)))


def test_the_same_change_twice_is_refused():
    with pytest.raises(UserError, match="twice"):
        ablation_spec.grid(BASE, ("timesteps = 8", "timesteps=8"))


def setting(name: str, difference: float, half: float) -> dict[str, object]:
    ends = {"difference_low": difference - half, "difference_high": difference + half}
    return {"setting": name, "difference": difference} | ends


def test_only_what_is_beyond_chance_after_holm_is_called_better_or_worse():
    own = {"setting": OWN}
    words = ablation.verdict([own, setting("a", 0.05, 0.02), setting("b", -0.05, 0.02)])
    assert words.startswith("Better than the model as it is: a (p < 0.01). Worse than the model")
    one_of_many = [setting("lucky", 0.05, 0.048), *(setting(f"s{k}", 0.0, 0.05) for k in range(9))]
    assert ablation.verdict([own, *one_of_many]).startswith("Cannot be told")
    assert ablation.verdict([own, setting("alone", 0.05, 0.048)]).startswith("Better")
    unmoved = {"setting": "c", "difference": 0.1, "difference_low": None, "difference_high": None}
    assert ablation.verdict([own, unmoved]).startswith("Cannot be told")


def test_settings_are_compared_in_pairs_with_the_model_as_it_is(tmp_path):
    made = runs.create(tmp_path, "parts", {})
    (made.folder / "artifacts").mkdir()
    parts.run(PartsSpec(scale=0.1, size=64), made.folder, quiet)
    runs.finish(made.folder, RunState.COMPLETED, result={"duplicates": 0, "alike": 2})
    values = {"parts_run": made.id, "weights": "scattering", "folds": 2, "steps": 2}
    values |= {"size": 64, "dims": 8, "timesteps": 2}
    inspected = runs.create(tmp_path, "inspect", values)
    runs.finish(inspected.folder, RunState.COMPLETED, result={})
    run = runs.create(tmp_path, "ablation", {})
    spec = Spec(inspect_run=inspected.id, changes=("timesteps = 1",), resamples=50)
    result = ablation.run(spec, run.folder, quiet)
    rows = facts.read(run.folder, "ablations")
    assert set(rows["setting"]) == {OWN, "timesteps = 1"}
    mine = rows[rows["method"] == "diffusion"].set_index("setting")
    assert mine.loc[OWN, ["difference"]].isna().all()
    gap = mine.loc["timesteps = 1", "auroc"] - mine.loc[OWN, "auroc"]
    assert mine.loc["timesteps = 1", "difference"] == pytest.approx(gap)
    baseline = rows[rows["method"] == "padim"].set_index("setting")["auroc"]
    assert baseline["timesteps = 1"] == baseline[OWN], "the same folds and features"
    assert (mine["part_ms"] > 0).all()
    assert result.settings == 2
    assert result.lookalikes == lookalikes.words(0, 2)
    assert not (run.folder / "checkpoint" / "timed").exists()


@pytest.mark.parametrize(
    ("weights", "timed", "taken"),
    [
        ("auto", {"whole": 2.0}, "scattering"),
        ("auto", {"whole": 2.0, "coco": 1.0, "scattering": 1.0}, "coco+scattering"),
        ("auto", {"whole": 2.0, "rendered": 1.0, "scattering": 1.0}, "rendered+scattering"),
        ("coco", {"whole": 2.0}, "coco"),
    ],
)
def test_the_model_as_it_is_has_the_features_that_it_was_made_with(tmp_path, weights, timed, taken):
    run = runs.create(tmp_path, "inspect", {"parts_run": "any", "weights": weights})
    runs.finish(run.folder, RunState.COMPLETED, result={"part_ms": timed})
    made = ablation._as_made(runs.read(run.folder))
    specs.validate(made)
    assert made.weights == taken
