"""The detector: YOLO trained on a data set, judged on images it never saw."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backend import facts, runs
from backend.records import Progress
from backend.settings import settings
from backend.specs import param
from backend.synthesis.detecting import judging, testset

MODELS = ("yolov8n", "yolov8s", "yolov5n", "yolov5s", "yolo11n", "yolo11s", "yolo26n", "yolo26s")


@dataclass(frozen=True)
class Spec:
    """Settings of a training. Source A took yolov5s, 128 px, batch 8, 50 epochs."""

    dataset_run: str = param("", "data set to train on", run="dataset")
    model: str = param("yolov8n", "network; its size is the last letter", choices=MODELS)
    weights_file: str = param(
        "",
        "pretrained weights to start from; empty: storage/weights/<model>.pt, else from scratch",
        path="file",
        optional=True,
        advanced=True,
    )
    size: int = param(128, "edge length for training and test, px", lo=64, hi=1280)
    batch: int = param(8, "images a step", lo=1, hi=256)
    epochs: int = param(50, "passes over the data set", lo=1, hi=1000)
    test_folder: str = param(
        "",
        "real test images in YOLO's layout (data.yaml with 'test'); empty: fresh rendered ones",
        path="folder",
        optional=True,
    )
    test_intact_folder: str = param(
        "", "photographs of intact parts to count false alarms on", path="folder", optional=True
    )
    seed: int = param(0, "seed of weights, order and augmentation", lo=0, hi=2**31 - 1)


@dataclass(frozen=True)
class Result:
    """AP50 on the test images, intact ones among them; interval over groups of images,
    None where AP50 is 0 or 1.

    false_alarms: share of intact images with an alarm at `confidence`, which is the best F1 on
    the data set's own validation images. own_validation_ap50 is the figure source A reports.
    real: whether the test images are photographs.
    """

    ap50: float
    ap50_low: float | None
    ap50_high: float | None
    false_alarms: float | None
    recall: float
    precision: float
    confidence: float
    constant_box_ap50: float
    own_validation_ap50: float
    test_images: int
    test_intact: int
    real: bool
    pretrained: bool
    epochs: int
    test_hash: str


def run(spec: Spec, out_dir: Path, progress: Progress) -> Result:
    """Train, then score on the frozen test images; the raw predictions are kept."""
    from backend.synthesis.detecting import training

    dataset = runs.sibling(out_dir, spec.dataset_run)
    progress(0.0, "reading test images")
    test = testset.load(spec.test_folder, spec.test_intact_folder, out_dir, spec.size)
    testset.refuse_leaks(test, dataset)
    weights = _weights(spec)
    trained = training.train(spec, weights, dataset, out_dir, progress)
    progress(0.9, f"testing on {len(test.images)} images")
    predictions = training.predict(trained.best, [i.path for i in test.images], spec.size)
    judged = judging.judge(test.images, predictions)
    _write_facts(out_dir, test, judged)
    chosen = judged.at_confidence(trained.confidence)
    figures = judging.figures(judged, trained.confidence, spec.seed)
    figures += [_control(test), _own_validation(trained)]
    facts.write(out_dir, "figures", figures)
    by_name = {(row["subject"], row["metric"]): row for row in figures}
    ap = by_name["all test images", "AP50"]
    alarms = by_name.get(("intact images", "share with an alarm"))
    return Result(
        ap50=ap["value"],
        ap50_low=ap["low"],
        ap50_high=ap["high"],
        false_alarms=alarms["value"] if alarms else None,
        recall=chosen.recall,
        precision=chosen.precision,
        confidence=trained.confidence,
        constant_box_ap50=by_name["constant box", "AP50"]["value"],
        own_validation_ap50=trained.own_ap50,
        test_images=len(test.images),
        test_intact=sum(not image.boxes for image in test.images),
        real=test.real,
        pretrained=weights is not None,
        epochs=trained.epochs,
        test_hash=test.hash,
    )


def _weights(spec: Spec) -> Path | None:
    """Pretrained weights named by the user, or found in storage/weights; None: from scratch."""
    if spec.weights_file:
        return Path(spec.weights_file)
    default = settings().weights / f"{spec.model}.pt"
    return default if default.exists() else None


def _control(test: testset.HeldOutSet) -> dict[str, Any]:
    """What a box in the middle of every image would score."""
    value = judging.constant_box(test.images).ap50()
    return {"subject": "constant box", "metric": "AP50", "value": value, "n": len(test.images)}


def _own_validation(trained: Any) -> dict[str, Any]:
    """Source A's way of scoring: on the data set's own synthetic validation images."""
    row = {"subject": "own validation images", "metric": "AP50", "value": trained.own_ap50}
    return row | {"n": trained.own_images}


def _write_facts(out_dir: Path, test: testset.HeldOutSet, judged: judging.Judged) -> None:
    facts.write(out_dir, "images", [testset.image_row(image) for image in test.images])
    facts.write(out_dir, "boxes", [row for image in test.images for row in testset.box_rows(image)])
    facts.write(out_dir, "predictions", judging.prediction_rows(test.images, judged))
