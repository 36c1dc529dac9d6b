"""A defect of known size on the picture of a GOOD part."""

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.random import Generator
from PIL import Image

from backend.composites import region
from backend.composites.defects import Maker, put_on
from backend.images.vocabulary import DEFECTS
from backend.line.judge import opened
from backend.line.spec import Spec

LEAST_CONTRAST = 0.06  # of full scale, as composites have it
FAINTEST, STRONGEST = 0.2, 1.0


@dataclass(frozen=True)
class Painted:
    """picture: PNG. kind: of the defect. size: share of the picture that it covers, %."""

    picture: bytes
    kind: str
    size: float


def maker_of(spec: Spec, runs_folder: Path) -> Maker:
    """Who paints: the student that the line's settings name, else the renderer. Raises UserError
    where the student is gone or paints no mask."""
    from backend.composites.fit_in import Freedom

    if spec.rabbit_student:
        from backend.composites.from_student import Painted as ByStudent

        return ByStudent(runs_folder / spec.rabbit_student, Freedom(0.3, 1.0, True, True))
    from backend.composites.from_renderer import Rendered

    kinds = DEFECTS[spec.rabbit_material]
    return Rendered(kinds, "mixed", (FAINTEST, STRONGEST), spec.rabbit_material)


def painted(random: Generator, maker: Maker, picture: bytes, bits: int) -> Painted | None:
    """The picture with one defect; None where none would show. Raises UserError where it cannot be
    decoded."""
    pixels = np.asarray(opened(picture, bits))
    on_part = region.object_of(pixels)
    allowed = np.ones(pixels.shape[:2], bool) if on_part is None else on_part
    made = put_on(random, pixels, allowed, maker, 1, LEAST_CONTRAST)
    if not made.boxes:
        return None
    target = BytesIO()
    Image.fromarray(made.pixels).save(target, "PNG")
    size = 100 * float((made.mask > 0).mean())
    return Painted(target.getvalue(), made.boxes[0].class_name, size)
