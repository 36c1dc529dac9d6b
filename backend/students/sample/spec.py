"""Student images: what the job is asked for, and what it gives back."""

from dataclasses import dataclass

from backend.core.specs import param
from backend.images.vocabulary import STUDENT, VARIATION, VARIATION_HELP
from backend.records import UserError

STUDENTS = "distill|package"
LEAST_SIZE = 32


@dataclass(frozen=True)
class Spec:
    """Which student paints what. Image k depends on `seed + k` alone."""

    student_run: str = param("", "student that paints", run=STUDENTS, wants=STUDENT)
    count: int = param(1000, "number of images", lo=1, hi=100_000, grows=1)
    size: int = param(0, "edge length, px; 0 is what the student paints", lo=0, hi=1024)
    class_name: str = param("", "kind of defect, as the student's card names it; empty: all")
    variation: float = param(VARIATION, VARIATION_HELP, lo=0, hi=1, advanced=True)
    precision: str = param(
        "fp32",
        "numbers to compute with; int8 needs a package that holds it",
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
