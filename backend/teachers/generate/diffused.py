"""The small diffusion model as a teacher: image and mask denoised together, no download."""

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
from backend.images.imageset import Picture
from backend.images.vocabulary import INTACT
from backend.records import Progress, UserError
from backend.teachers.diffusion.spec import SHIPPED

if TYPE_CHECKING:
    from backend.teachers.diffusion.model import Sampled

DIFFUSED = ("teacher", ("diffusion",))
TOGETHER = 8  # always sampled in these groups, so that image k is the same whatever is asked for


@dataclass(frozen=True)
class DiffusionSettings:
    """What the small diffusion model paints; the fields of a spec that has such a teacher."""

    model_run: str = param(
        "",
        "model that you trained; none: the one that comes with this program",
        run="diffusion",
        optional=True,
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
) -> Callable[[int], Picture]:
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

    def make(index: int) -> Picture:
        made, place = group(index // TOGETHER), index % TOGETHER
        return _picture(
            made.images[place], made.masks[place], made.noise[place], wanted(index), seed + index
        )

    return lambda index: _fitted(make(index), size)


def model_folder(settings: DiffusionSettings, out_dir: Path) -> Path:
    """Where the chosen model lies. Raises UserError where its run is gone."""
    if settings.model_run:
        return runs.sibling(out_dir, settings.model_run) / "artifacts" / "model"
    return SHIPPED


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
) -> Picture:
    """With boxes from its mask. Where kind and mask disagree the image counts as not labelled."""
    boxes = tuple(boxes_of(mask > 0, kind))
    agreed = bool(boxes) != (kind == INTACT)
    return Picture(
        pixels,
        "diffusion",
        boxes=boxes if agreed else (),
        mask=mask,
        arrays={"noise": noise},
        seed=seed,
        labelled=agreed,
        params={"class": kind},
    )


def _fitted(picture: Picture, size: int) -> Picture:
    """At the size asked for; as it was painted it is kept too."""
    painted = picture.pixels.shape[0]
    if size == painted:
        return picture
    scale = size / painted
    boxes = tuple(replace(box, xyxy=tuple(v * scale for v in box.xyxy)) for box in picture.boxes)
    assert picture.mask is not None
    return replace(
        picture,
        pixels=pictures.resized(picture.pixels, size),
        mask=pictures.resized(picture.mask, size) // 128 * 255,
        full=picture.pixels,
        boxes=boxes,
    )
