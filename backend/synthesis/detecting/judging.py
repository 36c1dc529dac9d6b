"""How good are predicted boxes? AP50, recall, false alarms, with intervals over groups."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from backend.statistics import clopper_pearson
from backend.synthesis.detecting.testset import LabelledImage

IOU = 0.5
RESAMPLES = 500
KEEP_CONFIDENCE = 0.01
RECALL_GRID = np.linspace(0, 1, 101)


@dataclass(frozen=True)
class OperatingPoint:
    precision: float
    recall: float


@dataclass(frozen=True)
class Judged:
    """Every prediction with its verdict, pooled over images and sorted by confidence.

    image: index of the image [P]; xyxy [P, 4], px; confidence [P]; correct bool [P]; iou with its
    truth [P].
    truths: number of true boxes per image [N]. groups: specimen per image [N].
    """

    image: np.ndarray
    xyxy: np.ndarray
    confidence: np.ndarray
    correct: np.ndarray
    iou: np.ndarray
    truths: np.ndarray
    groups: np.ndarray

    def ap50(self, weight: np.ndarray | None = None) -> float:
        """Average precision at IoU 0.5; `weight` [N] counts each image that many times."""
        weight = np.ones(len(self.truths)) if weight is None else weight
        return average_precision(
            self.correct, weight[self.image], float((weight * self.truths).sum())
        )

    def at_confidence(self, confidence: float) -> OperatingPoint:
        chosen = self.confidence >= confidence
        hits = self.correct[chosen].sum()
        return OperatingPoint(
            precision=float(hits / max(chosen.sum(), 1)),
            recall=float(hits / max(self.truths.sum(), 1)),
        )

    def alarmed(self, confidence: float) -> np.ndarray:
        """Which images have at least one box at this confidence: bool [N]."""
        found = np.zeros(len(self.truths), dtype=bool)
        found[self.image[self.confidence >= confidence]] = True
        return found


def judge(images: Sequence[LabelledImage], predictions: Sequence[np.ndarray]) -> Judged:
    """Match predictions to truths. predictions: per image [P, 5] of x1 y1 x2 y2 confidence, px."""
    index, boxes, correct, best = [], [], [], []
    for number, (image, found) in enumerate(zip(images, predictions, strict=True)):
        found = found[np.argsort(-found[:, 4], kind="stable")]
        truth = np.array([box.xyxy for box in image.boxes]).reshape(-1, 4)
        overlap = box_iou(found[:, :4], truth)
        index.append(np.full(len(found), number))
        boxes.append(found)
        correct.append(match(overlap))
        best.append(overlap.max(1) if len(truth) else np.zeros(len(found)))
    pooled = np.concatenate(boxes)
    order = np.argsort(-pooled[:, 4], kind="stable")
    return Judged(
        image=np.concatenate(index).astype(int)[order],
        xyxy=pooled[order, :4],
        confidence=pooled[order, 4],
        correct=np.concatenate(correct).astype(bool)[order],
        iou=np.concatenate(best)[order],
        truths=np.array([len(image.boxes) for image in images]),
        groups=np.array([image.group for image in images]),
    )


def box_iou(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Intersection over union [A, B] of boxes [A, 4] and [B, 4] as x1 y1 x2 y2."""
    top_left = np.maximum(first[:, None, :2], second[None, :, :2])
    bottom_right = np.minimum(first[:, None, 2:], second[None, :, 2:])
    overlap = np.clip(bottom_right - top_left, 0, None).prod(2)
    areas = [np.clip(b[:, 2:4] - b[:, :2], 0, None).prod(1) for b in (first, second)]
    return overlap / (areas[0][:, None] + areas[1][None] - overlap + 1e-7)


def match(overlap: np.ndarray) -> np.ndarray:
    """Which predictions are right, bool [P], from IoU [P, T]: ultralytics' and COCO's rule.

    Predictions, in order of falling confidence, each claim the best truth that is left.
    """
    right = np.zeros(len(overlap), dtype=bool)
    left = overlap.copy()
    for row in np.flatnonzero((overlap >= IOU).any(1)):
        best = int(left[row].argmax())
        if left[row, best] >= IOU:
            right[row] = True
            left[:, best] = 0
    return right


