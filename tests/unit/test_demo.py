"""The demo's and the papers' steps fit the kinds they start."""

import pytest

from backend import demo
from backend.core import registry, specs
from backend.experiments.experiment import PAPER, QUICK, Choice
from backend.experiments.papers import EXPERIMENTS
from backend.experiments.plans import Plan

RUN = "20260101T000000-generate-{:06}"
CHOICES = [
    (experiment, Choice(numbers=numbers, maker=maker))
    for experiment in EXPERIMENTS.values()
    for numbers in (QUICK, PAPER)
    for maker in experiment.makers
]
PLANS = [demo.PLAN, *(experiment.checked_plan(choice) for experiment, choice in CHOICES)]


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.title)
def test_every_step_has_settings_its_kind_accepts(plan: Plan) -> None:
    for step in plan.steps:
        spec_type = registry.get(step.kind).spec_type
        known = {p.name: p for p in specs.params(spec_type)}
        ids = {source: RUN.format(place) for place, (_, source) in enumerate(step.sources)}
        specs.from_json(spec_type, step.values(ids))
        values = specs.defaults(spec_type) | dict(step.settings)
        required = {
            name for name, p in known.items() if p.required and specs.matters(p, values, known)
        }
        assert required <= set(step.inputs)
        assert all(known[name].run for name in step.inputs)


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.title)
def test_every_input_is_an_earlier_step_of_a_fitting_kind(plan: Plan) -> None:
    kinds: dict[str, str] = {}
    for step in plan.steps:
        known = {p.name: p for p in specs.params(registry.get(step.kind).spec_type)}
        for field, source in step.sources:
            assert kinds[source] in known[field].run.split("|")
        kinds[step.name] = step.kind
    assert len(kinds) == len(plan.steps)
