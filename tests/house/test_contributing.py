"""CONTRIBUTING.md: its walk is walked."""

import re
import sys
from pathlib import Path

import pytest

import backend.inspection
from backend.core import facts, registry, runs, specs
from backend.inspection.parts import job as parts
from backend.inspection.parts.spec import Spec as PartsSpec
from backend.records import RunState
from backend.settings import PROJECT

WALK = (PROJECT / "CONTRIBUTING.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", WALK, re.DOTALL)


def quiet(fraction, message="", *, step=None, metrics=None):
    assert 0 <= fraction <= 1


@pytest.fixture
def kind(tmp_path, monkeypatch):
    """The kind of the walk, from the files and the row that it tells to write."""
    files = [block for block in BLOCKS if block.startswith("# backend/")]
    (row,) = (block for block in BLOCKS if block.startswith("Kind("))
    assert len(files) == 2
    for block in files:
        place = tmp_path / block.splitlines()[0].removeprefix("# ")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(block, encoding="utf-8")
    above = str(tmp_path / "backend" / "inspection")
    monkeypatch.setattr(backend.inspection, "__path__", [*backend.inspection.__path__, above])
    made = eval(row, {"Kind": registry.Kind})
    monkeypatch.setitem(registry._BY_NAME, made.name, made)
    yield made
    for name in [name for name in sys.modules if name.startswith(made.package)]:
        del sys.modules[name]


def finished(folder: Path, kind: str, spec, function) -> runs.Run:
    """A run that was worked on right here."""
    run = runs.create(folder, kind, specs.to_json(spec))
    for part in ("artifacts", "facts"):
        (run.folder / part).mkdir()
    result = specs.to_json(function(spec, run.folder, quiet))
    runs.finish(run.folder, RunState.COMPLETED, result=result)
    return runs.read(run.folder)


def test_a_kind_of_job_is_two_files_and_a_row(kind, tmp_path):
    source = finished(tmp_path / "runs", "parts", PartsSpec(scale=0.02), parts.run)
    spec = specs.from_json(kind.spec_type, {"parts_run": source.id})
    measured = finished(tmp_path / "runs", kind.name, spec, kind.function)
    assert measured.result["parts"] == source.result["n"]
    assert 0 < measured.result["brightness"] < 255
    assert set(facts.read(measured.folder, "figures")["subject"]) == set(source.result["features"])
