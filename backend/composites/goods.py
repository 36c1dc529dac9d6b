"""Photographs of good parts, and where on them defects may lie."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from backend.composites import region
from backend.composites.placement import LEAST_EDGE, Placement
from backend.images import imagefiles, imageset, pictures
from backend.records import UserError

MOST_EDGE = 8192  # px


@dataclass(frozen=True)
class Good:
    """A photograph of a good part: its name in its run, its file, and its specimen."""

    name: str
    path: Path
    group: str


def photographs(run_folder: Path) -> list[Good]:
    """The images of a run that have no box. Raises UserError where there is none."""
    images, boxes = imageset.read(run_folder)
    rows = images[~images["image"].isin(set(boxes["image"]))]
    if rows.empty:
        raise UserError(
            "Goods run: none of its images is free of boxes. Choose photographs of good parts."
        )
    return [
        Good(row["image"], run_folder / row["path"], row["group"] or row["image"])
        for row in imageset.records(rows)
    ]


def opened(spec: Placement, good: Good) -> np.ndarray:
    """Raises UserError for a photograph too small or too large to put defects on."""
    pixels = imagefiles.read_rgb(good.path)
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
