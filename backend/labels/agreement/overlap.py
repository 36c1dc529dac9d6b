"""How well a guessed mask and guessed boxes lie on the true ones."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from backend.images.matching import box_iou, match
from backend.records import Box

NEAR_SHARE = 0.006


@dataclass(frozen=True)
class Overlap:
    """One image's figures. box_iou: per true box, the best IoU of any found box [T].

    right: found boxes that fit a true one of their own. near_f1: see `near_f1`.
    """

    mask_iou: float
    near_f1: float
    found: int
    right: int
    box_iou: np.ndarray


def compare(
    true_mask: np.ndarray,
    true_boxes: Sequence[Box],
    found_mask: np.ndarray,
    found_boxes: Sequence[Box],
) -> Overlap:
    """Figures of a guess. Masks are bool [H, W]."""
    found = sorted(found_boxes, key=lambda box: -box.confidence)
    overlap = box_iou(_corners(found), _corners(true_boxes))
    some = overlap.size > 0
    return Overlap(
        mask_iou=mask_iou(true_mask, found_mask),
        near_f1=near_f1(true_mask, found_mask),
        found=len(found),
        right=int(match(overlap)[:, 0].sum()) if some else 0,
        box_iou=overlap.max(0) if some else np.zeros(len(true_boxes)),
    )


def _corners(boxes: Sequence[Box]) -> np.ndarray:
    return np.array([box.xyxy for box in boxes], dtype=float).reshape(-1, 4)


def mask_iou(true: np.ndarray, found: np.ndarray) -> float:
    """Intersection over union of two masks bool [H, W]; two empty ones agree: 1."""
    union = (true | found).sum()
    return float((true & found).sum() / union) if union else 1.0


def near_f1(true: np.ndarray, found: np.ndarray) -> float:
    """F1 of two masks bool [H, W] where a pixel is right within 0.6 % of the edge length.

    At least 2 px. A crack one pixel wide that is traced one pixel aside has IoU 0 and counts as
    found here; two empty masks agree: 1.
    """
    if not (true.any() and found.any()):
        return float(true.any() == found.any())
    reach = max(2, round(NEAR_SHARE * min(true.shape)))
    precision = (ndimage.distance_transform_edt(~true)[found] <= reach).mean()
    recall = (ndimage.distance_transform_edt(~found)[true] <= reach).mean()
    return float(2 * precision * recall / max(precision + recall, 1e-9))
