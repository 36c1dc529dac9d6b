"""Which predicted box belongs to which true one: overlap, and the matching that AP rests on."""

import numpy as np

IOUS = np.linspace(0.5, 0.95, 10, dtype=np.float32)  # COCO's thresholds, as ultralytics has them


def box_iou(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Intersection over union [A, B] of boxes [A, 4] and [B, 4] as x1 y1 x2 y2."""
    top_left = np.maximum(first[:, None, :2], second[None, :, :2])
    bottom_right = np.minimum(first[:, None, 2:], second[None, :, 2:])
    overlap = np.clip(bottom_right - top_left, 0, None).prod(2)
    areas = [np.clip(b[:, 2:4] - b[:, :2], 0, None).prod(1) for b in (first, second)]
    return overlap / (areas[0][:, None] + areas[1][None] - overlap + 1e-7)


def match(overlap: np.ndarray, thresholds: np.ndarray = IOUS) -> np.ndarray:
    """Which predictions are right at each threshold, bool [P, L], from IoU [P, T].

    ultralytics' and COCO's rule: predictions, in order of falling confidence, each claim the best
    truth that is left. IoU with a truth of another class must be 0.
    """
    right = np.zeros((len(overlap), len(thresholds)), dtype=bool)
    taken = np.zeros((overlap.shape[1], len(thresholds)), dtype=bool)
    levels = np.arange(len(thresholds))
    for row in np.flatnonzero((overlap >= thresholds.min()).any(1)):
        left = np.where(taken, 0, overlap[row][:, None])
        best = left.argmax(0)
        right[row] = left[best, levels] >= thresholds
        taken[best, levels] |= right[row]
    return right


def claimed(overlap: np.ndarray, right: np.ndarray) -> np.ndarray:
    """The truth each right prediction claimed [P], −1 for the others; right: bool [P]."""
    truth = np.full(len(overlap), -1)
    left = overlap.copy()
    for row in np.flatnonzero(right):
        truth[row] = int(left[row].argmax())
        left[:, truth[row]] = -1
    return truth
