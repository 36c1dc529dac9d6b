"""CONTRIBUTING.md: its walks are walked."""

import importlib
import re
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from streamlit.testing.v1 import AppTest

import backend.inspection
from backend.core import facts, registry, runs, specs
from backend.images import formats, vocabulary
from backend.images.formats import detect
from backend.inspection.parts import job as parts
from backend.inspection.parts.spec import Spec as PartsSpec
from backend.records import RunState
from backend.settings import PROJECT
from pages.ui import links, resources
from tests.unit.images import test_written_and_read, written

WALKS = (PROJECT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def blocks(walk: str) -> list[str]:
    """The Python of the walk under a heading."""
    text = WALKS.partition(f"## {walk}\n")[2].partition("\n## ")[0]
    return re.findall(r"```python\n(.*?)```", text, re.DOTALL)


def laid_out(block: str, root: Path) -> Path:
    """A file of a walk, at the place under `root` that its first line names."""
    place = root / block.splitlines()[0].removeprefix("# ")
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(block, encoding="utf-8")
    return place


def extend(monkeypatch: pytest.MonkeyPatch, package: ModuleType, root: Path) -> None:
    """A package finds what a walk laid out for it under `root`."""
    above = str(root.joinpath(*package.__name__.split(".")))
    monkeypatch.setattr(package, "__path__", [*package.__path__, above])


def quiet(fraction, message="", *, step=None, metrics=None):
    assert 0 <= fraction <= 1


@pytest.fixture
def kind(tmp_path, monkeypatch):
    """The kind of the walk, from the files and the row that it tells to write."""
    spec, job, row = blocks("Add a kind of job")
    for block in (spec, job):
        laid_out(block, tmp_path)
    extend(monkeypatch, backend.inspection, tmp_path)
    made = eval(row, {"Kind": registry.Kind})
    monkeypatch.setitem(registry._BY_NAME, made.name, made)
    yield made
    for name in [name for name in sys.modules if name.startswith(made.package)]:
        del sys.modules[name]


@pytest.fixture
def page(kind, tmp_path, monkeypatch):
    """The page of the walk, in the navigation."""
    script, row = blocks("Add a page")
    entry = replace(eval(row, {"_entry": links._entry}), path=str(laid_out(script, tmp_path)))
    monkeypatch.setitem(links.SECTIONS, "Models", [*links.SECTIONS["Models"], entry])
    monkeypatch.setitem(links.BY_KIND, entry.kind, entry)
    return entry


@pytest.fixture(scope="module")
def layout(tmp_path_factory):
    """The label format of the walk, known to the readers, and what writes it."""
    reader, read_by, called, writer = blocks("Add a label format")
    root = tmp_path_factory.mktemp("walk")
    laid_out(reader, root)
    with pytest.MonkeyPatch.context() as monkeypatch:
        extend(monkeypatch, formats, root)
        module = importlib.import_module("backend.images.formats.tensorflow")
        for table, row in ((detect._READERS, read_by), (vocabulary.LAYOUTS, called)):
            for name, value in eval(row, {"tensorflow": module}).items():
                monkeypatch.setitem(table, name, value)
        names = dict(vars(written))
        exec(writer, names)
        yield names["tensorflow"]
    del sys.modules[module.__name__]
    vars(formats).pop("tensorflow")


def finished(folder: Path, kind: str, spec, function) -> runs.Run:
    """A run that was worked on right here."""
    run = runs.create(folder, kind, specs.to_json(spec))
    for part in ("artifacts", "facts"):
        (run.folder / part).mkdir()
    result = specs.to_json(function(spec, run.folder, quiet))
    runs.finish(run.folder, RunState.COMPLETED, result=result)
    return runs.read(run.folder)


def measured(kind: registry.Kind, folder: Path) -> tuple[runs.Run, runs.Run]:
    """Parts, and the walk's run on them."""
    source = finished(folder, "parts", PartsSpec(scale=0.02), parts.run)
    spec = specs.from_json(kind.spec_type, {"parts_run": source.id})
    return source, finished(folder, kind.name, spec, kind.function)


def test_a_kind_of_job_is_two_files_and_a_row(kind, tmp_path):
    source, run = measured(kind, tmp_path / "runs")
    assert run.result["parts"] == source.result["n"]
    assert 0 < run.result["brightness"] < 255
    assert set(facts.read(run.folder, "figures")["subject"]) == set(source.result["features"])


def test_a_page_is_a_script_and_a_row(page, kind, empty_dashboard, storage):
    app = AppTest.from_file(str(PROJECT / "app.py"), default_timeout=60).run()
    app.switch_page(page.path).run()
    assert not app.exception and app.title[0].value == "Brightness"
    _, run = measured(kind, storage.runs)
    resources.supervisor().tick()
    app.query_params["run"] = run.id
    app.run()
    assert not app.exception and not app.error
    assert app.metric[0].value == f"{run.result['brightness']:.0f}"
    assert set(app.dataframe[0].value["subject"]) == set(
        facts.read(run.folder, "figures")["subject"]
    )


@test_written_and_read.few
@given(written.writers, written.dialects, written.sets())
def test_a_label_format_is_a_module_and_two_rows(layout, writer, dialect, images):
    placed = layout(writer, images)
    written.metadata(writer, dialect, placed)
    result = test_written_and_read.read(writer, packed=False)
    assert result.found.layout == "tensorflow"
    test_written_and_read.check(result, placed)
