"""Making data sets again without the test images that were found in them."""

from typing import Any

from backend.actions.work import submit
from backend.core import registry, runs, specs
from backend.core.audit import Actor
from backend.core.desk import Desk
from backend.core.runs import Run


def make_again_without(actor: Actor, desk: Desk, run_id: str) -> list[Run]:
    """What a refused test set or detector needs, in the queue: for a test set that set without the
    comparison, and its data sets without its images; for a detector its data set, and itself.

    Raises UserError where a run is gone, or its settings fit no more.
    """
    refused = runs.read(runs.named(desk.settings.runs, run_id))
    spec = _settings(refused)
    if refused.kind == "testset":
        test = _again(actor, desk, refused, spec | {"dataset_runs": ()})
        return [test, *(_without(actor, desk, one, test.id) for one in spec["dataset_runs"])]
    dataset = _without(actor, desk, spec["dataset_run"], spec["test_run"])
    return [dataset, _again(actor, desk, refused, spec | {"dataset_run": dataset.id})]


def _without(actor: Actor, desk: Desk, dataset_id: str, test_id: str) -> Run:
    dataset = runs.read(runs.named(desk.settings.runs, dataset_id))
    spec = _settings(dataset)
    named = dict.fromkeys((*spec["without_runs"], test_id))
    return _again(actor, desk, dataset, spec | {"without_runs": tuple(named)})


def _settings(run: Run) -> dict[str, Any]:
    """The run's settings as this version has them."""
    return specs.to_json(runs.spec(run, registry.get(run.kind).spec_type))


def _again(actor: Actor, desk: Desk, run: Run, values: dict[str, Any]) -> Run:
    return submit(actor, desk, run.kind, values, name=run.name, parent=run.id)
