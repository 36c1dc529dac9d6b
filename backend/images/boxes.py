"""The one rule for boxes that reach over the edge of their image."""

from backend.records import Corners

MOST_OUTSIDE = 1.0 + 1e-6  # px: rounding, which is not told


def cut(corners: Corners, width: float, height: float) -> Corners | None:
    """Left, top, right, bottom in px, cut off at the image's edges; None if nothing is left."""
    left, top, right, bottom = corners
    left, top, right, bottom = max(left, 0), max(top, 0), min(right, width), min(bottom, height)
    return (left, top, right, bottom) if left < right and top < bottom else None


def outside(corners: Corners, width: float, height: float) -> bool:
    """Does a box reach over the edge by more than a pixel's rounding?"""
    left, top, right, bottom = corners
    return max(-left, -top, right - width, bottom - height) > MOST_OUTSIDE
