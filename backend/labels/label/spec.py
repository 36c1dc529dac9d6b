"""Automatic labels: what the job is asked for, and what it gives back."""

from dataclasses import dataclass

from backend.core.specs import param
from backend.labels import labellers
from backend.records import UserError


@dataclass(frozen=True)
class Spec:
    """Settings of a labelling run. The images and their boxes by hand come from `source_run`."""

    source_run: str = param("", "images to label", run="generate|composite")
    labeller: str = param(
        "edges",
        "who draws the labels: fine lines in the image, a dummy box in the middle, or where "
        "Stable Diffusion paid attention to the words for the defect",
        choices=labellers.LABELLERS,
    )
    class_name: str = param("crack", "what the found defects are called")
    only_missing: bool = param(
        True, "leave images as they are that are labelled already, intact ones among them"
    )
    least_confidence: float = param(0.0, "boxes less certain than this are left out", lo=0, hi=1)

    def check(self) -> None:
        if not self.class_name.strip():
            raise UserError("Class name is empty. Say what the defects are called, e.g. crack.")


@dataclass(frozen=True)
class Result:
    """labelled: images whose boxes were guessed. without: images left with no box at all."""

    images: int
    labelled: int
    without: int
    boxes: int
    mean_confidence: float | None
    labeller: str
