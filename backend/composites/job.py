"""Composites: defects put on the plant's own photographs of good parts."""

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from backend import settings
from backend.composites import goods, region
from backend.composites.spec import Result, Spec
from backend.core import runs
from backend.images import imageset
from backend.images.labelled_image import LabelledImage, Origin
from backend.images.vocabulary import BELOW
from backend.records import Progress, UserError
from backend.teachers.stable_diffusion.settings import loras, weights_folder

if TYPE_CHECKING:
    from backend.composites.defects import Maker
    from backend.composites.from_renderer import Rendered


FAINTEST = (0.0, 0.15)  # severity of marks that are no defects
WORDS = {
    "renderer": "rendered on a photograph",
    "student": "student's defect on a photograph",
    "copy-paste": "real defect pasted on a photograph",
    "stable-diffusion": "painted into a photograph",
}


def run(spec: Spec, out_dir: Path, progress: Progress) -> Result:
    """Write the composites. After an interruption it goes on behind the last one written."""
    progress(0.0, "reading photographs")
    found = goods.photographs(runs.sibling(out_dir, spec.goods_run))
    done = {"made": 0}

    def on_step(fraction: float) -> None:
        k = done["made"]
        progress((k + fraction) / spec.count, f"painting into image {k + 1} of {spec.count}")

    make = _composer(spec, found, _maker(spec, out_dir, on_step))

    def counted(k: int) -> LabelledImage:
        done["made"] = k
        return make(k)

    totals = imageset.write(out_dir, spec.count, counted, progress)
    wanted = sum(_wants_defect(spec, k) for k in range(spec.count))
    if wanted and not totals.boxes:
        raise UserError(
            "No defect showed on any photograph. Enlarge the region, raise the scale, or lower "
            "the least contrast."
        )
    return Result(
        images=totals.images,
        intact=totals.intact,
        boxes=totals.boxes,
        photographs=min(len(found), spec.count),
        left_out=totals.intact - (spec.count - wanted),
        mask_share=totals.mask_share,
    )


def _random(spec: Spec, k: int) -> np.random.Generator:
    return np.random.default_rng([spec.seed + k, 3])


def _wants_defect(spec: Spec, k: int) -> bool:
    return bool(_random(spec, k).random() >= spec.intact_share)


def _composer(
    spec: Spec, found: list[LabelledImage], maker: "Maker"
) -> Callable[[int], LabelledImage]:
    """What makes image k."""
    from backend.composites import defects

    faint = faint_maker(spec)
    marked = region.from_file(Path(spec.region_file)) if spec.region_file else None
    source = "difference" if spec.teacher == "stable-diffusion" else "exact"

    @lru_cache(maxsize=8)
    def opened(number: int) -> tuple[np.ndarray, np.ndarray]:
        photograph = goods.opened(spec, found[number])
        return photograph, goods.allowed_on(spec, photograph, marked, found[number].name)

    def make(k: int) -> LabelledImage:
        number = (spec.seed + k) % len(found)
        photograph, allowed = opened(number)
        random = _random(spec, k)
        count = int(random.random() >= spec.intact_share)
        count *= int(random.integers(1, spec.most + 1))
        if faint:
            few = int(random.integers(spec.faint_most + 1))
            photograph = defects.faintly_marked(random, photograph, allowed, faint, few)
        made = defects.put_on(
            random, photograph, allowed, maker, count, spec.contrast_least, source
        )
        params = _params(spec, found[number], made.records, count)
        return LabelledImage(
            made.pixels,
            WORDS[spec.teacher] if made.boxes else "photograph",
            made.boxes,
            made.mask,
            group=found[number].group,
            origin=Origin(spec.seed + k, params, original=photograph),
        )

    return make


def faint_maker(spec: Spec) -> "Rendered | None":
    """What draws marks too faint to be a defect, None where none are asked for."""
    if spec.teacher != "renderer" or not spec.faint_most:
        return None
    from backend.composites.from_renderer import Rendered

    return Rendered(spec.classes, spec.lighting, FAINTEST, spec.material)


def _params(
    spec: Spec, good: LabelledImage, records: tuple[dict[str, Any], ...], wanted: int
) -> dict[str, Any]:
    """How an image was made; donor and prompt are those of its first defect."""
    first = records[0] if records else {}
    return {
        BELOW: good.name,
        "method": spec.teacher,
        "donor": first.get("donor", ""),
        "prompt": first.get("prompt", ""),
        "left_out": wanted - len(records),
        "defects": list(records),
    }


def _maker(spec: Spec, out_dir: Path, on_step: Callable[[float], None]) -> "Maker":
    """Who makes the defects. Raises UserError where its files or labels are missing."""
    from backend.composites.fit_in import Freedom

    freedom = Freedom(spec.scale_least, spec.scale_most, spec.rotate, spec.flips)
    if spec.teacher == "student":
        from backend.composites.from_student import Painted

        return Painted(runs.sibling(out_dir, spec.student_run), freedom)
    if spec.teacher == "copy-paste":
        from backend.composites.donors import Donors
        from backend.composites.from_donors import Pasted

        labelled = imageset.read(runs.sibling(out_dir, spec.donors_run))
        return Pasted(Donors(labelled), spec.blending, freedom)
    from backend.composites.from_renderer import Rendered

    severity = spec.severity_least, spec.severity_most
    drawn = Rendered(spec.classes, spec.lighting, severity, spec.material)
    return drawn if spec.teacher == "renderer" else _inpainter(spec, out_dir, drawn, on_step)


def _inpainter(
    spec: Spec, out_dir: Path, shapes: "Rendered", on_step: Callable[[float], None]
) -> "Maker":
    """Stable Diffusion, its weights loaded once. Raises UserError where they are missing."""
    folder = weights_folder(spec.model, settings.settings().weights)
    from backend.composites.from_inpainting import Inpainted
    from backend.teachers.stable_diffusion.painting import Painter

    painter = Painter(spec, folder, loras(spec, out_dir))
    for note in painter.notes:
        print(note)

    def inpaint(seed: int, prompt: str, start: np.ndarray, mask: np.ndarray) -> Any:
        return painter.inpaint(seed, prompt, start, mask, on_step)

    prompts = tuple(prompt for prompt in spec.prompts if prompt.strip())
    return Inpainted(inpaint, shapes, prompts, spec.pixels)
