"""Frozen test set: what the job is asked for, and what it gives back."""

from dataclasses import dataclass

from backend.core.specs import param


@dataclass(frozen=True)
class Spec:
    """Settings of a test set. Its images are copied, so that nothing can change them later."""

    folder: str = param(
        "", "photographs in YOLO's layout; those of its split 'test' are taken", path="folder"
    )
    intact_folder: str = param(
        "", "photographs of intact parts to count false alarms on", path="folder", optional=True
    )
    dataset_runs: tuple[str, ...] = param(
        (), "data sets that must not share an image with it", run="dataset"
    )
    near_duplicates: str = param(
        "refuse",
        "training images that look like a test image; report is for parts that look alike under "
        "a fixed camera",
        choices=("refuse", "report"),
        advanced=True,
    )


@dataclass(frozen=True)
class Result:
    """hash: over image files and boxes; near_duplicates: training images that look like one.
    notes: what was noticed while reading."""

    images: int
    intact: int
    boxes: int
    groups: int
    classes: tuple[str, ...]
    near_duplicates: int
    hash: str
    notes: tuple[str, ...] = ()
