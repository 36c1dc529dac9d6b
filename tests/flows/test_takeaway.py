"""What is taken away works where this program is not, and says what this program says."""

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from backend.core import facts, runs
from backend.core.runs import Run
from backend.deployment.package import contract, takeaway
from backend.detection.detector.spec import Result
from backend.detection.onnx_detector import OnnxDetector
from backend.images import imagefiles
from backend.inspection import inspect_part
from backend.inspection.parts.crops import read_parts
from backend.inspection.threshold import active
from backend.inspection.threshold.limits import verdicts
from tests.alone import run_alone


def unpacked(content: bytes, folder: Path) -> set[str]:
    """Names of the files of a zip, which then lie in the folder and are whole."""
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        packed.extractall(folder)
        names = set(packed.namelist())
    contract.read(folder)
    return names


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    from backend.renderer import render

    imagefiles.write(tmp_path / "seen.png", render(5, 160, defects=(1, 1)).image[:, :128])
    return tmp_path / "seen.png"


def test_a_detector_finds_the_same_without_this_program(
    tiny_runs: dict[str, Run], tmp_path: Path, picture: Path
) -> None:
    run, detector = tiny_runs["package of detector"], tiny_runs["detector"]
    names = unpacked(takeaway.packed(tmp_path, run), tmp_path / "taken")
    assert {"MODEL_CARD.md", "package.json", "model.onnx", "example.py"} <= names
    lower_confidence(tmp_path / "taken", 0.0011)
    [told] = run_alone(tmp_path / "taken" / "example.py", str(picture))
    ours = OnnxDetector(detector.artifacts / "detector.onnx").find(
        imagefiles.read_rgb(picture), 0.0011
    )
    assert ours.boxes
    assert [box["xyxy"] for box in told["boxes"]] == [list(box.xyxy) for box in ours.boxes]
    card = (tmp_path / "taken" / "MODEL_CARD.md").read_text(encoding="utf-8")
    head = runs.read_json(tmp_path / "taken" / "package.json")
    assert runs.result(detector, Result).verdict in card and head["licence"] in card
    assert head["parity"]["n"] == runs.result(detector, Result).test_images


def lower_confidence(folder: Path, confidence: float) -> None:
    """So that a detector of one epoch draws boxes."""
    head = runs.read_json(folder / "package.json")
    runs.write_json(folder / "package.json", head | {"confidence": confidence})


def test_the_packed_detector_is_the_trained_one_on_every_test_image(
    tiny_runs: dict[str, Run],
) -> None:
    result = tiny_runs["package of detector"].result or {}
    assert result["kind"] == "detector" and result["flips"] == 0
    assert result["difference"] < 1e-4 and result["box_difference"] < 0.1


def test_golden_pictures_of_a_detector_give_the_boxes_expected(tiny_runs: dict[str, Run]) -> None:
    package = contract.read(contract.folder_of(tiny_runs["package of detector"].folder))
    session = contract.session(package)
    rows = runs.read_json(package.folder / "golden" / "golden.json")["pictures"]
    assert len(rows) == 20
    for row in rows[:4]:
        pixels = np.asarray(Image.open(package.folder / "golden" / row["file"]))
        _, confidence, _ = package.answers(session, package.feed(pixels[None]))
        count = len(row["expected"]["confidences"])
        assert confidence[0][:count] == pytest.approx(row["expected"]["confidences"], abs=1e-4)


def test_an_anomaly_model_says_the_same_without_this_program(
    tiny_runs: dict[str, Run], tmp_path: Path
) -> None:
    """Its limits were put in force after it was packed."""
    run, limits = tiny_runs["package"], tiny_runs["threshold"]
    storage = tmp_path / "storage"
    (storage / "runs").parent.mkdir(parents=True)
    (storage / "runs").symlink_to(run.folder.parent)
    active.activate(storage, limits.folder, "Ada", "for the test", accept_misses=True)
    names = unpacked(takeaway.packed(storage, run), tmp_path / "taken")
    assert {"MODEL_CARD.md", "package.json", "model.onnx", "thresholds.json"} <= names
    parts = tiny_runs["parts"]
    rows = read_parts(parts.folder)
    feature = str(rows["feature"].iloc[0])
    chosen = rows[rows["feature"] == feature].head(4)
    pictures = [str(parts.folder / path) for path in chosen["path"]]
    told = run_alone(tmp_path / "taken" / "example.py", feature, *pictures)
    package = contract.read(contract.folder_of(run.folder))
    judged = {image.path: image for image in contract.test_images(run)}
    pixels = np.stack([contract.picture(package, judged[Path(path)]) for path in pictures])
    fed = package.feed(pixels, [feature] * len(pictures))
    scores, _ = package.answers(contract.session(package), fed)
    table = facts.read(limits.folder, "thresholds").set_index("feature").loc[feature]
    bounds = [None if v != v else float(v) for v in table[["alarm_limit", "review_limit"]]]
    assert [one["score"] for one in told] == pytest.approx(list(scores), abs=1e-4)
    assert [one["verdict"] for one in told] == list(verdicts(scores, *bounds))
    card = (tmp_path / "taken" / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert "put in force by Ada" in card


def test_limits_of_another_model_do_not_go_with_a_model(
    tiny_runs: dict[str, Run], tmp_path: Path
) -> None:
    names = unpacked(takeaway.packed(tmp_path, tiny_runs["package"]), tmp_path / "taken")
    assert "thresholds.json" not in names
    card = (tmp_path / "taken" / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert "None of this model's limits is in force" in card


def test_what_an_earlier_version_exported_is_taken_away_as_it_was(tmp_path: Path) -> None:
    run = runs.create(tmp_path, "export", {"inspect_run": "gone"})
    assert run.kind == "package" and takeaway.is_older(run)
    run.artifacts.mkdir()
    (run.artifacts / "model.onnx").write_bytes(b"graph")
    (run.artifacts / "model.json").write_text(json.dumps({"features": []}))
    with zipfile.ZipFile(io.BytesIO(takeaway.packed(tmp_path, run))) as packed:
        assert sorted(packed.namelist()) == ["model.json", "model.onnx"]
        assert packed.read("model.onnx") == b"graph"


@pytest.mark.parametrize("limits", [(2.0, 1.0), (2.0, None), (None, 1.0), (None, None)])
def test_a_verdict_alone_is_the_verdict_here(limits: inspect_part.Limits) -> None:
    for score in (0.5, 1.0, 1.5, 2.0, 2.5):
        assert inspect_part.verdict(score, limits) == verdicts([score], *limits)[0]
