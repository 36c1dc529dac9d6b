"""Which boxes are drawn on a picture, in which colour: no more than tell something at a glance."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import pandas as pd

from backend.images import palette
from backend.images.pictures import Mark

MOST = 10  # boxes on one picture, unless all are asked for
Scale = tuple[float, float]


class _Row(NamedTuple):
    class_name: str
    x1: float
    y1: float
    x2: float
    y2: float
    confidence: float


def of_boxes(
    boxes: pd.DataFrame, colours: Mapping[str, str], scale: Scale, most: int | None = MOST
) -> list[Mark]:
    """The boxes of a picture, the surest and largest first. boxes: class_name, x1 … y2, confidence.

    scale: px of the drawn picture a px of its own, across and down. most: None for all.
    """
    rows = [
        _Row(*row) for row in zip(*(boxes[name].tolist() for name in _Row._fields), strict=True)
    ]
    rows.sort(key=lambda row: (-row.confidence, -(row.x2 - row.x1) * (row.y2 - row.y1)))
    return [_mark(row, colours, scale) for row in rows[: most or len(rows)]]


def of_judged(
    truths: pd.DataFrame,
    predictions: pd.DataFrame,
    colours: Mapping[str, str],
    scale: Scale,
    most: int | None = MOST,
) -> list[Mark]:
    """True and predicted boxes of a picture, errors first: missed defects, the surest false alarms,
    then what fits.

    truths: class_name, x1 … y2, missed. predictions: class_name, x1 … y2, confidence, correct;
    their lines are broken.
    """
    told: list[tuple[int, float, Mark]] = []
    row: Any
    for row in truths.itertuples():
        mark = _mark(row, colours, scale, "missed" if row.missed else "")
        told.append((0 if row.missed else 3, 0.0, mark))
    for row in predictions.itertuples():
        words = f"{'' if row.correct else 'false '}{row.confidence:.2f}"
        mark = _mark(row, colours, scale, words, dashed=True)
        told.append((2 if row.correct else 1, -row.confidence, mark))
    told.sort(key=lambda entry: entry[:2])
    return [mark for _, _, mark in told[: most or len(told)]]


def _mark(
    box: Any, colours: Mapping[str, str], scale: Scale, text: str = "", dashed: bool = False
) -> Mark:
    (x, y), colour = scale, colours.get(str(box.class_name), palette.NONE)
    return Mark((box.x1 * x, box.y1 * y, box.x2 * x, box.y2 * y), colour, text, dashed)
