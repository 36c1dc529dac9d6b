"""The detector: YOLO trained on a data set, judged on images it never saw."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backend.core import facts, runs
from backend.core.runs import Run
from backend.detection import curves, evaluation, leaks, standing, yolo_set
from backend.detection.detector import intervals
from backend.detection.detector.spec import Result, Spec, pretrained
from backend.detection.testset import test_images
from backend.records import Progress

if TYPE_CHECKING:
    from backend.detection.detector.training import TrainedDetector


def size_of(run: Run) -> int:
    """Edge length at which a finished detector looks, px, whatever preset it was trained with."""
    return runs.result(run, Result).size or runs.spec(run, Spec).recipe().size


def run(spec: Spec, out_dir: Path, progress: Progress) -> Result:
    """Train, then score on the frozen test images; every prediction is kept."""
    from backend.detection.detector import training

    dataset = runs.sibling(out_dir, spec.dataset_run)
    progress(0.0, "reading test images")
    test = _test_set(spec, out_dir)
    for image in test.images:
        yolo_set.check_edge(str(image.path), image.width, image.height)
    near = leaks.refuse_leaks(test, dataset, spec.near_duplicates)
    start = pretrained(spec.recipe().model, spec.weights_file)
    trained = training.train(spec, start, dataset, out_dir, progress)
    progress(0.9, f"judging {len(test.images)} test images")
    folder = out_dir / "checkpoint" / "test"
    size, names = spec.recipe().size, trained.names
    judged = training.judge(trained.best, list(test.images), names, size, folder)
    progress(0.95, "working out intervals")
    _write_facts(out_dir, test, judged)
    figures = intervals.figures(judged, trained.confidence, spec.seed)
    figures += _controls(test, trained, judged, spec.seed)
    facts.write(out_dir, "figures", figures)
    progress(0.98, "exporting to ONNX")
    training.to_onnx(trained.best, size)
    return _result(test, trained, judged, figures, near, start is not None, size)


def _test_set(spec: Spec, out_dir: Path) -> test_images.HeldOutSet:
    if spec.test_run:
        return test_images.of_run(runs.sibling(out_dir, spec.test_run))
    return test_images.load(spec.test_folder, spec.test_intact_folder, out_dir, spec.recipe().size)


def _controls(
    test: test_images.HeldOutSet, trained: "TrainedDetector", judged: evaluation.Judged, seed: int
) -> list[dict[str, Any]]:
    """What a box in the middle of every image would score, how far the detector is beyond it, and
    source A's way of scoring: on the data set's own validation images."""
    box = evaluation.constant_box(test.images, trained.names)
    own = trained.own.ap50()
    rows = [("constant box", box.ap50(), len(test.images))]
    rows.append(("own validation images", own, len(trained.own.truths)))
    controls: list[dict[str, Any]] = [
        {"subject": subject, "metric": "AP50", "value": value, "n": n} for subject, value, n in rows
    ]
    return [*controls, intervals.gain(judged, box, seed)]


def _write_facts(out_dir: Path, test: test_images.HeldOutSet, judged: evaluation.Judged) -> None:
    facts.write(out_dir, "images", [test_images.image_row(image, out_dir) for image in test.images])
    facts.write(
        out_dir, "boxes", [row for image in test.images for row in test_images.box_rows(image)]
    )
    facts.write(out_dir, "predictions", evaluation.prediction_rows(test.images, judged))


def _result(
    test: test_images.HeldOutSet,
    trained: "TrainedDetector",
    judged: evaluation.Judged,
    figures: list[dict[str, Any]],
    near: int,
    started_pretrained: bool,
    size: int,
) -> Result:
    by_name = {(row["subject"], row["metric"]): row for row in figures}
    ap = by_name["all test images", "AP50"]
    alarms = by_name.get(("intact images", "share with an alarm"))
    chosen = judged.at_confidence(trained.confidence)
    own = curves.paper_row(trained.own)
    gain = by_name["all test images", standing.GAIN]
    result = Result(
        ap50=ap["value"],
        ap50_low=ap["low"],
        ap50_high=ap["high"],
        ap50_95=by_name["all test images", "AP50-95"]["value"],
        false_alarms=alarms["value"] if alarms else None,
        recall=chosen.recall,
        precision=chosen.precision,
        confidence=trained.confidence,
        constant_box_ap50=by_name["constant box", "AP50"]["value"],
        gain=gain["value"],
        gain_low=gain["low"],
        gain_high=gain["high"],
        own_validation_ap50=own.ap50,
        own_precision=own.precision,
        own_recall=own.recall,
        test_images=len(test.images),
        test_intact=sum(not image.boxes for image in test.images),
        real=test.real,
        pretrained=started_pretrained,
        epochs=trained.epochs,
        classes=trained.names,
        near_duplicates=near,
        test_hash=test.hash,
        size=size,
        notes=test.notes,
    )
    return replace(result, verdict=standing.verdict(result))
