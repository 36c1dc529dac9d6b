"""Images painted by a student, with their masks and boxes, as a set that later jobs can take."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from backend import runs
from backend.records import Box, Progress, UserError
from backend.specs import param
from backend.synthesis import imageset, origins, pictures
from backend.synthesis.imageset import Picture
from backend.synthesis.vocabulary import INTACT, VARIATION, VARIATION_HELP

if TYPE_CHECKING:
    from backend.synthesis.distilling.sampler import Sampler

BLOCK = 16
STUDENTS = "distill|student-export"
LEAST_SIZE = 32


@dataclass(frozen=True)
class Spec:
    """Which student paints what. Image k depends on `seed + k` alone."""

    student_run: str = param("", "student that paints", run=STUDENTS)
    count: int = param(1000, "number of images", lo=1, hi=100_000)
    size: int = param(0, "edge length, px; 0 is what the student paints", lo=0, hi=1024)
    class_name: str = param("", "kind of defect, as the student's card names it; empty: all")
    variation: float = param(VARIATION, VARIATION_HELP, lo=0, hi=1, advanced=True)
    precision: str = param(
        "fp32",
        "numbers to compute with; int8 needs a student that was exported so",
        choices=("fp32", "int8"),
        advanced=True,
    )
    seed: int = param(0, "seed of the first image; the next has the next seed", lo=0, hi=2**31 - 1)

    def check(self) -> None:
        if 0 < self.size < LEAST_SIZE:
            raise UserError(f"Size must be 0 or at least {LEAST_SIZE} px.")


@dataclass(frozen=True)
class Result:
    """mask_share: mean share of the pixels of an image that is defect, where masks are painted."""

    images: int
    intact: int
    boxes: int
    mask_share: float | None
    size: int
    licence: str
    notes: tuple[str, ...] = ()


def run(spec: Spec, out_dir: Path, progress: Progress) -> Result:
    """Paint the images; after an interruption it goes on behind the last one written."""
    from backend.synthesis.distilling.sampler import Sampler

    student = runs.sibling(out_dir, spec.student_run)
    sampler = Sampler(student, precision=spec.precision)
    progress(0.0, "painting")
    totals = imageset.write(out_dir, spec.count, maker(spec, sampler), progress)
    notes = () if sampler.paints_mask else (UNLABELLED,)
    return Result(
        images=totals.images,
        intact=totals.intact if sampler.paints_mask else 0,
        boxes=totals.boxes,
        mask_share=totals.mask_share,
        size=spec.size or sampler.size,
        licence=origins.licence(out_dir),
        notes=notes,
    )


UNLABELLED = (
    "This student paints no mask, so nobody knows where its images show a defect. Label them on "
    "the page Automatic labels."
)


def maker(spec: Spec, sampler: "Sampler") -> Callable[[int], Picture]:
    """Image k of a run. Images are painted in fixed blocks, so that a resumed run paints alike."""
    held: dict[int, list[Picture]] = {}

    def make(index: int) -> Picture:
        block = index // BLOCK
        if block not in held:
            held.clear()
            held[block] = _block(spec, sampler, block * BLOCK)
        return held[block][index % BLOCK]

    return make


def _block(spec: Spec, sampler: "Sampler", first: int) -> list[Picture]:
    seeds = [spec.seed + k for k in range(first, min(first + BLOCK, spec.count))]
    images, masks, names = sampler.sample_named(seeds, spec.variation, spec.class_name)
    return [
        _picture(spec, sampler, *each) for each in zip(seeds, images, masks, names, strict=True)
    ]


def _picture(
    spec: Spec, sampler: "Sampler", seed: int, pixels: np.ndarray, mask: np.ndarray, name: str
) -> Picture:
    params = {"student": spec.student_run, "class": name, "variation": spec.variation}
    shown = pictures.resized(pixels, spec.size) if spec.size else pixels
    if not sampler.paints_mask:
        return Picture(shown, "student", seed=seed, params=params, labelled=False)
    marked = _resized_mask(mask, spec.size) if spec.size else mask > 0.5
    return Picture(
        np.ascontiguousarray(shown),
        "student",
        boxes=tuple(_boxes(marked, name)),
        mask=(marked * 255).astype(np.uint8),
        seed=seed,
        params=params,
    )


def _resized_mask(mask: np.ndarray, size: int) -> np.ndarray:
    """The probability of defect [S, S] resized, then cut at a half."""
    resized = Image.fromarray(mask.astype(np.float32)).resize(
        (size, size), Image.Resampling.BILINEAR
    )
    return np.asarray(resized) > 0.5


def _boxes(mask: np.ndarray, name: str) -> list[Box]:
    """What is painted into a picture meant to be intact is a defect of no known class."""
    return pictures.boxes_of(mask, "defect" if name == INTACT else name)
