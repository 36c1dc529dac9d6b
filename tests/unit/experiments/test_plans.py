"""Which runs a plan became, from what their settings name; and what a repeat will take."""

from typing import Any

import pytest

from backend.core import runs
from backend.core.runs import Run
from backend.experiments import experiment as experiments
from backend.experiments import glass_paper, inkjet_paper
from backend.experiments.experiment import PAPER, QUICK, Choice, Experiment
from backend.experiments.plans import Finder
from backend.records import RunState, UserError
from backend.settings import Settings
from tests.repeats import make

GLASS, INKJET = glass_paper.EXPERIMENT, inkjet_paper.EXPERIMENT


def ids(made: dict[str, Run]) -> dict[str, str]:
    return {name: run.id for name, run in made.items()}


@pytest.mark.parametrize("experiment", (GLASS, INKJET), ids=lambda one: one.verb)
def test_a_repeat_is_found_by_any_of_its_runs(storage: Settings, experiment: Experiment) -> None:
    wanted = ids(make(storage.runs, experiment, Choice()))
    for run_id in wanted.values():
        assert ids(experiment.finder(storage.runs).of(run_id)) == wanted


def test_repeats_of_one_teacher_set_are_kept_apart(storage: Settings) -> None:
    first = make(storage.runs, GLASS, Choice())
    images = first[glass_paper.IMAGES].id
    second = make(storage.runs, GLASS, Choice(source_run=images, seed=5))
    found = GLASS.finder(storage.runs).repeats()
    assert [ids(made) for made in found] == [
        {glass_paper.IMAGES: images} | ids(second),
        ids(first),
    ]


def test_other_detectors_are_no_repeats(storage: Settings) -> None:
    made = make(storage.runs, GLASS, Choice())
    spec = made[glass_paper.DATASET].spec | {"labels": "all"}
    dataset = runs.create(storage.runs, "dataset", spec)
    other = runs.create(storage.runs, "detector", {"dataset_run": dataset.id})
    finder = GLASS.finder(storage.runs)
    assert len(finder.repeats()) == 1
    with pytest.raises(UserError, match="part of no repeat of this paper"):
        finder.of(other.id)
    with pytest.raises(UserError, match="There is no run"):
        finder.of("nothing")


def test_a_deleted_input_is_left_out_and_the_rest_is_found(storage: Settings) -> None:
    made = make(storage.runs, GLASS, Choice())
    storage.trash.mkdir()
    gone = made.pop(glass_paper.IMAGES)
    gone.folder.rename(storage.trash / gone.id)
    assert ids(GLASS.finder(storage.runs).of(made[glass_paper.DETECTOR].id)) == ids(made)


def test_a_completed_branch_goes_before_a_newer_canceled_one(storage: Settings) -> None:
    made = make(storage.runs, GLASS, Choice())
    similarity = made[glass_paper.SIMILARITY]
    again = runs.create(storage.runs, "similarity", similarity.spec)
    runs.finish(again.folder, RunState.CANCELED)
    found = Finder(storage.runs, GLASS.steps).of(made[glass_paper.DETECTOR].id)
    assert found[glass_paper.SIMILARITY].id == similarity.id


@pytest.mark.parametrize("numbers", (QUICK, PAPER))
@pytest.mark.parametrize("experiment", (GLASS, INKJET), ids=lambda one: one.verb)
def test_what_was_chosen_is_read_off_the_runs(
    storage: Settings, experiment: Experiment, numbers: str
) -> None:
    maker = list(experiment.makers)[-1]
    choice = Choice(numbers=numbers, maker=maker, seed=7)
    made = make(storage.runs, experiment, choice)
    assert experiment.choice(made) == choice
    told = experiments.command(experiment, made)
    assert told.startswith(f"python -m backend repeat {experiment.verb} --numbers {numbers}")
    assert "--seed 7" in told and "\n" not in told


def test_a_command_that_would_not_do_the_same_says_so(storage: Settings) -> None:
    made = make(storage.runs, GLASS, Choice())
    student = made[glass_paper.STUDENT]
    head = runs.read_json(student.folder / "spec.json")
    changed: dict[str, Any] = head | {"spec": head["spec"] | {"epochs": 7}}
    runs.write_json(student.folder / "spec.json", changed)
    found = GLASS.finder(storage.runs).of(student.id)
    assert "runs.json has them all" in experiments.command(GLASS, found)


def test_the_time_is_told_from_earlier_repeats_alone(
    storage: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def told(numbers: str) -> str:
        return experiments.expected(GLASS, Choice(numbers=numbers), storage.runs)

    assert "Not measured on this computer yet" in told(QUICK)
    make(storage.runs, GLASS, Choice(), RunState.CANCELED)
    assert "Not measured on this computer yet" in told(QUICK)
    make(storage.runs, GLASS, Choice())
    monkeypatch.setattr(Run, "seconds", property(lambda run: 60.0))
    assert told(QUICK) == (
        "About 5 min, as earlier repeats with these numbers took on this computer."
    )
    assert "a rough guess" in told(PAPER)


def test_a_choice_that_an_experiment_does_not_have_is_refused() -> None:
    with pytest.raises(UserError, match="Choose one of: renderer"):
        GLASS.checked_plan(Choice(maker="simulator"))
    with pytest.raises(UserError, match="this experiment takes none"):
        INKJET.checked_plan(Choice(test_run="x"))
