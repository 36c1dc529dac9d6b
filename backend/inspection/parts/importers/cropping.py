"""Parts cut out of larger pictures: a square around each box."""

import numpy as np

from backend.records import Corners

LEAST_EDGE = 8  # px


def square(box: Corners, margin: float) -> tuple[int, int, int]:
    """Left, top and edge in px of the square around a box; margin: share of its longer side."""
    x1, y1, x2, y2 = box
    edge = max(LEAST_EDGE, round(max(x2 - x1, y2 - y1) * (1 + 2 * margin)))
    return round((x1 + x2 - edge) / 2), round((y1 + y2 - edge) / 2), edge


def cut(pixels: np.ndarray, box: Corners, margin: float) -> np.ndarray:
    """The square around a box as [E, E, 3] or [E, E].

    It is shifted to lie inside the picture; where the picture is smaller than the square, its edge
    pixels are repeated.
    """
    height, width = pixels.shape[:2]
    left, top, edge = square(box, margin)
    left, top = max(0, min(left, width - edge)), max(0, min(top, height - edge))
    found = pixels[top : top + edge, left : left + edge]
    missing = edge - found.shape[0], edge - found.shape[1]
    around = [(gap // 2, gap - gap // 2) for gap in missing] + [(0, 0)] * (pixels.ndim - 2)
    return np.pad(found, around, mode="edge") if any(missing) else found
