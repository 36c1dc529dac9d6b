"""Photographs of an imported set, with their boxes as people left them."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from backend.images.labelled_image import FILE, LabelledImage
from backend.images.vocabulary import DRAWN, IMPORTED
from backend.records import UserError


def photographs(run_folder: Path, images: Sequence[LabelledImage]) -> tuple[LabelledImage, ...]:
    """The labelled photographs among a set's images; one with a box that a labeller guessed is
    left out. Raises UserError where none has a box."""
    found = tuple(
        replace(
            image,
            source="real" if image.boxes else "real intact",
            group=group_of(run_folder.name, image),
        )
        for image in images
        if image.labelled and image.source == IMPORTED
        if all(box.source in DRAWN for box in image.boxes)
    )
    if not any(image.boxes for image in found):
        raise UserError(
            f"No photograph of run '{run_folder.name}' was imported with a box, got one by hand, "
            "and is left. Draw boxes on the page Labels and curation, or choose another import."
        )
    return found


def group_of(run_id: str, image: LabelledImage) -> str:
    """The specimen's name; an image that is its own specimen is told apart from other runs'."""
    own = image.group in ("", image.name, image.origin.params.get(FILE))
    return f"{run_id} {image.name}" if own else image.group
