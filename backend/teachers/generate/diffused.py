"""A small diffusion model as a teacher: image and mask denoised together."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from backend.core import runs
from backend.core.specs import param
from backend.images import pictures
from backend.images.boxes import boxes_of
from backend.images.labelled_image import LabelledImage, Marks, Origin
from backend.images.vocabulary import INTACT
from backend.records import Progress, UserError

if TYPE_CHECKING:
    from backend.teachers.diffusion.model import Sampled

DIFFUSED = ("teacher", ("diffusion",))
TOGETHER = 8  # always sampled in these groups, so that image k is the same whatever is asked for


@dataclass(frozen=True)
class DiffusionSettings:
    """What a small diffusion model paints; the fields of a spec that has such a teacher."""

    model_run: str = param(
        "",
        "model that you trained on the page Diffusion teacher",
        run="diffusion",
        when=DIFFUSED,
    )
    kinds: tuple[str, ...] = param(
        (), "kinds of defect, by the model's names, one a line; empty: all it knows", when=DIFFUSED
    )
    denoising_steps: int = param(
        25, "steps from noise to image; more is slower", lo=2, hi=200, when=DIFFUSED, advanced=True
    )
    class_guidance: float = param(
        1.0,
        "how far the class pulls: 1 as trained, more is clearer, less varied and twice as slow",
        lo=1,
        hi=8,
        when=DIFFUSED,
        advanced=True,
    )


def maker(
    settings: DiffusionSettings,
    seed: int,
    size: int,
    intact_share: float,
    out_dir: Path,
    progress: Progress,
) -> Callable[[int], LabelledImage]:
    """Image k of a run, which depends on `seed + k` alone. Raises UserError for unknown kinds."""
    from backend.teachers.diffusion.model import load_model

    folder = model_folder(settings, out_dir)
    model = load_model(folder)
    kinds = _kinds(settings.kinds, model.classes)

    def wanted(index: int) -> str:
        random = np.random.default_rng([seed + index, 1])
        if random.random() < intact_share:
            return INTACT
        return str(random.choice(kinds))

    @lru_cache(maxsize=1)
    def group(number: int) -> "Sampled":
        indices = range(number * TOGETHER, (number + 1) * TOGETHER)
        return model.sample(
            [seed + k for k in indices],
            [wanted(k) for k in indices],
            settings.denoising_steps,
            settings.class_guidance,
            lambda done: progress(0.0, f"denoising, {done:.0%}") if number == 0 else None,
        )

    def make(index: int) -> LabelledImage:
        made, place = group(index // TOGETHER), index % TOGETHER
        return _picture(
            made.images[place], made.masks[place], made.noise[place], wanted(index), seed + index
        )

    return lambda index: _fitted(make(index), size)


def model_folder(settings: DiffusionSettings, out_dir: Path) -> Path:
    """Where the chosen model lies. Raises UserError where its run is gone, and for the model that
    came with earlier versions, which is gone too."""
    if not settings.model_run:
        raise UserError(
            "The diffusion model that came with earlier versions is no longer part of the program. "
            "Train one of your own on the page Diffusion teacher, and make images with that."
        )
    return runs.sibling(out_dir, settings.model_run) / "artifacts" / "model"


def _kinds(asked: tuple[str, ...], known: tuple[str, ...]) -> tuple[str, ...]:
    defects = known[1:]
    unknown = sorted(set(asked) - set(defects))
    if unknown:
        raise UserError(
            f"Kinds: this model never saw '{unknown[0]}'. It knows: {', '.join(defects)}."
        )
    return tuple(asked) or defects


def _picture(
    pixels: np.ndarray, mask: np.ndarray, noise: np.ndarray, kind: str, seed: int
) -> LabelledImage:
    """With boxes from its mask. Where kind and mask disagree the image counts as not labelled."""
    boxes = tuple(boxes_of(mask > 0, kind))
    agreed = bool(boxes) != (kind == INTACT)
    return LabelledImage(
        pixels,
        "diffusion",
        boxes if agreed else (),
        mask,
        marks=Marks.KNOWN if agreed else Marks.UNKNOWN,
        origin=Origin(seed, {"class": kind}, arrays={"noise": noise}),
    )


def _fitted(painted: LabelledImage, size: int) -> LabelledImage:
    """At the size asked for; as it was painted it is kept too."""
    pixels, mask = painted.read_rgb(), painted.read_mask()
    if size == len(pixels) or mask is None:
        return painted
    return replace(
        painted.at_size_of(pictures.resized(pixels, size)),
        mask=pictures.resized(mask, size) // 128 * 255,
        origin=replace(painted.origin, full=pixels),
    )
