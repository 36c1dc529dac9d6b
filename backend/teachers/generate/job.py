"""Teacher images: the pictures a student learns from, each with an honest label."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from backend.core import runs
from backend.images import imagefiles, imageset, pictures
from backend.images.imageset import Picture
from backend.records import Progress, UserError
from backend.teachers.generate import diffused, imported, painted, rendered
from backend.teachers.generate.spec import Result, Spec


def run(spec: Spec, out_dir: Path, progress: Progress) -> Result:
    """Make the images. After an interruption it goes on behind the last one written."""
    progress(0.0, "preparing")
    count, make, notes = _teacher(spec, out_dir, progress)
    totals = imageset.write(out_dir, count, make, progress)
    if spec.teacher == "stable-diffusion":
        notes = (*notes, *painted.reject_flagged(out_dir))
    return Result(totals.images, totals.intact, totals.boxes, totals.mask_share, notes)


def _teacher(
    spec: Spec, out_dir: Path, progress: Progress
) -> tuple[int, Callable[[int], Picture], tuple[str, ...]]:
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
    for row in imageset.records(imageset.labelled(imageset.read(run_folder)[0])):
        if not isinstance(row["mask_path"], str):
            if masked_only:
                continue
            raise UserError(
                f"Image {row['image']} has no mask. Make masks on the page Automatic labels first."
            )
        files = [run_folder / row["path"], run_folder / row["mask_path"]]
        names.append(str(row["image"]))
        hashes.append(runs.fingerprint(*files)[:16])
        images.append(pictures.resized(imagefiles.read_rgb(files[0]), size))
        masks.append(pictures.read_mask(files[1], size))
    if not images:
        raise UserError("No image of this run is labelled. Label some, or choose another run.")
    return Loaded(np.array(names), np.array(hashes), np.stack(images), np.stack(masks))
