"""A detector's own sure boxes as labels of photographs that nobody labelled: self-training."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from backend.core import runs
from backend.core.runs import Run
from backend.detection.detector import own_validation
from backend.detection.detector.spec import Result as DetectorResult
from backend.detection.evaluation import CONFIDENCES, Judged, at_least
from backend.detection.onnx_detector import OnnxDetector
from backend.detection.pseudo_labels.spec import Result, Spec
from backend.images import imageset
from backend.images.labelled_image import LabelledImage, Marks
from backend.records import Progress, UserError

FEWEST = 10  # boxes that a precision is told from


def check_inputs(spec: Spec, runs_folder: Path) -> None:
    """Raises UserError where nothing is to be labelled, or the detector is never as sure as
    wanted."""
    _unlabelled(runs_folder / spec.images_run)
    if not spec.least_confidence:
        sure_at(_judged(runs.read(runs_folder / spec.detector_run)), spec.precision)


def _unlabelled(source: Path) -> list[LabelledImage]:
    """The images that nobody labelled. Raises UserError where there is none."""
    images = [image for image in imageset.read(source) if not image.labelled]
    if not images:
        raise UserError(
            f"Every image of run '{source.name}' is labelled already. Choose a set with images "
            "that are not labelled yet."
        )
    return images


def run(spec: Spec, out_dir: Path, progress: Progress) -> Result:
    """Write the photographs that nobody labelled as a set, with what the detector is sure of.

    One on which it is sure of nothing is not labelled still: nothing found is not yet intact.
    Raises UserError where nothing is to be labelled, or the detector is never as sure as wanted.
    """
    source = runs.sibling(out_dir, spec.images_run)
    images = _unlabelled(source)
    maker = runs.read(runs.sibling(out_dir, spec.detector_run))
    judged = _judged(maker)
    least = spec.least_confidence or sure_at(judged, spec.precision)
    detector = OnnxDetector(maker.artifacts / "detector.onnx")

    def labelled(k: int) -> LabelledImage:
        return _labelled(images[k], detector, least, spec)

    totals = imageset.write(out_dir, len(images), labelled, progress)
    at = judged.at_confidence(least) if judged else None
    return Result(
        images=totals.images,
        without=totals.intact,
        boxes=totals.boxes,
        confidence=least,
        precision=at.precision if at else None,
        validation_boxes=int(judged.drawn(least).sum()) if judged else 0,
    )


def _judged(detector: Run) -> Judged | None:
    kept = own_validation.read(detector, runs.result(detector, DetectorResult).classes)
    return kept.judged if kept else None


def sure_at(judged: Judged | None, precision: float) -> float:
    """The lowest confidence from which on that share of at least ten boxes fitted.

    Raises UserError where there is none.
    """
    if judged is None:
        raise UserError(
            "This detector was trained by an earlier version, which kept no predictions on its "
            "validation images. Train it again, or set the least confidence."
        )
    boxes, hits = (at_least(c) for c in (judged.confidence, judged.confidence[judged.correct]))
    enough = (boxes >= FEWEST) & (hits >= precision * boxes)
    if not enough.any():
        raise UserError(
            f"On its validation images this detector has no {FEWEST} boxes of which "
            f"{100 * precision:.0f} % fit, however sure it is. Train it on more images or for "
            "longer, or ask for a smaller share."
        )
    return float(CONFIDENCES[int(np.argmax(enough))])


def _labelled(
    image: LabelledImage, detector: OnnxDetector, least: float, spec: Spec
) -> LabelledImage:
    found = detector.find(image.read_rgb(), least).boxes
    made = {"labelled_from": spec.images_run, "detector": spec.detector_run}
    origin = replace(image.origin, params={**image.origin.params, **made})
    marks = Marks.KNOWN if found else Marks.UNKNOWN
    return replace(image, boxes=found, mask=None, marks=marks, origin=origin)
