"""Teacher images: what the job is asked for, and what it gives back."""

from dataclasses import dataclass

from backend.core.specs import param
from backend.teachers.generate import painted
from backend.teachers.generate.diffused import DiffusionSettings
from backend.teachers.generate.imported import ImportSettings
from backend.teachers.generate.rendered import RendererSettings
from backend.teachers.stable_diffusion.settings import PaintSettings

TEACHERS = ("renderer", "diffusion", "stable-diffusion", "folder")
MADE = ("teacher", ("renderer", "diffusion", "stable-diffusion"))
DRAWN = ("teacher", ("renderer", "diffusion"))


@dataclass(frozen=True)
class Basics:
    """What every teacher is asked."""

    teacher: str = param("renderer", "who makes the images", choices=TEACHERS)
    count: int = param(150, "number of images", lo=1, hi=100_000, when=MADE, grows=1)
    size: int = param(
        128, "edge length of the square images, px", lo=128, hi=1024, when=MADE, grows=2
    )
    seed: int = param(
        0, "seed of the first image; the next has the next seed", lo=0, hi=2**31 - 1, when=MADE
    )
    intact_share: float = param(0.0, "share of images without any defect", lo=0, hi=0.9, when=DRAWN)


@dataclass(frozen=True)
class Spec(ImportSettings, PaintSettings, DiffusionSettings, RendererSettings, Basics):
    """Settings of a teacher run. Image k depends on `seed + k` alone."""

    def check(self) -> None:
        if self.teacher == "renderer":
            self.check_rendering()
        if self.teacher == "stable-diffusion":
            self.check_painting()

    def estimate(self) -> str:
        """What the run will cost, in words, before it starts."""
        if self.teacher == "stable-diffusion":
            return painted.estimate(self, self.count)
        return RATES.get(self.teacher, "")


RATES = {
    "renderer": "About 50 images a second at 128 px, 40 at 256 px and 10 at 512 px on one core.",
    "diffusion": "About five images a second on two cores, more on a GPU.",
}


@dataclass(frozen=True)
class Result:
    """mask_share: mean share of the pixels of an image that is defect. notes: for a person."""

    images: int
    intact: int
    boxes: int
    mask_share: float | None
    notes: tuple[str, ...] = ()
