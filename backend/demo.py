"""The demo: both flows on the embedded defaults, small enough for five minutes on two cores."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from backend.core import registry, runs, specs
from backend.records import RunState, UserError
from backend.settings import Settings


@dataclass(frozen=True)
class Step:
    """One run of the demo. `settings` differ from the defaults of its kind.

    inputs: spec field → name of the step whose run goes in there.
    """

    kind: str
    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    inputs: Mapping[str, str] = field(default_factory=dict)


STEPS = (
    Step("generate", "Demo: images of the diffusion model", {"teacher": "diffusion", "count": 16}),
    Step("generate", "Demo: rendered glass", {"count": 150, "size": 128, "seed": 1}),
    Step("agreement", "Demo: label agreement", {"count": 20}),
    Step(
        "distill",
        "Demo: student, paper recipe",
        {"preset": "paper", "epochs": 8},
        {"teacher_run": "Demo: rendered glass"},
    ),
    Step(
        "distill",
        "Demo: student, default recipe",
        {"preset": "default", "epochs": 30, "minutes": 1.0},
        {"teacher_run": "Demo: rendered glass"},
    ),
    Step("similarity", "Demo: similarity", {}, {"student_run": "Demo: student, default recipe"}),
    Step(
        "dataset",
        "Demo: synthetic data set",
        {"counts": [100]},
        {"source_runs": "Demo: student, default recipe"},
    ),
    Step("detector", "Demo: detector", {"epochs": 6}, {"dataset_run": "Demo: synthetic data set"}),
    Step("parts", "Demo: printed parts", {"scale": 0.3}),
    Step(
        "inspect",
        "Demo: GOOD-only inspection",
        {"folds": 3, "steps": 100},
        {"parts_run": "Demo: printed parts"},
    ),
    Step("threshold", "Demo: threshold", {}, {"inspect_run": "Demo: GOOD-only inspection"}),
    Step("export", "Demo: export", {}, {"inspect_run": "Demo: GOOD-only inspection"}),
    Step("latency", "Demo: latency", {}, {"export_run": "Demo: export"}),
)


def values(settings: Settings, step: Step) -> dict[str, Any]:
    """The step's full settings, its inputs being the newest runs of the steps they name."""
    return filled(step, {name: _newest(settings, title) for name, title in step.inputs.items()})


def filled(step: Step, inputs: Mapping[str, str]) -> dict[str, Any]:
    """The step's full settings. inputs: spec field → id of the run that goes in there."""
    spec_type = registry.get(step.kind).spec_type
    many = {p.name for p in specs.params(spec_type) if p.many}
    chosen = {name: [run] if name in many else run for name, run in inputs.items()}
    return specs.defaults(spec_type) | dict(step.settings) | chosen


def _newest(settings: Settings, name: str) -> str:
    for run in reversed(runs.readable(runs.folders(settings.runs))):
        if run.name == name and (not run.state.ended or run.state is RunState.COMPLETED):
            return run.id
    raise UserError(f"The demo's run '{name}' is missing. Start the demo again.")
