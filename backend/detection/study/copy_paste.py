"""Copy and paste within one trial: its own real defects on its own intact photographs.

Donors are the trial's real training images alone, so that the arm knows no label that the other
arms with as many real images do not know.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from backend.composites import defects, region
from backend.composites.donors import Donors
from backend.composites.fit_in import Freedom
from backend.composites.from_donors import Pasted
from backend.detection.study import samples
from backend.images.labelled_image import LabelledImage
from backend.records import UserError

CONTRAST = 0.06  # least contrast, intact share and most defects as the form of composites has them
INTACT_SHARE, MOST = 0.1, 2
FREEDOM = Freedom(0.5, 1.0, True, True)
LARGER = 2  # pasted at up to twice the size of the training, then shrunk


def pasted(
    donors: Sequence[LabelledImage],
    goods: Sequence[LabelledImage],
    count: int,
    size: int,
    folder: Path,
    seed: int,
) -> list[LabelledImage]:
    """`count` photographs with real defects, written below `folder`.

    Raises UserError where there is no labelled image or no intact photograph.
    """
    if not goods or not any(donor.boxes for donor in donors):
        raise UserError(
            "Copy and paste needs labelled real images and intact photographs. Name an intact "
            "folder, raise the amounts, or leave the variant out."
        )
    maker = Pasted(Donors(_larger(donors, folder / "donors", LARGER * size)), "both", FREEDOM)
    opened = [samples.enlarged(good, LARGER * size).read_rgb() for good in goods]
    allowed = [_allowed(pixels) for pixels in opened]
    made = []
    for k in range(count):
        random = np.random.default_rng([seed, k, 3])
        place = k % len(goods)
        wanted = int(random.random() >= INTACT_SHARE) * int(random.integers(1, MOST + 1))
        done = defects.put_on(random, opened[place], allowed[place], maker, wanted, CONTRAST)
        image = LabelledImage(done.pixels, "copy-paste", done.boxes, group=goods[place].group)
        made.append(samples.keep(folder, k, image, size))
    return made


def _allowed(pixels: np.ndarray) -> np.ndarray:
    found = region.object_of(pixels)
    return np.ones(pixels.shape[:2], bool) if found is None else found


def _larger(donors: Sequence[LabelledImage], folder: Path, size: int) -> list[LabelledImage]:
    """The donors at a larger size, as files: there may be too many to hold them all."""
    return [samples.keep(folder, k, samples.enlarged(d, size), size) for k, d in enumerate(donors)]
