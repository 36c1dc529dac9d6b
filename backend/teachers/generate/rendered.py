"""The built-in renderer as a teacher: no download, exact masks and boxes."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from backend.core.specs import param
from backend.images.labelled_image import LabelledImage, Origin
from backend.images.vocabulary import DEFECTS, GLASS, KINDS, LIGHTINGS, LIT, MATERIALS
from backend.records import UserError

RENDERED = ("teacher", ("renderer",))


@dataclass(frozen=True)
class RendererSettings:
    """What the renderer draws; the fields of a spec that has such a teacher."""

    material: str = param(GLASS, "what the parts are made of", choices=MATERIALS, when=RENDERED)
    classes: tuple[str, ...] = param(
        ("crack",),
        "kinds of defect to draw, of those that the material can have",
        choices=KINDS,
        when=RENDERED,
        within=("material", DEFECTS),
    )
    lighting: str = param(
        "mixed",
        "how the parts are lit",
        choices=("mixed", *LIGHTINGS),
        when=RENDERED,
        within=("material", LIT),
    )
    one_class: bool = param(
        False,
        "only one kind of defect in each image, as a class-conditional model wants it",
        when=RENDERED,
        advanced=True,
    )
    defects_most: int = param(
        3, "most defects in one image", lo=1, hi=12, when=RENDERED, advanced=True
    )
    severity_least: float = param(0.2, "faintest defect", lo=0, hi=1, when=RENDERED, advanced=True)
    severity_most: float = param(1.0, "strongest defect", lo=0, hi=1, when=RENDERED, advanced=True)

    def check_rendering(self) -> None:
        """Raises UserError for settings that do not go together; for the spec's own `check`."""
        if not self.classes:
            raise UserError("Classes: choose at least one kind of defect.")
        if self.severity_least > self.severity_most:
            raise UserError("Severity least must not be above severity most.")


def maker(
    settings: RendererSettings, seed: int, size: int, intact_share: float
) -> Callable[[int], LabelledImage]:
    """Image k of a run, which depends on `seed + k` alone."""
    from backend import renderer

    def make(index: int) -> LabelledImage:
        number = seed + index
        random = np.random.default_rng([number, 1])
        intact = random.random() < intact_share
        one = (str(random.choice(settings.classes)),) if settings.one_class else settings.classes
        made = renderer.render(
            number,
            size,
            classes=one,
            material=settings.material,
            lighting=settings.lighting,
            defects=(0, 0) if intact else (1, settings.defects_most),
            severity=(settings.severity_least, settings.severity_most),
        )
        origin = Origin(number, made.params, original=made.background)
        return LabelledImage(made.image, "rendered", made.boxes, made.mask, origin=origin)

    return make
