"""Boxes held to their image, and outlines as masks.

Coordinates are continuous: pixel (column i, row k) covers i … i + 1, k … k + 1. A pixel belongs to
an outline where its centre does, so that an outline 2, 3 … 5, 7 fills columns 2–4 and rows 3–6.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from skimage import draw

from backend.images import boxes
from backend.images.labelled_image import Mask
from backend.records import Box, Corners, UserError

FARTHEST = 1e7  # px


@dataclass(frozen=True)
class Polygon:
    """points: [n, 2], x and y in px."""

    points: np.ndarray

    @property
    def corners(self) -> Corners:
        (left, top), (right, bottom) = self.points.min(axis=0), self.points.max(axis=0)
        return float(left), float(top), float(right), float(bottom)

    def paint(self, mask: np.ndarray) -> None:
        rows, columns = draw.polygon(self.points[:, 1] - 0.5, self.points[:, 0] - 0.5, mask.shape)
        mask[rows, columns] = 255


@dataclass(frozen=True)
class Disk:
    x: float
    y: float
    radius: float

    def paint(self, mask: np.ndarray) -> None:
        rows, columns = draw.disk((self.y - 0.5, self.x - 0.5), self.radius, shape=mask.shape)
        mask[rows, columns] = 255


@dataclass(frozen=True)
class Runs:
    """Run lengths down the columns, COCO's way: pixels off, on, off, … until the mask is full."""

    counts: np.ndarray

    def paint(self, mask: np.ndarray) -> None:
        on = np.arange(len(self.counts)) % 2 == 1
        mask[np.repeat(on, self.counts).reshape(mask.shape[::-1]).T] = 255


@dataclass(frozen=True)
class Stamp:
    """A small mask [h, w] bool with its left upper corner at x, y."""

    x: int
    y: int
    pixels: np.ndarray

    def paint(self, mask: np.ndarray) -> None:
        height, width = mask.shape
        top, left = max(self.y, 0), max(self.x, 0)
        seen = self.pixels[top - self.y : height - self.y, left - self.x : width - self.x]
        mask[top : top + seen.shape[0], left : left + seen.shape[1]][seen] = 255


Part = Polygon | Disk | Runs | Stamp


def mask_of(width: int, height: int, parts: Sequence[Part]) -> Mask:
    """What draws the parts into one mask when called; no parts give a mask of zeros."""
    return partial(_painted, width, height, tuple(parts))


def _painted(width: int, height: int, parts: tuple[Part, ...]) -> np.ndarray:
    mask = np.zeros((height, width), np.uint8)
    for part in parts:
        part.paint(mask)
    return mask


def polygon(values: Any, where: str) -> Polygon:
    """x, y, x, y, … as an outline. Raises UserError for fewer than 3 points or no numbers."""
    try:
        points = np.asarray(values, dtype=float).reshape(-1, 2)
    except (ValueError, TypeError, OverflowError) as error:
        raise UserError(f"{where}: an outline is a list of x, y pairs. Correct it.") from error
    if len(points) < 3 or not (np.abs(points) < FARTHEST).all():
        raise UserError(f"{where}: an outline needs three points or more. Correct it.")
    return Polygon(points)


def placed(
    class_name: str, corners: Sequence[Any], width: int, height: int, where: str, notes: list[str]
) -> Box:
    """A box held to its image; what is outside is cut off, and noted where it is over a pixel.

    corners: left, top, right, bottom in px. Raises UserError for a box without area in the image,
    or with numbers that are none.
    """
    try:
        left, top, right, bottom = (float(value) for value in corners)
    except (ValueError, TypeError, OverflowError) as error:
        raise UserError(f"{where}: a box is four numbers. Correct it.") from error
    if not all(math.isfinite(value) for value in (left, top, right, bottom)):
        raise UserError(f"{where}: a box is four numbers. Correct it.")
    if right <= left or bottom <= top:
        raise UserError(f"{where}: the box has no area. Correct or remove it.")
    found = boxes.cut((left, top, right, bottom), width, height)
    if found is None:
        raise UserError(
            f"{where}: the box {left:g}, {top:g} … {right:g}, {bottom:g} leaves the image of "
            f"{width} × {height} px. Correct it."
        )
    if boxes.outside((left, top, right, bottom), width, height):
        notes.append("boxes reach over the edge of their image: cut off there")
    return Box(class_name, found, source="imported")


def runs_of(mask: np.ndarray) -> list[int]:
    """The run lengths of a mask [H, W], down the columns, beginning with pixels that are off."""
    flat = (mask > 0).ravel(order="F")
    edges = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    counts = np.diff(np.concatenate(([0], edges, [flat.size])))
    return [0, *counts.tolist()] if flat[0] else counts.tolist()


def runs(counts: Any, width: int, height: int, where: str) -> Runs:
    """COCO's `counts`, a list or the compressed string. Raises UserError where it does not fit."""
    pixels = width * height
    try:
        lengths = _decompressed(counts) if isinstance(counts, str) else np.asarray(counts)
        numbers = lengths.ndim == 1 and lengths.dtype.kind == "i"
        bounded = numbers and lengths.min(initial=0) >= 0 and lengths.max(initial=0) <= pixels
        fits = bounded and len(lengths) <= pixels + 1 and int(lengths.sum()) == pixels
    except (ValueError, TypeError, OverflowError, UnicodeEncodeError) as error:
        raise UserError(f"{where}: 'counts' is no run-length code. Export it again.") from error
    if not fits:
        raise UserError(f"{where}: 'counts' does not fill {width} × {height} px. Export it again.")
    return Runs(lengths.astype(np.int64))


def _decompressed(code: str) -> np.ndarray:
    """Run lengths from COCO's string: 5 bits a character from 48 up, low bits first, bit 6 where
    more follow; from the fourth on, each number is the difference to the one before last."""
    chars = np.frombuffer(code.encode("ascii"), np.uint8).astype(np.int64) - 48
    ends = np.flatnonzero((chars & 0x20) == 0)
    starts = np.concatenate(([0], ends[:-1] + 1)).astype(np.int64)
    lengths = ends - starts + 1
    if not len(ends) or ends[-1] != len(chars) - 1 or chars.min() < 0 or chars.max() > 63:
        raise ValueError(code[:20])
    if lengths.max() > 7:  # 35 bits are more than any image
        raise ValueError(code[:20])
    shifts = 5 * (np.arange(len(chars)) - np.repeat(starts, lengths))
    values = np.add.reduceat((chars & 0x1F) << shifts, starts)
    values -= np.where(chars[ends] & 0x10, np.int64(1) << (5 * lengths), 0)
    values[1::2], values[2::2] = np.cumsum(values[1::2]), np.cumsum(values[2::2])
    return values
