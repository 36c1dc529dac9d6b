"""Runs made by hand, without their work: what a report, a comparison and a link need of them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from backend.core import facts, registry, runs, specs
from backend.core.runs import Run
from backend.records import RunState

CLAIM = {"pid": 1, "process_started": 0.0, "started": "2026-01-01T00:00:00+00:00"}
FIGURES = (
    {
        "subject": "all test images",
        "metric": "AP50",
        "value": 0.5,
        "low": 0.4,
        "high": 0.6,
        "n": 20,
    },
    {"subject": "constant box", "metric": "AP50", "value": 0.1, "low": 0.05, "high": 0.2, "n": 20},
)


def made(
    storage: Path,
    kind: str,
    result: Mapping[str, Any],
    tables: Mapping[str, pd.DataFrame | Sequence[Mapping[str, Any]]] | None = None,
    name: str = "",
    state: RunState = RunState.COMPLETED,
    project: str = "",
    **spec: Any,
) -> Run:
    """A finished run of a kind with default settings, `spec` in place of some."""
    values = specs.defaults(registry.get(kind).spec_type) | spec
    run = runs.create(storage / "runs", kind, values, name=name, project=project)
    for table, rows in (tables or {}).items():
        facts.write(run.folder, table, rows)
    (run.folder / "artifacts").mkdir(exist_ok=True)
    runs.write_json(run.folder / "process.json", CLAIM)
    runs.finish(run.folder, state, result=dict(result) if state is RunState.COMPLETED else None)
    return runs.read(run.folder)
