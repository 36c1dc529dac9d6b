"""Pictures of a run as one sheet for a report."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from backend.images import imagefiles, pictures
from backend.images.pictures import Mark
from backend.records import UserError

EDGE = 180  # px of a picture in a sheet
COLUMNS = 6
BLANK = 255


def spread(count: int, most: int) -> list[int]:
    """Places taken evenly over so many, not chosen."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(int)).tolist()


def sheet(paths: Iterable[Path], columns: int = COLUMNS) -> np.ndarray | None:
    """These pictures beside each other, those that are gone left out; None where none is left."""
    found = [tile for path in paths if (tile := _read(path)) is not None]
    return tiled(found, columns)


def tiled(found: Sequence[np.ndarray], columns: int = COLUMNS) -> np.ndarray | None:
    """Pictures of any size as squares beside each other; None for none."""
    if not found:
        return None
    squares = [_square(one) for one in found]
    return pictures.sheet(squares, min(columns, len(squares)), 4)


def marked(path: Path, marks: Sequence[Mark]) -> np.ndarray | None:
    """A picture with boxes, given in its own px; None where it is gone."""
    pixels = _read(path)
    return None if pixels is None else pictures.annotated(pixels, marks)


def _read(path: Path) -> np.ndarray | None:
    try:
        return imagefiles.read_rgb(path)
    except UserError:
        return None


def _square(pixels: np.ndarray) -> np.ndarray:
    """Shrunk or grown into a square, white around it."""
    small = pictures.scaled(pixels, EDGE)
    canvas = np.full((EDGE, EDGE, 3), BLANK, np.uint8)
    top, left = (EDGE - small.shape[0]) // 2, (EDGE - small.shape[1]) // 2
    canvas[top : top + small.shape[0], left : left + small.shape[1]] = small
    return canvas
