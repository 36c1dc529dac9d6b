"""Which images of a data set are real and which are synthetic, and what it is fit for by that."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from backend.core import facts
from backend.detection.detector.spec import BEST
from backend.detection.mixing import MIXED, REAL
from backend.images.labelled_image import LabelledImage
from backend.images.vocabulary import IMPORTED
from backend.records import UserError


@dataclass(frozen=True)
class Kinds:
    """Names of images. real: all real ones, imported images among them. held: real ones held back
    from training, intact ones among them; none where none of them has a box. mixed: real and
    synthetic ones are trained on. real_defects: real training images with a box. groups: the
    specimen of each image."""

    real: frozenset[str]
    held: frozenset[str]
    mixed: bool
    real_defects: int
    groups: Mapping[str, str]

    def grouped(self, image: LabelledImage) -> LabelledImage:
        """An image of the set, read from its file, with its specimen."""
        return replace(image, group=self.groups.get(image.path.stem) or image.group)

    def check(self, wanted: str, name: str) -> None:
        """Raises UserError where the set has not what a way of using synthetic images needs.

        wanted: not MIXED, of the choices of Spec.synthetic_images. name: of the data set.
        """
        if not self.mixed or not self.real_defects:
            lacks = "both real and synthetic training images, real ones with boxes among them"
        elif wanted == BEST and not self.held:
            lacks = "a real validation image with a box, by which the real ones could be judged"
        else:
            return
        raise UserError(
            f"Synthetic images = {wanted} needs {lacks}; data set '{name}' has none. Make a data "
            f"set with real photographs, or choose '{MIXED}'."
        )


def of(dataset: Path) -> Kinds:
    """Those of a finished data set run."""
    images = facts.read(dataset, "images")
    shown = images["image"].isin(facts.read(dataset, "boxes")["image"])
    real, training = images["source"].isin((*REAL, IMPORTED)), images["split"] == "train"
    held = real & (images["split"] == "val")
    names = images["image"].astype(str)
    return Kinds(
        real=frozenset(names[real]),
        held=frozenset(names[held] if (held & shown).any() else ()),
        mixed=bool((real & training).any() and (~real & training).any()),
        real_defects=int((real & training & shown).sum()),
        groups=dict(zip(names, images["group"].fillna("").astype(str), strict=True)),
    )
