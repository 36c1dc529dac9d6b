"""The gate: what passes, what is refused and why, and what it is judged on."""

import dataclasses
import io
import json
import os
import shutil
import subprocess
import sys
import zipfile

import numpy as np
import onnx
import pandas as pd
import pytest
from onnx import helper, numpy_helper
from PIL import Image

from backend.core import facts, runs, specs
from backend.deployment.gate import job as gate
from backend.deployment.gate import part_sets, takeaway
from backend.deployment.gate.spec import Result, Spec
from backend.deployment.package import contract
from backend.deployment.package import job as package
from backend.deployment.package.spec import Spec as PackageSpec
from backend.inspection.model import job as crossval
from backend.inspection.model.spec import Spec as ModelSpec
from backend.numeric import quantise
from backend.records import Label, RunState, UserError
from backend.settings import PROJECT

SMALL = {
    "calls": 30,
    "units": 2,
    "calibration": 16,
    "alarm_rate": 0.2,
    "turned_allowed": 0.15,
    "budget_ms": 10_000.0,
    "parity": 0.1,
}
TYPES = ("dist1", "edge1")


def quiet(fraction, message="", *, step=None, metrics=None):
    assert 0 <= fraction <= 1


def finish(folder, result=None):
    runs.finish(folder, RunState.COMPLETED, result=specs.to_json(result) if result else {})
    return folder.name


def make_parts(root, count=200, types=TYPES, seed=0, dark=False):
    """A run of striped parts, every fifth of them BAD: its stripes are fainter."""
    folder = runs.create(root, "parts", {}).folder
    (folder / "artifacts").mkdir()
    rng, rows = np.random.default_rng(seed), []
    for i in range(count):
        good = i % 5 > 0
        image = rng.normal(60 if dark else 120, 10, (64, 64))
        image[:, :: 8 if i % 2 else 16] += 60 if good and not dark else 25
        pixels = np.repeat(image.clip(0, 255).astype(np.uint8)[..., None], 3, 2)
        Image.fromarray(pixels).save(folder / "artifacts" / f"{i:03d}.png")
        path = f"artifacts/{i:03d}.png"
        rows.append((f"p{seed}-{i:03d}", path, types[i % 2], int(good), f"g{seed}-{i}", ""))
    columns = ["part", "path", "feature", "label", "group", "defect"]
    facts.write(folder, "parts", pd.DataFrame(rows, columns=columns))
    return finish(folder)


def make_package(root):
    """A finished run of the kind `package`, of a tiny anomaly model."""
    small = {"weights": "scattering", "size": 64, "dims": 12, "steps": 10, "timesteps": 1}
    spec = ModelSpec(parts_run=make_parts(root), folds=2, methods=("padim",), **small)
    inspected = runs.create(root, "inspect", specs.to_json(spec)).folder
    (inspected / "artifacts").mkdir()
    finish(inspected, crossval.run(spec, inspected, quiet))
    runs.write_json(inspected / "provenance.json", {"inputs": {}})
    asked = PackageSpec(model_run=inspected.name, tolerance=0.1)
    folder = runs.create(root, "package", specs.to_json(asked)).folder
    finish(folder, package.run(asked, folder, quiet))
    return folder


def judge(packed, **values):
    """The folder of a finished gate, and its result as it is read back."""
    spec = specs.from_json(Spec, SMALL | {"package_run": packed.name} | values)
    folder = runs.create(packed.parent, "gate", specs.to_json(spec)).folder
    finish(folder, gate.run(spec, folder, quiet))
    return folder, runs.result(runs.read(folder), Result)


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    root = tmp_path_factory.mktemp("storage") / "runs"
    root.mkdir()
    return make_package(root)


@pytest.fixture(scope="module")
def judged(packed):
    return judge(packed, variants="none")


def slowed(file):
    """The model with work of no use before its score: as exact, and slow."""
    model = onnx.load(file)
    graph, edge = model.graph, 900
    for node in graph.node:
        for place, name in enumerate(node.output):
            if name == "score":
                node.output[place] = "score.fast"
    square = np.full((edge, edge), 1e-6, np.float32)
    graph.initializer.append(numpy_helper.from_array(square, "square"))
    graph.initializer.append(numpy_helper.from_array(np.float32(0), "nothing"))
    add = [
        helper.make_node("ReduceSum", ["score.fast"], ["sum"], keepdims=0),
        helper.make_node("Mul", ["sum", "square"], ["m0"]),
        *(helper.make_node("MatMul", [f"m{k}", "square"], [f"m{k + 1}"]) for k in range(3)),
        helper.make_node("ReduceSum", ["m3"], ["all"], keepdims=0),
        helper.make_node("Mul", ["all", "nothing"], ["zero"]),
        helper.make_node("Add", ["score.fast", "zero"], ["score"]),
    ]
    graph.node.extend(add)
    onnx.checker.check_model(model)
    return model


