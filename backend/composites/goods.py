"""Photographs of good parts, and where on them defects may lie."""

from pathlib import Path

import numpy as np

from backend.composites import region
from backend.composites.placement import LEAST_EDGE, Placement
from backend.images import imageset, pictures
from backend.images.labelled_image import LabelledImage
from backend.records import UserError

MOST_EDGE = 8192  # px


def photographs(run_folder: Path) -> list[LabelledImage]:
    """The images of a run that are known to have no box. Raises UserError where there is none."""
    found = [image for image in imageset.read(run_folder) if image.labelled and not image.boxes]
    if not found:
        raise UserError(
            "Goods run: none of its images is known to be free of defects. Choose photographs of "
            "good parts."
        )
    return found


def opened(spec: Placement, good: LabelledImage) -> np.ndarray:
    """Raises UserError for a photograph too small or too large to put defects on."""
    pixels = good.read_rgb()
    height, width = pixels.shape[:2]
    if min(height, width) < LEAST_EDGE or max(height, width) > MOST_EDGE:
        raise UserError(
            f"Photograph {good.name} has {width} × {height} px; {LEAST_EDGE} to {MOST_EDGE} px a "
            "side are possible. Leave it out or import it at another size."
        )
    return pictures.resized(pixels, spec.size) if spec.size else pixels


def allowed_on(
    spec: Placement, photograph: np.ndarray, marked: np.ndarray | None, name: str
) -> np.ndarray:
    """Where defects may lie, bool [H, W]. Raises UserError where that is nowhere."""
    height, width = photograph.shape[:2]
    allowed = region.rectangle(spec.region, height, width)
    if marked is not None:
        allowed &= region.fitted(marked, height, width, squared=bool(spec.size))
    found = region.object_of(photograph) if spec.find_object else None
    if found is not None:
        allowed &= found
    if not allowed.any():
        raise UserError(
            f"Region: on photograph {name} nothing is left where defects may lie. Enlarge the "
            "region, or switch the search for the object off."
        )
    return allowed
