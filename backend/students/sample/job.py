"""Images painted by a student, with their masks and boxes, as a set that later jobs can take."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from backend.core import runs
from backend.core.units import Needs
from backend.images import boxes, imageset, licences, pictures
from backend.images.imageset import Elsewhere
from backend.images.labelled_image import LabelledImage, Marks, Origin
from backend.images.vocabulary import INTACT
from backend.records import Box, Progress
from backend.students.sample.spec import Result, Spec
from backend.students.sampler import Sampler

BLOCK = 16
MEMORY = 500 * 2**20  # bytes of a process that paints


def run(spec: Spec, out_dir: Path, progress: Progress) -> Result:
    """Paint the images; after an interruption it goes on behind the last one written."""
    student = runs.sibling(out_dir, spec.student_run)
    sampler = Sampler(student, precision=spec.precision)
    progress(0.0, "painting")
    again = Elsewhere(partial(_maker, spec, student), Needs(memory=MEMORY))
    totals = imageset.write(out_dir, spec.count, maker(spec, sampler), progress, elsewhere=again)
    notes = () if sampler.paints_mask else (UNLABELLED,)
    return Result(
        images=totals.images,
        intact=totals.intact if sampler.paints_mask else 0,
        boxes=totals.boxes,
        mask_share=totals.mask_share,
        size=spec.size or sampler.size,
        licence=licences.licence(out_dir),
        notes=notes,
    )


UNLABELLED = (
    "This student paints no mask, so nobody knows where its images show a defect. Label them on "
    "the page Automatic labels."
)


def _maker(spec: Spec, student: Path) -> Callable[[int], LabelledImage]:
    return maker(spec, Sampler(student, precision=spec.precision))


def maker(spec: Spec, sampler: Sampler) -> Callable[[int], LabelledImage]:
    """Image k of a run. Images are painted in fixed blocks, so that a resumed run paints alike."""
    held: dict[int, list[LabelledImage]] = {}

    def make(index: int) -> LabelledImage:
        block = index // BLOCK
        if block not in held:
            held.clear()
            held[block] = _block(spec, sampler, block * BLOCK)
        return held[block][index % BLOCK]

    return make


def _block(spec: Spec, sampler: Sampler, first: int) -> list[LabelledImage]:
    seeds = [spec.seed + k for k in range(first, min(first + BLOCK, spec.count))]
    images, masks, names = sampler.sample_named(seeds, spec.variation, spec.class_name)
    return [
        _picture(spec, sampler, *each) for each in zip(seeds, images, masks, names, strict=True)
    ]


def _picture(
    spec: Spec, sampler: Sampler, seed: int, pixels: np.ndarray, mask: np.ndarray, name: str
) -> LabelledImage:
    params = {"student": spec.student_run, "class": name, "variation": spec.variation}
    origin = Origin(seed, params)
    shown = pictures.resized(pixels, spec.size) if spec.size else pixels
    if not sampler.paints_mask:
        return LabelledImage(shown, "student", marks=Marks.UNKNOWN, origin=origin)
    marked = _resized_mask(mask, spec.size) if spec.size else mask > 0.5
    boxes, layer = tuple(_boxes(marked, name)), (marked * 255).astype(np.uint8)
    return LabelledImage(np.ascontiguousarray(shown), "student", boxes, layer, origin=origin)


def _resized_mask(mask: np.ndarray, size: int) -> np.ndarray:
    """The probability of defect [S, S] resized, then cut at a half."""
    resized = Image.fromarray(mask.astype(np.float32)).resize(
        (size, size), Image.Resampling.BILINEAR
    )
    return np.asarray(resized) > 0.5


def _boxes(mask: np.ndarray, name: str) -> list[Box]:
    """What is painted into a picture meant to be intact is a defect of no known class."""
    return boxes.boxes_of(mask, "defect" if name == INTACT else name)
