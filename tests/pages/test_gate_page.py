"""The page Gate: green or red with the reason, put in force, go back, void on another computer."""

import dataclasses

import numpy as np
import pytest
from PIL import Image

from backend.core import facts, runs, specs
from backend.deployment import in_force
from backend.deployment.gate.checks import Check
from backend.deployment.gate.spec import Figure, Result
from backend.inspection.threshold import active
from backend.records import RunState
from pages.ui import resources
from tests.pages.test_inspection_pages import texts
from tests.pages.test_pages import is_well, open_page
from tests.unit.deployment.test_in_force import HERE, make_gate, make_package, read_as_it_is
from tests.unit.inspection.test_threshold import make_inspected, make_threshold

GATE = "pages/deployment/gate.py"
SLOW = Check("speed", False, "Not faster on this computer: 0.80 times.", 0.8, 0.7, 0.9, 1.0, 150)
KEPT = Check("budget", True, "95 of 100 pictures take at most 9.0 ms.", 9.0, limit=50.0, n=150)
__all__ = ["read_as_it_is"]


def fill(folder, machine=HERE):
    """A gate with what its page shows: FP32 passed, INT8 is slower and turned one verdict."""
    artifacts = folder / "artifacts"
    Image.fromarray(np.full((16, 16, 3), 90, np.uint8)).save(artifacts / "part.png")
    facts.write(folder, "gate_checks", [KEPT.row("FP32"), KEPT.row("INT8"), SLOW.row("INT8")])
    item = {
        **{"variant": "INT8", "item": "dots-003", "path": f"{folder.name}/artifacts/part.png"},
        **{"feature": "dots", "label": "GOOD", "group": "g3", "reference": 1.0, "value": 3.5},
        **{"reference_verdict": "GOOD", "verdict": "BAD", "flipped": True},
    }
    facts.write(folder, "gate_items", [item, item | {"item": "dots-004", "flipped": False}])
    budget = Figure(9.0, None, None, 50.0, 150, True)
    result = dataclasses.replace(
        runs.result(runs.read(folder), Result),
        verdict="FP32 may go on the line; INT8 is refused: it is not faster here.",
        passed=("FP32",),
        refused=("INT8",),
        fastest="FP32",
        figures={
            "FP32": {"budget": budget},
            "INT8": {"budget": budget, "speed": Figure(0.8, 0.7, 0.9, 1.0, 150, False)},
        },
        machine=machine.id,
        described=machine,
    )
    runs.finish(folder, RunState.COMPLETED, result=specs.to_json(result))
    resources.supervisor().tick()
    return runs.read(folder)


@pytest.fixture
def model(empty_dashboard, storage):
    made = make_inspected(storage.runs, {"dots": (30, 10)})
    active.activate(storage.storage, make_threshold(storage.runs, made).folder, "Ada", "")
    return made


@pytest.fixture
def gate(model, storage):
    return fill(make_gate(storage.runs, make_package(storage.runs, model, threshold=1)))


def test_a_variant_stands_beside_full_precision_with_the_reason_in_words(gate):
    app = open_page(GATE, run=gate.id)
    is_well(app)
    assert "INT8 is refused: it is not faster here" in texts(app.success)
    heads = texts(app.subheader)
    assert "FP32: may go on the line" in heads and "INT8: refused" in heads
    assert "Not faster on this computer: 0.80 times" in texts(app.markdown)
    assert texts(app.markdown).count("**9.0 ms** for 95 of 100 pictures") == 2
    assert "**0.80 × [0.70 ×, 0.90 ×]** as fast" in texts(app.markdown)
    assert "INT8: 1 of 2 verdicts turned" in heads
    assert "1.00 → 3.50, labelled GOOD" in texts(app.caption)


def test_only_what_passed_is_offered_and_needs_a_name_and_a_second_look(gate, storage):
    app = open_page(GATE, run=gate.id)
    assert app.radio(key=f"v-{gate.id}").options == ["FP32"]
    assert next(b for b in app.button if b.label == "Put in force").disabled
    app.text_input(key=f"who-{gate.id}").set_value("Ada").run()
    app.text_input(key=f"why-{gate.id}").set_value("first of this line").run()
    app.checkbox(key=f"sure-{gate.id}").check().run()
    next(b for b in app.button if b.label == "Put in force").click().run()
    is_well(app)
    found = in_force.current(storage.storage, "anomaly")
    assert (found.gate_run, found.who, found.why) == (gate.id, "Ada", "first of this line")
    assert "In force: FP32 of" in texts(app.success)
    assert "with limits version 1" in texts(app.success)


def test_the_former_package_comes_back_with_one_click(gate, model, storage):
    in_force.activate(storage.storage, gate.folder, "FP32", "Ada", "")
    other = make_package(storage.runs, model, threshold=1, content=b"second")
    second = fill(make_gate(storage.runs, other))
    in_force.activate(storage.storage, second.folder, "FP32", "Bert", "")
    app = open_page(GATE, run=second.id)
    app.text_input(key=f"who-{second.id}").set_value("Ada").run()
    next(b for b in app.button if b.label.startswith("Go back to FP32")).click().run()
    is_well(app)
    assert in_force.current(storage.storage, "anomaly").gate_run == gate.id
    assert "Another package is in force" in texts(app.info)


def test_a_verdict_of_another_computer_is_void_and_judged_again_here(gate, storage):
    fill(gate.folder, dataclasses.replace(HERE, cpu="Another", flags=()))
    app = open_page(GATE, run=gate.id)
    assert not app.exception
    assert "This verdict is void here" in texts(app.error) and "Another" in texts(app.error)
    assert not [b for b in app.button if b.label == "Put in force"]
    next(b for b in app.button if b.label == "Judge again on this computer").click().run()
    assert not app.exception
    made = resources.supervisor().active()
    refused = texts(app.error)
    assert made or "model.onnx" in refused or "package.json" in refused


def test_limits_that_the_package_in_force_does_not_carry_are_told(gate, model, storage):
    in_force.activate(storage.storage, gate.folder, "FP32", "Ada", "")
    active.activate(storage.storage, make_threshold(storage.runs, model).folder, "Bert", "")
    app = open_page(GATE, run=gate.id)
    assert "the package carries version 1. Make the package again" in texts(app.warning)
    app = open_page("pages/inspection/threshold.py")
    assert "the package carries version 1. Make the package again" in texts(app.warning)
