"""An anomaly model as a package: its scores, what goes with it, and who may read it."""

import json

import numpy as np
import onnx
import pandas as pd
import pytest
from PIL import Image

from backend.core import facts, runs, specs
from backend.deployment.package import anomaly, contract, made
from backend.deployment.package import job as package
from backend.deployment.package.spec import Spec
from backend.inspection.model import job as crossval
from backend.inspection.model.spec import Spec as ModelSpec
from backend.records import Label, RunState, UserError
from tests.alone import run_alone


def quiet(fraction, message="", *, step=None, metrics=None):
    assert 0 <= fraction <= 1


def end(folder):
    runs.finish(folder, RunState.COMPLETED, result={})
    return folder.name


def make_parts(root):
    folder, rng = runs.create(root, "parts", {}).folder, np.random.default_rng(0)
    (folder / "artifacts").mkdir()
    rows = []
    for i in range(48):
        feature, label = ("dist1", "edge1")[i % 2], int(i < 40)
        image = rng.normal(120, 6, (64, 64))
        image[:, :: 8 if i % 2 else 16] += 60 if label else 10
        path = folder / "artifacts" / f"{i:02d}.png"
        Image.fromarray(image.clip(0, 255).astype(np.uint8)).save(path)
        rows.append((f"p{i:02d}", f"artifacts/{i:02d}.png", feature, label, f"g{i}", ""))
    columns = ["part", "path", "feature", "label", "group", "defect"]
    facts.write(folder, "parts", pd.DataFrame(rows, columns=columns))
    return end(folder)


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    """The folder of a run of the kind `package`, and its result."""
    root = tmp_path_factory.mktemp("storage") / "runs"
    root.mkdir()
    small = {"weights": "scattering", "size": 64, "dims": 12, "steps": 10, "timesteps": 2}
    spec = ModelSpec(parts_run=make_parts(root), folds=2, **small)
    inspected = runs.create(root, "inspect", specs.to_json(spec)).folder
    (inspected / "artifacts").mkdir()
    crossval.run(spec, inspected, quiet)
    runs.write_json(inspected / "provenance.json", {"inputs": {"parts_run:x": "abc"}})
    folder = runs.create(root, "package", {"model_run": end(inspected)}).folder
    return folder, package.run(Spec(model_run=inspected.name), folder, quiet)


@pytest.fixture
def copied(packed, tmp_path):
    """A copy of the package's folder, to be spoilt."""
    target = tmp_path / "package"
    for path in contract.folder_of(packed[0]).rglob("*"):
        if path.is_file():
            place = target / path.relative_to(contract.folder_of(packed[0]))
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(path.read_bytes())
    return target


def test_scores_are_the_trained_models_on_every_part(packed):
    folder, result = packed
    assert result.checked == 48 and result.flips == 0
    assert result.difference <= 1e-4
    assert result.features == ("dist1", "edge1") and result.size == 64
    assert sum(result.sizes.values()) == pytest.approx(result.megabytes, abs=0.02)
    assert {"whitening", "GOOD patches", "diffusion"} <= set(result.sizes)
    read = contract.read(contract.folder_of(folder))
    assert (read.kind, read.size, read.names) == ("anomaly", 64, ("dist1", "edge1"))
    assert read.head["parity"]["n"] == 48 and read.head["model_run"] == folder_model(folder)


def folder_model(folder):
    return runs.read(folder).spec["model_run"]


def test_the_test_set_is_every_part_as_it_was_judged(packed):
    parts = contract.test_images(runs.read(packed[0]))
    assert parts == contract.test_images(runs.read(packed[0].parent / folder_model(packed[0])))
    assert len(parts) == 48 and {part.feature_type for part in parts} == {"dist1", "edge1"}
    assert sum(part.label is Label.BAD for part in parts) == 8
    unseen = [part for part in parts if not part.seen]
    assert all(part in unseen for part in parts if part.label is Label.BAD)
    assert any(part.label is Label.GOOD for part in unseen) and len(unseen) < 48
    assert parts[0].hash == contract.sha256(parts[0].path)


def test_golden_parts_give_what_is_expected(packed):
    read = contract.read(contract.folder_of(packed[0]))
    rows = json.loads((read.folder / "golden" / "golden.json").read_text())["pictures"]
    assert len(rows) == made.GOLDEN
    assert {(row["feature_type"], row["label"]) for row in rows} == {
        (feature, label) for feature in ("dist1", "edge1") for label in ("GOOD", "BAD")
    }
    pixels = np.stack([np.asarray(Image.open(read.folder / "golden" / r["file"])) for r in rows])
    fed = read.feed(pixels, [row["feature_type"] for row in rows])
    score, anomaly_map = read.answers(contract.session(read), fed)
    assert score == pytest.approx([row["expected"]["score"] for row in rows], abs=1e-4)
    assert anomaly_map.shape[0] == len(rows)


def test_the_example_scores_a_part_alone(packed):
    read = contract.read(contract.folder_of(packed[0]))
    [row, *_] = json.loads((read.folder / "golden" / "golden.json").read_text())["pictures"]
    picture = read.folder / "golden" / row["file"]
    [told] = run_alone(read.folder / "example.py", row["feature_type"], str(picture))
    assert told["score"] == pytest.approx(row["expected"]["score"], abs=1e-4)
    assert told["verdict"] == ""


def test_scores_that_disagree_are_not_kept(packed, monkeypatch):
    root = packed[0].parent
    folder = runs.create(root, "package", {"model_run": folder_model(packed[0])}).folder
    whole = anomaly.packed
    spoilt = lambda *asked: anomaly.Scores(whole(*asked).score + 0.5, whole(*asked).anomaly_map)  # noqa: E731
    monkeypatch.setattr(anomaly, "packed", spoilt)
    with pytest.raises(UserError, match=r"scores differ by 0\.[0-9]+ \(allowed 0\.001\)"):
        package.run(Spec(model_run=folder_model(packed[0])), folder, quiet)
    assert not (contract.folder_of(folder) / contract.MODEL).exists()