def test_full_precision_passes_with_its_reasons_as_rows(judged):
    folder, result = judged
    assert result.passed == ("FP32",) and result.refused == ()
    assert result.verdict == "FP32 may go on the line."
    rows = facts.read(folder, "gate_checks").set_index("name")
    assert set(rows.index) == {"golden pictures", "parity", "budget", "size", "memory"}
    assert rows.loc[["golden pictures", "parity", "budget"], "passed"].all()
    assert rows.loc["golden pictures", "value"] < 1e-3 and rows.loc["golden pictures", "n"] == 20
    assert 30 < rows.loc["memory", "value"] < 1500
    assert result.figures["FP32"]["budget"].value == rows.loc["budget", "value"]
    assert len(facts.read(folder, "latencies")) == SMALL["calls"]
    assert json.loads((folder / "artifacts" / "gate.json").read_text())["machine"] == result.machine
    assert result.described.id == result.machine


def test_a_budget_that_is_missed_refuses_the_package_and_all_its_variants(packed):
    _, result = judge(packed, variants="fp16", budget_ms=0.1)
    assert result.passed == () and result.fastest == ""
    assert result.verdict.startswith(
        "FP32 is refused: it is too slow for the line; FP16 is refused"
    )
    assert "0.1 ms are allowed" in result.reasons[0]


def test_a_bad_quantisation_is_refused_and_told_why(packed):
    """All nodes, ranges from four pictures."""
    folder, result = judge(packed, variants="int8", nodes="all", calibration=4)
    assert result.passed == ("FP32",) and result.refused == ("INT8",)
    assert "it may separate GOOD and BAD worse" in result.verdict
    lost = result.figures["INT8"]["AUROC"]
    assert lost.value < -0.1 and lost.low < -0.01 and lost.n == result.judged
    assert any(r.startswith("INT8: Separation of GOOD and BAD") for r in result.reasons)
    rows = facts.read(folder, "gate_items")
    turned = rows[rows["flipped"]]
    assert len(turned) and (turned["verdict"] != turned["reference_verdict"]).all()
    assert all((folder.parent / path).is_file() for path in rows["path"])
    assert len(rows) == result.judged


def test_a_slow_variant_is_refused_though_it_is_exact(packed, monkeypatch):
    monkeypatch.setattr(quantise, "fp16", slowed)
    _, result = judge(packed, variants="fp16")
    assert result.refused == ("FP16",)
    assert result.verdict.endswith("FP16 is refused: it gains too little speed here.")
    speed = result.figures["FP16"]["speed"]
    assert speed.high < 1 and not speed.passed
    assert result.figures["FP16"]["AUROC"].passed and result.figures["FP16"]["flips"].passed


def test_a_variant_that_is_exact_and_faster_passes_and_is_taken_away(packed, monkeypatch, tmp_path):
    """The package is made slow, so that its former model is a variant worth having."""
    exact = contract.folder_of(packed) / contract.MODEL
    slow = runs.create(packed.parent, "package", runs.read(packed).spec).folder
    shutil.copytree(packed / "artifacts", slow / "artifacts", dirs_exist_ok=True)
    folder = contract.folder_of(slow)
    onnx.save(slowed(exact), folder / contract.MODEL)
    head = runs.read_json(folder / contract.HEAD)
    head["files"][contract.MODEL] = contract.sha256(folder / contract.MODEL)
    runs.write_json(folder / contract.HEAD, head)
    finish(slow, runs.result(runs.read(packed), package.Result))
    monkeypatch.setattr(quantise, "fp16", lambda _: onnx.load(exact))
    folder, result = judge(slow, variants="fp16")
    assert result.passed == ("FP32", "FP16") and result.fastest == "FP16"
    assert result.verdict == "FP32 may go on the line; FP16 may go on the line."
    assert result.figures["FP16"]["speed"].low > 1.3
    with zipfile.ZipFile(io.BytesIO(takeaway.packed(runs.read(folder), "FP16"))) as packed_file:
        packed_file.extractall(tmp_path)
    taken = contract.read(tmp_path)
    assert taken.head["variant"] == "FP16" and contract.sha256(taken.model) == result.files["FP16"]
    assert runs.read_json(tmp_path / "gate.json")["verdict"] == result.verdict


