"""The settings of composites: which photographs, what defects, and where on them."""

from dataclasses import dataclass

from backend.composites import region
from backend.core.specs import param
from backend.images.vocabulary import DEFECTS, GLASS, KINDS, LIGHTINGS, LIT, MATERIALS
from backend.records import UserError

TEACHERS = ("renderer", "student", "copy-paste", "stable-diffusion")
MOST, SLOW_MOST = 12, 2  # defects in one image
LEAST_EDGE = 64  # px, of a photograph that defects are put on
DRAWN = ("teacher", ("renderer", "stable-diffusion"))
CUT = ("teacher", ("copy-paste",))
MOVED = ("teacher", ("student", "copy-paste"))


@dataclass(frozen=True)
class Placement:
    """Which photographs, what defects, and where on them."""

    goods_run: str = param(
        "", "photographs of good parts; images with a box are left out", run="generate"
    )
    teacher: str = param("renderer", "who makes the defects", choices=TEACHERS)
    student_run: str = param(
        "",
        "student that paints the defects",
        run="distill",
        when=("teacher", ("student",)),
    )
    donors_run: str = param(
        "",
        "labelled images whose defects are cut out",
        run="generate|label",
        when=CUT,
    )
    count: int = param(
        100, "number of images; the photographs are taken in turn", lo=1, hi=100_000, grows=1
    )
    size: int = param(
        0, "edge length of square images, px; 0: each as its photograph is", lo=0, hi=2048
    )
    intact_share: float = param(0.1, "share of photographs left without a defect", lo=0, hi=0.9)
    defects_most: int = param(
        0,
        "most defects in one image; many teach a detector more than few, so 0 means 12, and 2 "
        "where Stable Diffusion paints them",
        lo=0,
        hi=50,
    )
    faint_most: int = param(
        3,
        "most marks in one image too faint to be a defect; they get no box, so that a detector "
        "learns to pass them over",
        lo=0,
        hi=50,
        advanced=True,
        when=("teacher", ("renderer",)),
    )
    region: str = param(
        "", "where defects may lie: left top right bottom, as in 0.1 0.2 0.9 0.8; empty: anywhere"
    )
    region_file: str = param(
        "", "image that is white where defects may lie", path="file", optional=True
    )
    find_object: bool = param(
        False, "keep defects on the part where the background is plain", advanced=True
    )
    material: str = param(
        GLASS,
        "what the photographed parts are made of; defects are drawn as they look on it",
        choices=MATERIALS,
        when=DRAWN,
    )
    classes: tuple[str, ...] = param(
        ("crack",),
        "kinds of defect to draw, of those that the material can have",
        choices=KINDS,
        when=DRAWN,
        within=("material", DEFECTS),
    )
    lighting: str = param(
        "mixed",
        "how the defects are lit; mixed: as suits each photograph",
        choices=("mixed", *LIGHTINGS),
        advanced=True,
        when=("teacher", ("renderer",)),
        within=("material", LIT),
    )
    severity_least: float = param(0.3, "faintest defect", lo=0, hi=1, advanced=True, when=DRAWN)
    severity_most: float = param(1.0, "strongest defect", lo=0, hi=1, advanced=True, when=DRAWN)
    blending: str = param(
        "both",
        "how a cut-out is laid over the photograph: soft edge, or Poisson's gradients",
        choices=("both", "poisson", "alpha"),
        advanced=True,
        when=CUT,
    )
    scale_least: float = param(
        0.5,
        "smallest picture of a defect, in shorter sides of the photograph",
        lo=0.1,
        hi=3,
        advanced=True,
        when=MOVED,
    )
    scale_most: float = param(
        1.0,
        "largest picture of a defect, in shorter sides of the photograph",
        lo=0.1,
        hi=3,
        advanced=True,
        when=MOVED,
    )
    rotate: bool = param(
        True,
        "turn defects by any angle",
        advanced=True,
        when=MOVED,
    )
    flips: bool = param(
        True,
        "mirror defects and turn them by right angles",
        advanced=True,
        when=MOVED,
    )
    contrast_least: float = param(
        0.06,
        "least difference of a defect from the photograph, of full scale; fainter ones are "
        "strengthened or left out",
        lo=0.02,
        hi=0.5,
        advanced=True,
    )
    seed: int = param(0, "seed of the first image", lo=0, hi=2**31 - 1)

    @property
    def most(self) -> int:
        """Most defects in one image."""
        return self.defects_most or (SLOW_MOST if self.teacher == "stable-diffusion" else MOST)

    def check_placement(self) -> None:
        """Raises UserError for settings that do not go together; for the spec's own `check`."""
        region.parse(self.region)
        if 0 < self.size < LEAST_EDGE:
            raise UserError(f"Size must be 0 or at least {LEAST_EDGE} px; got {self.size}.")
        for words, least, most in (
            ("Severity", self.severity_least, self.severity_most),
            ("Scale", self.scale_least, self.scale_most),
        ):
            if least > most:
                raise UserError(f"{words} least must not be above {words.lower()} most.")
        if self.teacher in DRAWN[1] and not self.classes:
            raise UserError("Classes: choose at least one kind of defect.")
