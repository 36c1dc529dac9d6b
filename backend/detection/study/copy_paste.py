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
from backend.core import facts
from backend.detection.study import samples
from backend.detection.study.samples import Sample
from backend.images import imagefiles
from backend.images.boxes import box_row
from backend.records import Box, UserError

CONTRAST = 0.06  # least contrast, intact share and most defects as the form of composites has them
INTACT_SHARE, MOST = 0.1, 2
FREEDOM = Freedom(0.5, 1.0, True, True)
LARGER = 2  # pasted at up to twice the size of the training, then shrunk


def pasted(
    donors: Sequence[Sample],
    goods: Sequence[Sample],
    count: int,
    size: int,
    folder: Path,
    seed: int,
) -> list[Sample]:
    """`count` photographs with real defects, written below `folder`.

    Raises UserError where there is no labelled image or no intact photograph.
    """
    if not goods or not any(donor.boxes for donor in donors):
        raise UserError(
            "Copy and paste needs labelled real images and intact photographs. Name an intact "
            "folder, raise the amounts, or leave the arm out."
        )
    maker = Pasted(Donors(_donor_set(donors, folder / "donors", LARGER * size)), "both", FREEDOM)
    opened = [_opened(good, LARGER * size) for good in goods]
    allowed = [_allowed(pixels) for pixels in opened]
    made = []
    for k in range(count):
        random = np.random.default_rng([seed, k, 3])
        place = k % len(goods)
        wanted = int(random.random() >= INTACT_SHARE) * int(random.integers(1, MOST + 1))
        done = defects.put_on(random, opened[place], allowed[place], maker, wanted, CONTRAST)
        made.append(
            samples.keep(
                folder,
                f"p{k:06d}",
                done.pixels,
                done.boxes,
                size,
                source="copy-paste",
                group=goods[place].group,
            )
        )
    return made


def _opened(sample: Sample, size: int) -> np.ndarray:
    return samples.shrunk(imagefiles.read_rgb(Path(sample.original)), size)


def _allowed(pixels: np.ndarray) -> np.ndarray:
    found = region.object_of(pixels)
    return np.ones(pixels.shape[:2], bool) if found is None else found


def _donor_set(donors: Sequence[Sample], folder: Path, size: int) -> Path:
    """The donors as a run's folder, the way `Donors` reads it."""
    images, boxes = [], []
    for k, donor in enumerate(donors):
        pixels = _opened(donor, size)
        name, path = f"{k:06d}", f"artifacts/images/{k:06d}.png"
        imagefiles.write(folder / path, pixels)
        images.append({"image": name, "path": path, "group": donor.group})
        y, x = pixels.shape[0] / donor.height, pixels.shape[1] / donor.width
        boxes += [
            box_row(name, Box("defect", (a * x, b * y, c * x, d * y))) for a, b, c, d in donor.boxes
        ]
    facts.write(folder, "images", images)
    facts.write(folder, "boxes", boxes)
    return folder
