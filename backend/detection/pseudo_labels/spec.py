"""Labels by a detector: what the job is asked for, and what it gives back."""

from dataclasses import dataclass

from backend.core.specs import param


@dataclass(frozen=True)
class Spec:
    """Settings of pseudo-labels (Lee, ICML workshop on representation learning, 2013)."""

    detector_run: str = param("", "detector that labels", run="detector")
    images_run: str = param(
        "", "photographs of which some are not labelled yet", run="generate|composite"
    )
    precision: float = param(
        0.9,
        "share of its boxes that fitted on its data set's validation images; it draws those that "
        "are as sure as these were",
        lo=0.5,
        hi=1,
    )
    least_confidence: float = param(
        0.0, "or boxes at least this sure, whatever fitted; 0: by that share", lo=0, hi=1,
        advanced=True,
    )  # fmt: skip


@dataclass(frozen=True)
class Result:
    """images: that nobody had labelled. without: images left without a box, not labelled still.
    confidence: least of a box. precision, validation_boxes: share that fitted of so many such
    boxes on the detector's validation images; None, 0 where an earlier version kept none."""

    images: int
    without: int
    boxes: int
    confidence: float
    precision: float | None
    validation_boxes: int
