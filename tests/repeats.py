"""Folders of a repeat's runs as the queue makes them, without their work."""

from pathlib import Path

from backend.core import runs
from backend.core.runs import Run
from backend.experiments.experiment import Choice, Experiment
from backend.records import Cause, RunState

CLAIM = {"pid": 1, "process_started": 0.0, "started": "2026-01-01T00:00:00+00:00"}


def make(
    home: Path,
    experiment: Experiment,
    choice: Choice,
    state: RunState | None = RunState.COMPLETED,
    error: str = "",
    cause: Cause = Cause.UNKNOWN,
) -> dict[str, Run]:
    """Name of a step → its run, all ended alike. state: None leaves them pending."""
    plan = experiment.checked_plan(choice)
    made: dict[str, Run] = {}
    for step in plan.steps:
        ids = plan.given | {name: run.id for name, run in made.items()}
        run = runs.create(home, step.kind, step.values(ids), name=plan.name_of(step))
        if state is not None:
            runs.write_json(run.folder / "process.json", CLAIM)
            runs.finish(run.folder, state, result={}, error=error, cause=cause)
        made[step.name] = runs.read(run.folder)
    return made
