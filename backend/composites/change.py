"""A proposed defect in a window of a photograph, and what becomes of it."""

from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np

from backend.renderer.compositing import LEAST_PIXELS, VISIBLE

GRAIN = 3.0  # a defect must stand out this many times the photograph's own grain
CROSS = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))


@dataclass(frozen=True)
class Proposal:
    """How a window of a photograph would look with one more defect.

    window: rows and columns of the photograph. changed: float32 [h, w, 3], 0..1. drawn: bool
    [h, w], where the defect is. visible: least difference, of full scale, that counts as defect.
    most_gain: by how much the difference may be strengthened where it is too faint.
    """

    window: tuple[slice, slice]
    changed: np.ndarray
    drawn: np.ndarray
    class_name: str
    record: dict[str, Any] = field(default_factory=dict)
    visible: float = VISIBLE
    most_gain: float = 3.0


@dataclass(frozen=True)
class Settled:
    """The photograph uint8 [H, W, 3] with the defect, its mask bool [H, W], what to remember.

    contrast: the defect's difference from the photograph, of full scale; see `contrast_of`.
    """

    pixels: np.ndarray
    mask: np.ndarray
    contrast: float
    gain: float


def margin(height: int, width: int) -> int:
    """How far beyond its mask a defect may still change a photograph, px."""
    return max(3, round(min(height, width) / 64))


def settle(
    pixels: np.ndarray, allowed: np.ndarray, proposal: Proposal, least: float
) -> Settled | None:
    """The proposal laid into a photograph uint8 [H, W, 3]; None where hardly anything would show.

    The change ends at the border of `allowed` bool [H, W] and `margin` px beyond the defect; a
    difference under `least` of full scale, or under three times the photograph's grain, is
    strengthened.
    """
    reach = margin(*pixels.shape[:2])
    before = pixels[proposal.window].astype(np.float32) / 255
    inside = allowed[proposal.window]
    drawn = proposal.drawn & inside
    if drawn.sum() < LEAST_PIXELS:
        return None
    weight = _near(drawn, reach) * _within(inside)
    difference = (proposal.changed - before) * weight[..., None]
    contrast = contrast_of(difference, drawn)
    wanted = max(least, GRAIN * grain_of(before, drawn))
    gain = float(np.clip(wanted / max(contrast, 1e-6), 1, proposal.most_gain))
    after = np.rint(np.clip(before + gain * difference, 0, 1) * 255).astype(np.uint8)
    shown = contrast_of(after / np.float32(255) - before, drawn)
    own = _mask(pixels[proposal.window], after, drawn, proposal.visible)
    if own.sum() < LEAST_PIXELS or shown < 0.6 * wanted:
        return None
    near = _distance(own) <= reach
    merged, mask = pixels.copy(), np.zeros(pixels.shape[:2], bool)
    merged[proposal.window][near] = after[near]
    mask[proposal.window] = own
    return Settled(merged, mask, shown, gain)


def contrast_of(difference: np.ndarray, drawn: np.ndarray) -> float:
    """The difference [h, w, 3] that half of a defect, bool [h, w], has or exceeds within 2 px."""
    strongest = (np.abs(difference).max(2) * drawn).astype(np.float32)
    nearby = cv2.dilate(strongest, np.ones((5, 5), np.uint8))
    return float(np.median(nearby[drawn]))


def grain_of(before: np.ndarray, drawn: np.ndarray) -> float:
    """Standard deviation of the fine structure [h, w, 3] around a defect, of full scale."""
    grey = before.mean(2)
    fine = grey - cv2.GaussianBlur(grey, (0, 0), 2)
    around = cv2.dilate(drawn.astype(np.uint8), np.ones((17, 17), np.uint8)) > 0
    values = fine[around]
    return float(1.4826 * np.median(np.abs(values - np.median(values))))


def _near(drawn: np.ndarray, reach: int) -> np.ndarray:
    """1 within the defect and 2 px beyond, 0 from `reach` px on."""
    return np.clip((reach - _distance(drawn)) / max(1, reach - 2), 0, 1)


def _within(inside: np.ndarray) -> np.ndarray:
    """0 beyond the allowed part, 1 from 3 px inside it on; a photograph's own border is no end."""
    if inside.all():
        return np.ones(inside.shape, np.float32)
    padded = cv2.copyMakeBorder(inside.astype(np.uint8), 4, 4, 4, 4, cv2.BORDER_REPLICATE)
    return np.clip(cv2.distanceTransform(padded, cv2.DIST_L2, 3)[4:-4, 4:-4] / 3, 0, 1)


def _distance(mask: np.ndarray) -> np.ndarray:
    """Distance to the nearest pixel of a mask, px, float32; far where it is empty."""
    if not mask.any():
        return np.full(mask.shape, 1e6, np.float32)
    return cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, 3)


def _mask(before: np.ndarray, after: np.ndarray, drawn: np.ndarray, visible: float) -> np.ndarray:
    """The drawn part as far as it visibly differs, one px wider, without holes the defect fills."""
    seen = (cv2.absdiff(before, after).max(2) > visible * 255) & drawn
    own = cv2.dilate(seen.astype(np.uint8), CROSS)
    rims, _ = cv2.findContours(own, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    whole = cv2.drawContours(own.copy(), rims, -1, 1, -1)
    return (whole > 0) & drawn
