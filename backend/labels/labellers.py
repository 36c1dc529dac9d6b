"""Automatic labels: masks and boxes guessed from an image, where nobody drew them.

How far each guess may be trusted is measured, not assumed: see agreement.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage

from backend.images.boxes import boxes_of, centred_box
from backend.records import Box, UserError

LABELLERS = ("edges", "centred", "attention")
CENTRED_CONFIDENCE = 0.02
ATTENTION_LEAST, ATTENTION_MOST = 0.3, 0.7


@dataclass(frozen=True)
class Guess:
    """What a labeller makes of an image.

    mask: uint8 [H, W], 255 where defect. boxes: their source is the labeller's name.
    confidence: 0…1 for the whole image; each box has its own.
    """

    mask: np.ndarray
    boxes: tuple[Box, ...]
    confidence: float


def guess(
    labeller: str, pixels: np.ndarray, class_name: str, attention_map: np.ndarray | None = None
) -> Guess:
    """The guess of a labeller by its name, for an image uint8 [H, W, 3].

    Raises UserError for attention without a map.
    """
    if labeller == "centred":
        return centred(pixels, class_name)
    if labeller == "edges":
        return edges(pixels, class_name)
    if attention_map is None:
        raise UserError(
            "Labeller attention needs the attention maps of Stable Diffusion, and this image has "
            "none. Choose edges, or images that the Stable Diffusion teacher made."
        )
    return attention_labels(pixels, attention_map, class_name)


def centred(pixels: np.ndarray, class_name: str = "defect") -> Guess:
    """Source A's dummy, whatever the image shows; its mask is the whole box.

    The confidence is 0.02 for every image: of 210 boxes of rendered cracks it met 2 in 100.
    """
    height, width = pixels.shape[:2]
    box = replace(
        centred_box(height, width)[0], class_name=class_name, confidence=CENTRED_CONFIDENCE
    )
    mask = np.zeros((height, width), np.uint8)
    left, top, right, bottom = (round(v) for v in box.xyxy)
    mask[top:bottom, left:right] = 255
    return Guess(mask, (box,), CENTRED_CONFIDENCE)


def edges(pixels: np.ndarray, class_name: str = "defect") -> Guess:
    """Fine dark and bright lines that stand out from their surroundings; see ridges.find.

    A box's confidence grows with its extent and the contrast of the lines in it, in units of the
    noise around.
    """
    from backend.labels import ridges

    found = ridges.find(pixels)
    return _labelled(found.mask, "edges", class_name, found.confidence)


def attention_labels(
    pixels: np.ndarray, attention_map: np.ndarray, class_name: str = "defect"
) -> Guess:
    """Where the words for the defect drew attention, sharpened by the lines seen there.

    attention_map: float [h, w], 0…1, of any size. It is enlarged to the image's size and cut at
    Otsu's threshold, held between 0.3 and 0.7 (DAAM, arXiv 2210.04885, cuts at a fixed 0.4). Lines
    inside, and up to 3 % of the edge length around, take the region's place where they cover at
    least a tenth of its width or height; a region without them stays whole. A box's confidence is
    the mean attention inside it. Raises UserError for a map that is no image of numbers.
    """
    heat = _enlarged(attention_map, pixels.shape[:2])
    region = heat > np.clip(_otsu(heat), ATTENTION_LEAST, ATTENTION_MOST)
    lines = edges(pixels).mask > 0
    mask = np.zeros_like(region)
    areas, count = ndimage.label(region, structure=np.ones((3, 3)))
    reach = max(1, round(0.03 * min(region.shape)))
    for number in range(1, count + 1):
        area = areas == number
        inside = lines & ndimage.binary_dilation(area, iterations=reach)
        mask |= inside if _spans(inside, area) else area
    return _labelled(mask, "attention", class_name, lambda place: float(heat[place].mean()))


def _enlarged(attention_map: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """The map at the size of the image, float32 0…1."""
    from skimage.transform import resize

    if attention_map.ndim != 2 or not np.isfinite(attention_map).all():
        raise UserError(
            f"An attention map must be numbers [h, w]; got {attention_map.shape}. Make the images "
            "again."
        )
    return np.asarray(resize(attention_map.astype(np.float32), shape, order=1)).clip(0, 1)


def _otsu(heat: np.ndarray) -> float:
    from skimage.filters import threshold_otsu

    return float(threshold_otsu(heat)) if heat.min() < heat.max() else 1.0


def _spans(inside: np.ndarray, area: np.ndarray) -> bool:
    """Do the lines go through a tenth of the region's width or height or more?"""
    return any(
        inside.any(axis).sum() >= max(3, 0.1 * area.any(axis).sum()) and bool(inside.any())
        for axis in (0, 1)
    )


def _labelled(
    mask: np.ndarray,
    source: str,
    class_name: str,
    confidence: Callable[[tuple[slice, slice]], float],
) -> Guess:
    """Boxes around the regions of a mask bool [H, W], and what lies in no box taken away.

    confidence: of the part of the image that a box covers.
    """
    boxes, kept = [], np.zeros(mask.shape, np.uint8)
    for box in boxes_of(mask, class_name):
        left, top, right, bottom = (int(v) for v in box.xyxy)
        place = np.s_[top:bottom, left:right]
        kept[place] = mask[place] * np.uint8(255)
        boxes.append(replace(box, source=source, confidence=round(confidence(place), 3)))
    return Guess(kept, tuple(boxes), max((b.confidence for b in boxes), default=0.0))
