"""Teacher images: the pictures a student learns from, each with an honest label."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from backend.core.units import Needs
from backend.images import imageset, pictures
from backend.images.imageset import Elsewhere
from backend.images.labelled_image import LabelledImage
from backend.records import Progress, UserError
from backend.teachers.generate import diffused, imported, painted, rendered
from backend.teachers.generate.spec import Result, Spec

RENDERER, DIFFUSION = 500 * 2**20, 1500 * 2**20  # bytes of a process


def run(spec: Spec, out_dir: Path, progress: Progress) -> Result:
    """Make the images. After an interruption it goes on behind the last one written."""
    progress(0.0, "preparing")
    count, make, notes = _teacher(spec, out_dir, progress)
    totals = imageset.write(out_dir, count, make, progress, elsewhere=_elsewhere(spec, out_dir))
    if spec.teacher == "stable-diffusion":
        notes = (*notes, *painted.reject_flagged(out_dir))
    return Result(totals.images, totals.intact, totals.boxes, totals.mask_share, notes)


def _teacher(
    spec: Spec, out_dir: Path, progress: Progress
) -> tuple[int, Callable[[int], LabelledImage], tuple[str, ...]]:
    """How many images the teacher makes, image k, and what is to be said about it."""
    if spec.teacher == "folder":
        found = imported.read(spec, out_dir, progress)
        return found.count, found.make, found.notes
    if spec.teacher == "renderer":
        make = rendered.maker(spec, spec.seed, spec.size, spec.intact_share)
        return spec.count, make, ()
    if spec.teacher == "diffusion":
        make = diffused.maker(spec, spec.seed, spec.size, spec.intact_share, out_dir, progress)
        return spec.count, make, ()
    make, notes = painted.maker(spec, spec.seed, spec.size, spec.count, out_dir, progress)
    return spec.count, make, notes


def _elsewhere(spec: Spec, out_dir: Path) -> Elsewhere | None:
    """How other processes make these images, if they can."""
    given = (spec, spec.seed, spec.size, spec.intact_share)
    if spec.teacher == "renderer":
        return Elsewhere(partial(rendered.maker, *given), Needs(memory=RENDERER))
    if spec.teacher == "diffusion":
        made = partial(diffused.maker, *given, out_dir, _unwatched)
        return Elsewhere(made, Needs(gpu=True, memory=DIFFUSION))
    return None


def _unwatched(*_: Any, **__: Any) -> None:
    """A shard tells of its images alone."""


@dataclass(frozen=True)
class Loaded:
    """Labelled images by name [N] as arrays: uint8 [N, S, S, 3] and masks bool [N, S, S].

    hashes [N]: of the files of each image and its mask, so that a changed one is noticed.
    """

    names: np.ndarray
    hashes: np.ndarray
    images: np.ndarray
    masks: np.ndarray


def load_images(run_folder: Path, size: int, *, masked_only: bool = False) -> Loaded:
    """A finished set of labelled images, without those rejected by hand, `size` px large. Raises
    UserError where an image has no mask, or passes over it with `masked_only`."""
    names, hashes, images, masks = [], [], [], []
    for image in [image for image in imageset.read(run_folder) if image.labelled]:
        mask = image.read_mask()
        if mask is None:
            if masked_only:
                continue
            raise UserError(
                f"Image {image.name} has no mask. Make masks on the page Automatic labels first."
            )
        names.append(image.name)
        hashes.append(image.hash[:16])
        images.append(pictures.resized(image.read_rgb(), size))
        masks.append(pictures.resized_mask(mask, size))
    if not images:
        raise UserError("No image of this run is labelled. Label some, or choose another run.")
    return Loaded(np.array(names), np.array(hashes), np.stack(images), np.stack(masks))
