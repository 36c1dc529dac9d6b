"""Real defects cut out of labelled images."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from backend.images.labelled_image import LabelledImage, opened
from backend.images.vocabulary import ONE_CLASS
from backend.records import Box, UserError

SPREAD = 0.05  # of the donor's shorter side; its ground is averaged over this distance
LEAST = 9  # px, of a mask


@dataclass(frozen=True)
class Piece:
    """One defect cut out. ratio: float32 [h, w, 3], brightness against the donor's ground there;
    alpha: float32 [h, w], 1 where defect, 0 at the border. edge: the donor's shorter side, px."""

    ratio: np.ndarray
    alpha: np.ndarray
    class_name: str
    donor: str
    edge: int


class Donors:
    """The defects of labelled images, each by its box, or by all that the mask shows where there is
    none. Raises UserError where no image has a label."""

    def __init__(self, images: Sequence[LabelledImage]):
        self.labels: list[tuple[LabelledImage, Box | None]] = [
            (image, box) for image in images for box in image.boxes
        ]
        self.labels += [(i, None) for i in images if not i.boxes and _shows_any(i)]
        if not self.labels:
            raise UserError(
                "Images to cut defects from: none has a label. Choose labelled images, or label "
                "them first."
            )
        self._opened = lru_cache(maxsize=16)(_opened)
        self.piece = lru_cache(maxsize=32)(self._cut)

    def __len__(self) -> int:
        return len(self.labels)

    def _cut(self, number: int) -> Piece | None:
        """Defect `number`; None where its label marks next to nothing."""
        image, box = self.labels[number]
        pixels, ground, mask = self._opened(image)
        marked = marked_by(pixels, mask, box.xyxy if box else None)
        if marked.sum() < LEAST:
            return None
        edge = min(pixels.shape[:2])
        room = _around(marked, round(2 * SPREAD * edge))
        ratio = ratio_to(None if ground is None else ground[room], pixels[room], marked[room], edge)
        whole = completed(ratio, marked[room], edge)
        close = _around(whole, max(6, round(0.03 * edge)))
        alpha = whole[close].astype(np.float32)
        class_name = box.class_name if box else ONE_CLASS[0]
        return Piece(ratio[close], alpha, class_name, image.name, edge)


def _opened(image: LabelledImage) -> tuple[np.ndarray, np.ndarray | None, np.ndarray | None]:
    """Pixels of a donor, the same without its defect, and its mask, as far as there are any."""
    pixels, mask, original = image.read_rgb(), image.read_mask(), image.origin.original
    ground = None if original is None else opened(original)
    if ground is not None and ground.shape != pixels.shape:
        raise UserError(
            f"Images to cut defects from: {image.name} and its original differ in size. "
            "Import them again."
        )
    return pixels, ground, None if mask is None else mask >= 128


def _shows_any(image: LabelledImage) -> bool:
    mask = image.read_mask()
    return mask is not None and bool((mask >= 128).any())


def marked_by(
    pixels: np.ndarray, mask: np.ndarray | None, xyxy: tuple[float, float, float, float] | None
) -> np.ndarray:
    """Where a box's defect is, bool [H, W]: its mask there, else lines found in the box, else an
    ellipse."""
    height, width = pixels.shape[:2]
    marked = np.zeros((height, width), bool)
    if xyxy is None:
        return marked if mask is None else mask
    x1, y1, x2, y2 = xyxy
    rows = slice(max(0, int(y1)), min(height, int(np.ceil(y2))))
    columns = slice(max(0, int(x1)), min(width, int(np.ceil(x2))))
    if mask is not None and mask[rows, columns].sum() >= LEAST:
        marked[rows, columns] = mask[rows, columns]
        return marked
    found = _edges(pixels[rows, columns])
    if found is not None and found.sum() >= LEAST:
        marked[rows, columns] = found
        return marked
    centre = (round((x1 + x2 - 1) / 2), round((y1 + y2 - 1) / 2))
    axes = (max(1, round((x2 - x1) * 0.45)), max(1, round((y2 - y1) * 0.45)))
    return cv2.ellipse(marked.astype(np.uint8), centre, axes, 0, 0, 360, 1, -1) > 0


def _edges(pixels: np.ndarray) -> np.ndarray | None:
    """The lines in a box as bool [h, w]; None where it is too small to look for any."""
    if min(pixels.shape[:2]) < 16:
        return None
    from backend.labels import labellers

    return np.asarray(labellers.edges(pixels).mask) > 0


def _around(marked: np.ndarray, by: int) -> tuple[slice, slice]:
    """The window of a mask's defect, `by` px wider as far as the image goes."""
    ys, xs = np.flatnonzero(marked.any(1)), np.flatnonzero(marked.any(0))
    height, width = marked.shape
    return (
        slice(max(0, ys[0] - by), min(height, ys[-1] + 1 + by)),
        slice(max(0, xs[0] - by), min(width, xs[-1] + 1 + by)),
    )


def ratio_to(
    ground: np.ndarray | None, pixels: np.ndarray, marked: np.ndarray, edge: int
) -> np.ndarray:
    """Brightness of pixels uint8 [h, w, 3] against the ground without the defect, about 1.

    Where no picture of the ground is known, it is the average of what lies around the mask.
    edge: the donor's shorter side, px.
    """
    if ground is None:
        reach = max(2, round(0.004 * edge))
        free = (cv2.dilate(marked.astype(np.uint8), _square(reach)) == 0).astype(np.float32)
        width = 2 * max(2, round(SPREAD * edge)) + 1
        weight = _smooth(free, width)[..., None] + 1e-4
        base = _smooth(pixels * free[..., None], width) / weight
    else:
        base = ground.astype(np.float32)
    return np.clip((pixels + 2.0) / (base + 2.0), 0.05, 4).astype(np.float32)


def completed(ratio: np.ndarray, marked: np.ndarray, edge: int) -> np.ndarray:
    """The mask with the pixels beside it that differ from the ground as it does.

    Hand-drawn masks of cracks are thinner than these, or lie a pixel aside.
    """
    grey = ratio.mean(2) - 1
    typical = float(np.median(grey[marked]))
    beside = cv2.dilate(marked.astype(np.uint8), _square(max(1, round(0.004 * edge)))) > 0
    alike = np.sign(typical) * grey > max(abs(typical) / 2, 0.03)
    return marked | (beside & alike)


def _square(reach: int) -> np.ndarray:
    return np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)


def _smooth(layer: np.ndarray, width: int) -> np.ndarray:
    """A moving average, twice: its cost does not grow with its width."""
    return cv2.blur(cv2.blur(layer, (width, width)), (width, width))
