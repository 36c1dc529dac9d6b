"""Figures of a judged detector with 95 % intervals over groups of images."""

from collections.abc import Callable
from typing import Any

import numpy as np

from backend.detection.evaluation import Judged
from backend.detection.mixing import Mixing
from backend.detection.standing import GAIN, HELD
from backend.numeric.statistics import clopper_pearson, group_draws, percentiles

RESAMPLES, FEW = 500, 200  # FEW for AP50-95, which takes ten times as long
Measure = Callable[[np.ndarray], float]


def figures(judged: Judged, confidence: float, seed: int) -> list[dict[str, Any]]:
    """Rows of the table `figures`.

    Percentile bootstrap over groups. AP of exactly 0 or 1 has no interval, for resampling cannot
    move it; a share of exactly 0 or 1 has Clopper and Pearson's, over groups.
    """
    defect = judged.truths > 0
    every, some = np.ones(len(defect)), defect.astype(float)
    rows = [
        ap50("all test images", judged, seed),
        _row("images with a defect", "AP50", judged, judged.ap50, some, seed),
    ]
    if not defect.all():
        rows += _of_intact(judged, ~defect, confidence, seed)
    rows += [
        _row("all test images", "AP50-95", judged, judged.ap, every, seed, FEW),
        _row("images with a defect", "AP50-95", judged, judged.ap, some, seed, FEW),
        _row("images with a defect", "recall", judged, _recall(judged, confidence), some, seed),
    ]
    return rows + _of_classes(judged, every, seed)


def ap50(subject: str, judged: Judged, seed: int) -> dict[str, Any]:
    """AP50 of all images as a row of `figures`."""
    return _row(subject, "AP50", judged, judged.ap50, np.ones(len(judged.truths)), seed)


def gain(judged: Judged, control: Judged, seed: int) -> dict[str, Any]:
    """AP50 less that of a control on the same images, in pairs, as a row of `figures`."""

    def difference(weight: np.ndarray) -> float:
        return judged.ap50(weight) - control.ap50(weight)

    every = np.ones(len(judged.truths))
    return _row("all test images", GAIN, judged, difference, every, seed)


def of_tried(mixing: Mixing, held: Judged, seed: int) -> dict[str, Any]:
    """AP50 of one training among several on the real images held back, as a row of `figures`."""
    every = np.ones(len(held.truths))
    return _row(mixing.words, HELD, held, held.ap50, every, seed)


def _of_classes(judged: Judged, every: np.ndarray, seed: int) -> list[dict[str, Any]]:
    """AP50 of each class, where the detector knows several."""
    if len(judged.names) == 1:
        return []
    return [
        _row(f"class {name}", "AP50", judged, _of_class(judged, number), every, seed)
        | {"n": int((judged.truth_class == number).sum())}
        for number, name in enumerate(judged.names)
        if (judged.truth_class == number).any()
    ]


def _of_class(judged: Judged, number: int) -> Measure:
    return lambda weight: judged.class_ap50(number, weight)


def _recall(judged: Judged, confidence: float) -> Measure:
    hits = judged.correct & judged.drawn(confidence)
    found = np.bincount(judged.image[hits], minlength=len(judged.truths))
    return lambda weight: _ratio((weight * found).sum(), (weight * judged.truths).sum())


def _ratio(part: float, whole: float) -> float:
    return float(part / whole) if whole else float("nan")


def _of_intact(
    judged: Judged, intact: np.ndarray, confidence: float, seed: int
) -> list[dict[str, Any]]:
    """False alarms: the share of intact images with any, and how many an image."""
    alarms = judged.alarms(confidence)
    weight = intact.astype(float)

    def share(w: np.ndarray) -> float:
        return _ratio((w * (alarms > 0)).sum(), w.sum())

    def count(w: np.ndarray) -> float:
        return _ratio((w * alarms).sum(), w.sum())

    row = _row("intact images", "share with an alarm", judged, share, weight, seed)
    if row["value"] in (0.0, 1.0):
        groups = len(np.unique(judged.groups[intact]))
        bounds = clopper_pearson(round(row["value"] * groups), groups)
        row |= {"low": bounds[0], "high": bounds[1]}
    return [row, _row("intact images", "alarms per image", judged, count, weight, seed)]


def _row(
    subject: str,
    metric: str,
    judged: Judged,
    measure: Measure,
    weight: np.ndarray,
    seed: int,
    resamples: int = RESAMPLES,
) -> dict[str, Any]:
    draws = group_draws(judged.groups, seed, resamples)
    low, high = percentiles([measure(weight * draw) for draw in draws])
    known = low < high
    return {
        "subject": subject,
        "metric": metric,
        "value": measure(weight),
        "low": low if known else None,
        "high": high if known else None,
        "n": int((weight > 0).sum()),
    }
