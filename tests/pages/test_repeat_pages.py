"""The papers' pages: what is chosen, jobs under way, stopped and failed, and earlier repeats."""

import pytest
from streamlit.testing.v1 import AppTest

from backend.core import runs
from backend.experiments import glass_paper, inkjet_paper
from backend.experiments.experiment import PAPER, Choice, Experiment
from backend.records import Cause, RunState
from backend.settings import Settings
from pages.ui import links, resources
from tests.pages.test_pages import is_well, open_page, words
from tests.repeats import make

GLASS, INKJET = glass_paper.EXPERIMENT, inkjet_paper.EXPERIMENT
BOTH = pytest.mark.parametrize("experiment", (GLASS, INKJET), ids=lambda one: one.verb)


def opened(experiment: Experiment, **query: str) -> AppTest:
    return open_page(links.EXPERIMENTS[experiment.verb].path, **query)


def press(app: AppTest, label: str) -> AppTest:
    return next(b for b in app.button if b.label == label).click().run()


@BOTH
def test_an_empty_page_asks_for_three_things_and_says_what_will_run(
    empty_dashboard: None, experiment: Experiment
) -> None:
    app = opened(experiment)
    is_well(app)
    assert len(app.selectbox) == 2 and len(app.number_input) == 1
    told = words(app)
    assert f"{len(experiment.steps)} jobs in one go" in told
    assert "Not measured on this computer yet" in told
    assert "Earlier repeats" not in [s.value for s in app.subheader]


@BOTH
def test_start_queues_every_job_and_leads_to_them(
    empty_dashboard: None, storage: Settings, experiment: Experiment
) -> None:
    app = press(opened(experiment), "Start")
    is_well(app)
    made = sorted(runs.readable(runs.folders(storage.runs)), key=lambda run: run.created)
    assert [run.kind for run in made] == [step.kind for step in experiment.steps]
    told = words(app)
    assert all(step.name.lower() in told.lower() for step in experiment.steps)
    press(app, "Cancel all")
    assert all((run.folder / "cancel").exists() for run in made)


def test_stopped_jobs_say_so_and_go_on_together(empty_dashboard: None, storage: Settings) -> None:
    made = make(storage.runs, GLASS, Choice(), RunState.CANCELED)
    resources.supervisor().tick()
    app = opened(GLASS, run=made[glass_paper.DETECTOR].id)
    is_well(app)
    assert "It can go on from where it stopped" in words(app)
    press(app, "Resume")
    states = {run.state for run in runs.readable(runs.folders(storage.runs))}
    assert states <= {RunState.PENDING, RunState.RUNNING}


def test_a_failed_job_says_why_and_that_other_choices_are_needed(
    empty_dashboard: None, storage: Settings
) -> None:
    error = "Too few images. Take more."
    made = make(storage.runs, GLASS, Choice(), RunState.FAILED, error, Cause.MISTAKE)
    resources.supervisor().tick()
    app = opened(GLASS, run=made[glass_paper.DETECTOR].id)
    assert not app.exception
    assert [e.value for e in app.error] == [
        f"**teacher images**: failed. {error} What rests on it cannot be made. Repeat it with "
        "other choices."
    ]
    assert not [b for b in app.button if b.label == "Resume"]


def test_other_choices_begin_with_those_of_before(empty_dashboard: None, storage: Settings) -> None:
    made = make(storage.runs, INKJET, Choice(numbers=PAPER, seed=9), RunState.CANCELED)
    app = opened(INKJET, again=made[inkjet_paper.LATENCY].id)
    is_well(app)
    assert app.number_input[0].value == 9
    assert app.selectbox[1].value == PAPER


def test_a_run_of_no_repeat_is_a_plain_sentence(empty_dashboard: None, storage: Settings) -> None:
    other = runs.create(storage.runs, "generate", {})
    app = opened(GLASS, run=other.id)
    assert not app.exception
    assert "part of no repeat" in app.error[0].value
