"""Locked test images: what the job is asked for, and what it gives back."""

from dataclasses import dataclass

from backend.core.specs import param
from backend.images.folder import SUFFIXES
from backend.images.vocabulary import PHOTOGRAPHS
from backend.records import UserError


@dataclass(frozen=True)
class Spec:
    """Settings of a test set. Its images are copied, so that nothing can change them later."""

    images_run: str = param(
        "",
        "imported images with their boxes, as people corrected them; a share of the parts is put "
        "aside, and nothing made from these images later is trained on those",
        run="generate|label",
        wants=PHOTOGRAPHS,
        optional=True,
    )
    aside_share: float = param(
        0.3, "share of the imported parts to put aside, each with all its views; 1: all",
        lo=0.05, hi=1,
    )  # fmt: skip
    folder: str = param(
        "",
        "or photographs in YOLO's layout; those of its split 'test' are taken",
        path="folder",
        upload=(".zip",),
        optional=True,
    )
    intact_folder: str = param(
        "",
        "photographs of intact parts to count false alarms on, beside those of the folder",
        path="folder",
        upload=(".zip", *SUFFIXES),
        optional=True,
    )
    dataset_runs: tuple[str, ...] = param(
        (), "data sets that must not share an image with it", run="dataset"
    )
    near_duplicates: str = param(
        "refuse",
        "training images that look like a test image; report is for parts that look alike under "
        "a fixed camera, which are then put aside one by one",
        choices=("refuse", "report"),
        advanced=True,
    )
    seed: int = param(0, "seed of the draw of the parts", lo=0, hi=2**31 - 1, advanced=True)

    def check(self) -> None:
        """Raises UserError for settings that do not go together."""
        if bool(self.images_run) == bool(self.folder):
            raise UserError("Choose either imported images or a folder of photographs, not both.")
        if self.images_run and self.intact_folder:
            raise UserError(
                "Intact folder goes with a folder of photographs alone. Import the photographs of "
                "intact parts together with the others."
            )


@dataclass(frozen=True)
class Result:
    """hash: over image files and boxes; near_duplicates: training images that look like one.
    put_aside: images of the import that nothing is trained on. notes: what was noticed while
    reading."""

    images: int
    intact: int
    boxes: int
    groups: int
    classes: tuple[str, ...]
    near_duplicates: int
    hash: str
    put_aside: int = 0
    notes: tuple[str, ...] = ()
