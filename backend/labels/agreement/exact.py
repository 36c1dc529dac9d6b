"""Images whose defects are known to the pixel: what automatic labels are held against."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from backend.images import imagefiles, imageset
from backend.images.boxes import boxes_of
from backend.labels.label.job import attention_map
from backend.records import Box, UserError

TRUE_SOURCES = ("exact", "hand", "imported")
NO_MASKS = (
    "no image whose mask is exact. Choose images from the renderer, or photographs with masks."
)


@dataclass(frozen=True)
class Truth:
    """An image uint8 [H, W, 3] with its exact mask bool [H, W] and true boxes.

    boxed: the boxes are known apart from the mask. heat: an attention map float [h, w], if any.
    """

    pixels: np.ndarray
    mask: np.ndarray
    boxes: Sequence[Box]
    source: str
    group: str
    boxed: bool = True
    heat: np.ndarray | None = None


Truths = tuple[int, Iterator[Truth]]  # how many, and they one by one


def rendered(count: int, size: int, lighting: str, seed: int) -> Iterator[Truth]:
    """Cracks of the renderer, made for this; image k depends on seed + k. source: the lighting."""
    from backend import renderer

    for number in range(seed, seed + count):
        made = renderer.render(number, size, lighting=lighting)
        light = str(made.params["lighting"])
        yield Truth(made.image, made.mask > 127, made.boxes, light, str(number))


def of_run(folder: Path, count: int, seed: int) -> Truths:
    """Images of a run whose mask is exact; those with guessed boxes are passed over.

    Raises UserError where none is left.
    """
    images, boxes = imageset.read(folder)
    guessed = set(boxes[~boxes["source"].isin(TRUE_SOURCES)]["image"])
    exact = images[images["mask_path"].notna() & ~images["image"].isin(guessed)]
    if exact.empty:
        raise UserError(f"Run '{folder.name}' has {NO_MASKS}")
    rows = imageset.records(exact.iloc[_some(len(exact), count, seed)])
    known = imageset.boxes_by_image(boxes)

    def truths() -> Iterator[Truth]:
        for row in rows:
            image = row["image"]
            yield Truth(
                imagefiles.read_rgb(folder / row["path"]),
                imagefiles.read_rgb(folder / row["mask_path"])[..., 0] > 127,
                known.get(image, ()),
                row["source"],
                row["group"],
                heat=attention_map(folder, image),
            )

    return len(rows), truths()


def of_folder(folder: Path, count: int, seed: int) -> Truths:
    """Images of a folder whose mask is known; the boxes are those around the mask.

    Raises UserError where none has a mask.
    """
    from backend.images.formats.detect import read

    masked = [image for image in read(folder).images if image.mask is not None]
    if not masked:
        raise UserError(f"Folder '{folder}' has {NO_MASKS}")
    chosen = [masked[k] for k in _some(len(masked), count, seed)]

    def truths() -> Iterator[Truth]:
        for image in chosen:
            mask = np.asarray(image.read_mask()) > 127
            pixels = image.read_rgb()
            yield Truth(pixels, mask, boxes_around(mask), "folder", image.group, boxed=False)

    return len(chosen), truths()


def _some(n: int, count: int, seed: int) -> list[int]:
    """All of n images, or as many as asked for, drawn by the seed."""
    order = np.random.default_rng(seed).permutation(n)[:count]
    return sorted(int(k) for k in order)


def boxes_around(mask: np.ndarray) -> list[Box]:
    """Boxes of the regions of a mask bool [H, W], as pictures.boxes_of makes them."""
    return boxes_of(mask, "defect")
