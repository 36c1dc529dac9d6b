"""Label agreement: what the job is asked for, and what it gives back."""

from dataclasses import dataclass

from backend.core.specs import param
from backend.images.vocabulary import DEFECTS, GLASS, KINDS, LIGHTINGS, LIT, MATERIALS
from backend.labels import labellers
from backend.records import UserError


@dataclass(frozen=True)
class Spec:
    """Settings of a comparison. Rendered image k depends on `seed + k` alone."""

    source: str = param(
        "rendered",
        "where images with exact masks come from: new rendered ones, a finished run, or a "
        "folder of images with masks",
        choices=("rendered", "run", "folder"),
    )
    labellers: tuple[str, ...] = param(
        ("edges", "centred"),
        "who is compared; attention needs a run with attention maps",
        choices=labellers.LABELLERS,
    )
    count: int = param(100, "number of images, at most", lo=2, hi=2000, grows=1)
    source_run: str = param(
        "", "images with exact masks", run="generate|composite", when=("source", ("run",))
    )
    folder: str = param(
        "",
        "folder of images with masks, for example images/ and masks/",
        path="folder",
        when=("source", ("folder",)),
    )
    size: int = param(
        256, "edge length of the images, px", lo=128, hi=1024, when=("source", ("rendered",))
    )
    material: str = param(
        GLASS, "what the parts are made of", choices=MATERIALS, when=("source", ("rendered",))
    )
    classes: tuple[str, ...] = param(
        ("crack",),
        "kinds of defect to draw, of those that the material can have",
        choices=KINDS,
        when=("source", ("rendered",)),
        within=("material", DEFECTS),
    )
    lighting: str = param(
        "mixed",
        "how the parts are lit",
        choices=("mixed", *LIGHTINGS),
        when=("source", ("rendered",)),
        within=("material", LIT),
    )
    seed: int = param(0, "seed of the images and of the intervals", lo=0, hi=2**31 - 1)

    def check(self) -> None:
        if not self.labellers:
            raise UserError("Labellers: choose at least one.")
        if self.source == "rendered" and not self.classes:
            raise UserError("Classes: choose at least one kind of defect.")
        if "attention" in self.labellers and self.source != "run":
            raise UserError(
                "Labeller attention needs attention maps, which only a finished run can hold. "
                "Set source to run, or leave attention out."
            )


@dataclass(frozen=True, kw_only=True)
class Result:
    """best: the labeller with the largest share of boxes that fit, its share and 95 % interval; no
    more than that, for its lead over others may be chance. The control `centred` is it only where
    no other was compared. verdict: each labeller's share, in words.

    ceiling: the share that boxes around the exact masks reach; None where they are the truth.
    """

    verdict: str = ""
    images: int
    boxes: int
    best: str
    share: float | None
    share_low: float | None
    share_high: float | None
    mask_iou: float
    ceiling: float | None