def average_precision(correct: np.ndarray, weight: np.ndarray, truths: float) -> float:
    """AP as ultralytics defines it (101-point interpolation of the precision envelope).

    correct bool [P], sorted by falling confidence; weight [P]; truths: weighted number of boxes.
    """
    if truths <= 0:
        return float("nan")
    if not len(correct):
        return 0.0
    hits, misses = np.cumsum(weight * correct), np.cumsum(weight * ~correct)
    found = hits / truths
    recall = np.concatenate([[0.0], found, found[-1:], [1.0]])
    precision = np.concatenate([[1.0], hits / np.maximum(hits + misses, 1e-16), [0.0], [0.0]])
    envelope = np.flip(np.maximum.accumulate(np.flip(precision)))
    return float(np.trapezoid(np.interp(RECALL_GRID, recall, envelope), RECALL_GRID))


def best_f1_confidence(judged: Judged) -> float:
    """The confidence with the highest F1; 0.25 where nothing was right."""
    if not judged.correct.any():
        return 0.25
    hits = np.cumsum(judged.correct)
    f1 = 2 * hits / (np.arange(1, len(hits) + 1) + judged.truths.sum())
    return float(judged.confidence[int(np.argmax(f1))])


def constant_box(images: Sequence[LabelledImage]) -> Judged:
    """The control: one centred box of half the edge length in every image."""
    corners = np.array([0.25, 0.25, 0.75, 0.75])
    made = [np.append(corners * [i.width, i.height, i.width, i.height], 1.0)[None] for i in images]
    return judge(images, made)


def figures(judged: Judged, confidence: float, seed: int) -> list[dict[str, Any]]:
    """Rows of the table `figures` with 95 % intervals over groups of images.

    Percentile bootstrap. AP of exactly 0 or 1 has no interval, for resampling cannot move it; a
    share of exactly 0 or 1 has Clopper and Pearson's, over groups.
    """
    has_defect = judged.truths > 0
    everything = np.ones(len(has_defect))
    rows = [
        _row("all test images", "AP50", judged, judged.ap50, everything, seed),
        _row("images with a defect", "AP50", judged, judged.ap50, has_defect.astype(float), seed),
    ]
    if not has_defect.all():
        rows.append(_alarm_row(judged, ~has_defect, confidence, seed))
    return rows


def _alarm_row(judged: Judged, intact: np.ndarray, confidence: float, seed: int) -> dict[str, Any]:
    alarmed = judged.alarmed(confidence)

    def share(weight: np.ndarray) -> float:
        return float((weight * alarmed).sum() / weight.sum()) if weight.sum() else float("nan")

    weight = intact.astype(float)
    row = _row("intact images", "share with an alarm", judged, share, weight, seed)
    if row["value"] in (0.0, 1.0):
        groups = len(np.unique(judged.groups[intact]))
        bounds = clopper_pearson(round(row["value"] * groups), groups)
        row |= {"low": bounds[0], "high": bounds[1]}
    return row


def _row(
    subject: str, metric: str, judged: Judged, measure: Any, weight: np.ndarray, seed: int
) -> dict[str, Any]:
    names, member = np.unique(judged.groups, return_inverse=True)
    random = np.random.default_rng(seed)
    draws = random.multinomial(len(names), np.full(len(names), 1 / len(names)), size=RESAMPLES)
    values = [measure(weight * draw[member]) for draw in draws]
    value = measure(weight)
    low, high = np.nanquantile(values, [0.025, 0.975])
    known = low < high
    return {
        "subject": subject,
        "metric": metric,
        "value": value,
        "low": float(low) if known else None,
        "high": float(high) if known else None,
        "n": int((weight > 0).sum()),
    }


def prediction_rows(images: Sequence[LabelledImage], judged: Judged) -> list[dict[str, Any]]:
    """Rows of the table `predictions`, faint ones left out."""
    kept = int((judged.confidence >= KEEP_CONFIDENCE).sum())
    return [
        {
            "image": images[judged.image[place]].name,
            "class_name": "defect",
            **dict(zip(("x1", "y1", "x2", "y2"), judged.xyxy[place], strict=True)),
            "confidence": judged.confidence[place],
            "iou": judged.iou[place],
            "correct": bool(judged.correct[place]),
        }
        for place in range(kept)
    ]