def spoil_head(folder, **changed):
    head = runs.read_json(folder / contract.HEAD)
    runs.write_json(folder / contract.HEAD, head | changed)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"format": 2}, "is of format 2"),
        ({"format": "1"}, "is of format '1'"),
        ({"kind": "malware"}, "no such kind of package"),
        ({"kind": None}, "does not fit: 'kind'"),
        ({"size": 10**9}, "no edge in px"),
        ({"size": "128"}, "does not fit: 'size'"),
        ({"inputs": []}, "names no model.onnx or none of its inputs"),
        ({"inputs": ["crops"]}, "does not fit: 'inputs'"),
        ({"inputs": [{"name": "other"}]}, "takes crops, types, but package.json says other"),
        ({"files": {}}, "names no model.onnx"),
        ({"feature_types": [1]}, "does not fit: 'feature_types'"),
    ],
)
def test_a_head_that_does_not_fit_is_refused(copied, changed, words):
    spoil_head(copied, **changed)
    with pytest.raises(UserError, match=words):
        contract.read(copied)


@pytest.mark.parametrize(
    "name", ["../secret", "/etc/passwd", "golden/../../secret", "..\\secret", "", "link.txt"]
)
def test_a_file_outside_of_the_package_is_refused(copied, name):
    (copied.parent / "secret").write_text("key")
    (copied / "link.txt").symlink_to(copied.parent / "secret")
    files = runs.read_json(copied / contract.HEAD)["files"]
    spoil_head(copied, files=files | {name: contract.sha256(copied.parent / "secret")})
    with pytest.raises(UserError, match="lies outside of it"):
        contract.read(copied)


def test_a_changed_missing_or_huge_file_is_refused(copied, monkeypatch):
    example = copied / "example.py"
    example.write_text(example.read_text() + "# harmless\n")
    with pytest.raises(UserError, match=r"example\.py is not the file that was packed"):
        contract.read(copied)
    example.unlink()
    with pytest.raises(UserError, match=r"example\.py is missing"):
        contract.read(copied)
    monkeypatch.setattr(contract, "MOST_BYTES", 1000)
    spoil_head(copied, files={contract.MODEL: "0" * 64})
    with pytest.raises(UserError, match="such a file of a package has at most"):
        contract.read(copied)


def respelt(folder, change):
    """The package with a changed model whose hash is right."""
    model = onnx.load(folder / contract.MODEL)
    change(model)
    (folder / contract.MODEL).write_bytes(model.SerializeToString())
    made.write_head(folder, runs.read_json(folder / contract.HEAD))


def test_a_model_with_data_outside_of_its_file_is_refused(copied):
    def outside(model):
        tensor = model.graph.initializer[0]
        tensor.data_location = onnx.TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value="/etc/passwd")

    respelt(copied, outside)
    with pytest.raises(UserError, match="takes data from files outside of it"):
        contract.read(copied)


def test_a_function_of_its_own_lets_no_other_operator_of_that_name_in(copied):
    def strange(model):
        model.functions.add(name="Mine", domain="com.stranger")
        model.graph.node.append(onnx.helper.make_node("Run", ["x"], ["y"], domain="com.stranger"))

    respelt(copied, strange)
    with pytest.raises(UserError, match=r"operator 'Run' of 'com\.stranger'"):
        contract.read(copied)


def test_a_model_with_an_operator_of_strangers_is_refused_even_in_a_branch(copied):
    def strange(model):
        inner = onnx.helper.make_node("Run", ["x"], ["y"], domain="com.stranger")
        graph = onnx.helper.make_graph([inner], "inner", [], [])
        model.graph.node.append(onnx.helper.make_node("If", ["c"], ["d"], then_branch=graph))

    respelt(copied, strange)
    with pytest.raises(UserError, match=r"operator 'Run' of 'com\.stranger'"):
        contract.read(copied)


def test_what_is_no_onnx_file_is_refused(copied):
    (copied / contract.MODEL).write_bytes(b"\xff" * 100)
    made.write_head(copied, runs.read_json(copied / contract.HEAD))
    with pytest.raises(UserError, match="is no ONNX file"):
        contract.read(copied)


@pytest.mark.parametrize(
    ("pictures", "words"),
    [
        (np.zeros((1, 64, 64, 3), np.float32), "float32, not whole ones"),
        (np.zeros((1, 64, 64, 3), np.uint16), "uint16, not whole ones"),
        (np.zeros((1, 64, 64), np.uint8), "must have three colours"),
        (np.zeros((1, 64, 64, 4), np.uint8), "must have three colours"),
        (np.zeros((0, 64, 64, 3), np.uint8), "must have three colours"),
        (np.zeros((1, 64, 80, 3), np.uint8), "80 × 64 px, not 64 × 64"),
    ],
)
def test_a_part_of_the_wrong_type_size_or_colour_is_refused(packed, pictures, words):
    read = contract.read(contract.folder_of(packed[0]))
    with pytest.raises(UserError, match=words):
        read.feed(pictures, ["dist1"])


def test_an_unknown_feature_type_is_refused(packed):
    read = contract.read(contract.folder_of(packed[0]))
    part = np.zeros((1, 64, 64, 3), np.uint8)
    with pytest.raises(UserError, match="does not know the feature type 'other', only dist1"):
        read.feed(part, ["other"])
    with pytest.raises(UserError, match="give each its own"):
        read.feed(part, [])
