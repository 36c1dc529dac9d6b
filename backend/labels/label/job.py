"""Automatic labels for a finished set of images, written as a new set."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from backend.core import facts, runs
from backend.images import imageset, resuming
from backend.images.labelled_image import LabelledImage, Marks
from backend.labels import labellers
from backend.labels.label.spec import Result, Spec
from backend.labels.labellers import Guess
from backend.records import Progress, UserError

ATTENTION = "attention"  # what Stable Diffusion attended to, beside its images: float [h, w], 0…1


def run(spec: Spec, out_dir: Path, progress: Progress) -> Result:
    """Copy the images into a new set and label those that need it.

    Raises UserError where the run has no image left, or attention has no maps.
    """
    source = runs.sibling(out_dir, spec.source_run)
    images = imageset.read(source)
    if not images:
        raise UserError(f"Run '{spec.source_run}' has no image to label. Choose another run.")
    wanted = [image for image in images if not _keeps(spec, image)]
    if not wanted:
        raise UserError(
            f"Every image of run '{spec.source_run}' is labelled already. Switch only missing off "
            "to label them anew."
        )
    if spec.labeller == ATTENTION and not any(ATTENTION in i.origin.arrays for i in wanted):
        raise UserError(
            f"Run '{spec.source_run}' holds no attention maps; only the Stable Diffusion teacher "
            "records them. Choose images that it made, or labeller edges."
        )
    told = ((image.name, image.labelled, image.boxes or None) for image in images)
    if resuming.begins_again(out_dir, resuming.version(told)):
        progress(0.0, resuming.WORDS)
    totals = imageset.write(out_dir, len(images), lambda k: _made(spec, images[k]), progress)
    made = facts.read(out_dir, "boxes")
    found = made[made["source"] == spec.labeller]["confidence"].astype(float)
    return Result(
        images=totals.images,
        labelled=len(wanted),
        without=totals.intact,
        boxes=totals.boxes,
        mean_confidence=float(found.mean()) if len(found) else None,
        labeller=spec.labeller,
    )


def _keeps(spec: Spec, image: LabelledImage) -> bool:
    """Does the image stay as it is? One without boxes is intact unless its row denies it."""
    return spec.only_missing and bool(image.boxes or image.labelled)


def _made(spec: Spec, image: LabelledImage) -> LabelledImage:
    """The image as it was, with its origin and, where it needs them, new labels."""
    origin = replace(image.origin, params={**image.origin.params, "labelled_from": spec.source_run})
    if _keeps(spec, image):
        return replace(image, marks=Marks.KNOWN, origin=origin)
    found = _guess(spec, image)
    marks = Marks.KNOWN if found.boxes else Marks.UNKNOWN  # nothing found is not yet intact
    return replace(image, boxes=found.boxes, mask=found.mask, marks=marks, origin=origin)


def _guess(spec: Spec, image: LabelledImage) -> Guess:
    """The labeller's guess, what is too uncertain left out; no map: nothing is found."""
    pixels = image.read_rgb()
    heat = image.origin.array(ATTENTION) if spec.labeller == ATTENTION else None
    if spec.labeller == ATTENTION and heat is None:
        return Guess(np.zeros(pixels.shape[:2], np.uint8), (), 0.0)
    guess = labellers.guess(spec.labeller, pixels, spec.class_name, heat)
    return certain(guess, spec.least_confidence)


def certain(found: Guess, least: float) -> Guess:
    """The guess without boxes below a confidence, and without their part of the mask."""
    kept = tuple(box for box in found.boxes if box.confidence >= least)
    mask = np.zeros_like(found.mask)
    for box in kept:
        left, top, right, bottom = (round(v) for v in box.xyxy)
        mask[top:bottom, left:right] = found.mask[top:bottom, left:right]
    return replace(found, mask=mask, boxes=kept)
