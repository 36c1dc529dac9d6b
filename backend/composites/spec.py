"""Defects on good parts: what the job is asked for, and what it gives back."""

from dataclasses import dataclass

from backend.composites.placement import Placement
from backend.core.specs import param
from backend.teachers.stable_diffusion.settings import PaintSettings

INPAINTED = ("teacher", ("stable-diffusion",))


@dataclass(frozen=True)
class Spec(PaintSettings, Placement):
    """Settings of composites. Image k depends on `seed + k` alone."""

    mode: str = param(
        "inpainting",
        "Stable Diffusion paints inside drawn shapes; the rest of the photograph stays",
        choices=("inpainting",),
        advanced=True,
        when=INPAINTED,
    )
    defect_words: str = param(
        "",
        "not needed: the label is what differs from the photograph",
        advanced=True,
        when=INPAINTED,
    )

    def check(self) -> None:
        self.check_placement()
        if self.teacher == "stable-diffusion":
            self.check_painting()


@dataclass(frozen=True)
class Result:
    """photographs: how many different ones were used. left_out: images that were to have a defect,
    but none showed there. mask_share: mean share of the pixels of an image that is defect."""

    images: int
    intact: int
    boxes: int
    photographs: int
    left_out: int
    mask_share: float | None
