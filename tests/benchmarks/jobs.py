"""Jobs as a benchmark runs them: here and now, without a process of their own."""

from pathlib import Path
from typing import Any

from backend.core import registry, runs, specs
from backend.core.runs import Run
from backend.records import RunState


def quiet(*args: object, **kwargs: object) -> None:
    """A progress nobody looks at."""


def run_job(folder: Path, kind: str, values: dict[str, Any]) -> Run:
    """A job of this kind with these settings; the ended run."""
    made = registry.get(kind)
    spec = specs.from_json(made.spec_type, values)
    run = runs.create(folder, kind, specs.to_json(spec))
    for name in ("artifacts", "checkpoint"):
        (run.folder / name).mkdir(parents=True, exist_ok=True)
    result = made.function(spec, run.folder, quiet)
    runs.finish(run.folder, RunState.COMPLETED, result=specs.to_json(result))
    return runs.read(run.folder)
