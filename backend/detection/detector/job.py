"""The detector: YOLO trained on a data set, judged on images it never saw."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backend.core import facts, runs
from backend.core.runs import Run
from backend.detection import curves, evaluation, leaks, standing, yolo_set
from backend.detection.detector import intervals, kinds, own_validation
from backend.detection.detector.spec import Result, Spec
from backend.detection.mixing import MIXED
from backend.detection.start_weights import Start
from backend.detection.testset import test_images
from backend.images.labelled_image import LabelledSet
from backend.records import Progress

if TYPE_CHECKING:
    from backend.detection.detector.training import TrainedDetector


def size_of(run: Run) -> int:
    """Edge length at which a finished detector looks, px, whatever preset it was trained with."""
    return runs.result(run, Result).size or runs.spec(run, Spec).recipe().size


def check_inputs(spec: Spec, runs_folder: Path) -> None:
    """Raises UserError where the data set has no images for the way they are to be used."""
    dataset = runs_folder / spec.dataset_run
    if spec.preset == "own" and spec.synthetic_images != MIXED:
        kinds.of(dataset).check(spec.synthetic_images, runs.read(dataset).name or dataset.name)


def run(spec: Spec, out_dir: Path, progress: Progress) -> Result:
    """Train, then score on the frozen test images; every prediction is kept."""
    from backend.detection.detector import training

    dataset = runs.sibling(out_dir, spec.dataset_run)
    check_inputs(spec, dataset.parent)
    progress(0.0, "reading test images")
    test = _test_set(spec, out_dir)
    for image in test.images:
        yolo_set.check_edge(str(image.path), image.size)
    near = leaks.refuse_leaks(test, [dataset], out_dir, spec.near_duplicates)
    start = spec.starts_from()
    trained = training.train(spec, start.file, dataset, out_dir, progress)
    progress(0.9, f"judging {len(test.images)} test images")
    folder = out_dir / "checkpoint" / "test"
    size, names = spec.recipe().size, trained.names
    judged = training.judge(trained.best, test.images, names, size, folder)
    progress(0.95, "working out intervals")
    test_images.write_rows(test.images, out_dir)
    facts.write(out_dir, "predictions", evaluation.prediction_rows(test.images, judged))
    own_validation.keep(out_dir, dataset, trained.own_images, trained.own)
    figures = intervals.figures(judged, trained.confidence, spec.seed)
    figures += _controls(test, trained, judged, spec.seed)
    figures += [intervals.of_tried(mixing, judged, spec.seed) for mixing, judged in trained.tried]
    facts.write(out_dir, "figures", figures)
    progress(0.98, "exporting to ONNX")
    training.to_onnx(trained.best, size)
    result = _result(test, trained, judged, figures, near, start, size)
    return replace(result, alarm_rate=spec.may_alarm(), **_held_back(trained))


def _test_set(spec: Spec, out_dir: Path) -> LabelledSet:
    if spec.test_run:
        return test_images.of_run(runs.sibling(out_dir, spec.test_run))
    return test_images.load(
        spec.test_folder,
        spec.test_intact_folder,
        out_dir,
        spec.recipe().size,
        spec.rendered_material,
    )


def _controls(
    test: LabelledSet, trained: "TrainedDetector", judged: evaluation.Judged, seed: int
) -> list[dict[str, Any]]:
    """What a box in the middle of every image would score, how far the detector is beyond it, and
    source A's way of scoring: on the data set's own validation images."""
    box = evaluation.constant_box(test.images, trained.names)
    control = {"subject": "constant box", "metric": "AP50"} | {
        "value": box.ap50(),
        "n": len(test.images),
    }
    own = intervals.ap50("own validation images", trained.own, seed)
    return [control, own, intervals.gain(judged, box, seed)]


def _held_back(trained: "TrainedDetector") -> dict[str, Any]:
    """What the detector does on the images that chose its confidence, and what the alarm rate cost
    there."""
    held = trained.choosing
    intact, alarmed = held.intact_alarmed(trained.confidence)
    return {
        "held_intact": intact,
        "held_alarmed": alarmed,
        "held_defects": int(held.truths.sum()),
        "held_real": trained.chosen_by_real,
        "held_recall": held.at_confidence(trained.confidence).recall,
        "held_recall_free": held.best_f1().recall,
    }


def _result(
    test: LabelledSet,
    trained: "TrainedDetector",
    judged: evaluation.Judged,
    figures: list[dict[str, Any]],
    near: int,
    start: Start,
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
        real=test_images.are_real(test),
        pretrained=start.pretrained,
        start=start.words,
        mixing=trained.mixing.words if trained.mixing else "",
        epochs=trained.epochs,
        classes=trained.names,
        near_duplicates=near,
        test_hash=test.hash,
        size=size,
        notes=test.notes,
    )
    return replace(result, verdict=standing.verdict(result))