def test_the_verb_prints_verdict_and_reasons_and_its_exit_code_tells_whether_it_passed(packed):
    call = [sys.executable, "-m", "backend", "gate", "--package-run", packed.name, "--json"]
    call += ["--variants", "none", "--calls", "30", "--parity", "0.1"]
    environment = os.environ | {"DISTILLERY_STORAGE": str(packed.parent.parent)}
    for budget, code in (("9999", 0), ("0.1", 4)):
        done = subprocess.run(
            [*call, "--budget-ms", budget],
            cwd=PROJECT,
            env=environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == code, done.stderr
        record = json.loads(done.stdout)["result"]
        assert record["verdict"] in done.stderr and len(record["reasons"]) == 3
        assert record["figures"]["FP32"]["budget"]["passed"] == (code == 0)
        assert record["passed"] == (["FP32"] if code == 0 else [])


def test_int8_with_chosen_nodes_moves_scores_little(packed):
    folder, result = judge(packed, variants="int8")
    rows = facts.read(folder, "gate_checks")
    [words] = rows.loc[(rows["variant"] == "INT8") & (rows["name"] == "nodes"), "words"]
    assert "pieces" in words
    if "drift" in result.figures["INT8"]:  # something of it was as fast in INT8
        assert result.figures["INT8"]["drift"].value < 0.5


def test_no_part_group_stands_in_two_sets_and_nobody_is_judged_on_what_was_learned(packed):
    parts = contract.test_images(runs.read(packed))
    sets = part_sets.divided(parts, most=64, seed=3)
    groups = [{p.group for p in one} for one in (sets.calibrate, sets.choose, sets.judge)]
    assert all(groups) and not groups[0] & groups[1]
    assert not groups[2] & (groups[0] | groups[1] | {p.group for p in sets.limit})
    assert not any(part.seen for part in (*sets.choose, *sets.judge, *sets.limit))
    assert {part.label for part in sets.judge} == {Label.GOOD, Label.BAD}
    assert len(sets.calibrate) == 64


def test_too_few_pictures_to_calibrate_on_are_refused_before_anything_starts(packed):
    few = make_parts(packed.parent, count=6, seed=1)
    spec = Spec(package_run=packed.name, calibration_run=few)
    with pytest.raises(UserError, match="Only 6 pictures to calibrate INT8 on, 16 are needed"):
        gate.check_inputs(spec, packed.parent)


@pytest.mark.parametrize(
    ("made", "words"),
    [
        ({"types": ("other", "edge1")}, "does not know the feature type 'other'"),
        ({"dark": True}, "look BAD to the model"),
        ({"seed": 0}, "would be judged on too"),
    ],
)
def test_parts_of_other_data_are_no_calibration(packed, made, words):
    given = make_parts(packed.parent, **({"count": 60, "seed": 2} | made))
    with pytest.raises(UserError, match=words):
        judge(packed, variants="int8", calibration_run=given)


def test_a_damaged_package_is_refused_before_anything_starts(packed, tmp_path):
    root = tmp_path / "runs"
    copied = root / packed.name
    for path in (path for path in packed.rglob("*") if path.is_file()):
        place = copied / path.relative_to(packed)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(path.read_bytes())
    with (contract.folder_of(copied) / "model.onnx").open("ab") as file:
        file.write(b"x")
    with pytest.raises(UserError, match="hash differs"):
        gate.check_inputs(Spec(package_run=packed.name), root)


def test_golden_pictures_that_come_out_differently_refuse_the_package(packed, monkeypatch):
    from backend.deployment.gate import golden

    def moved(package):
        for pixels, line in pictures(package):
            yield pixels, line | {"expected": {"score": line["expected"]["score"] + 1}}

    pictures = golden.pictures
    monkeypatch.setattr(golden, "pictures", moved)
    _, result = judge(packed, variants="none")
    assert result.verdict == "FP32 is refused: its golden pictures come out differently."


@pytest.mark.parametrize(
    ("gaps", "words"),
    [
        ([1e-5, 1.4e-4], "at most 0.00014 from what the package promises, 0.0001 is allowed"),
        ([0.0, float("nan"), 0.0], "at most an unknown amount from"),
    ],
)
def test_golden_pictures_tell_why_they_refuse(gaps, words):
    from backend.deployment.gate import golden

    found = golden.check(gaps, "their score", 1e-4)
    assert not found.passed and words in found.words


def test_the_result_is_read_back_as_it_was_written(judged):
    folder, result = judged
    assert dataclasses.asdict(result) == dataclasses.asdict(runs.result(runs.read(folder), Result))
