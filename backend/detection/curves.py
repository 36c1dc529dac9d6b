"""What is drawn of a judged detector: curves over confidence, confusion, recall by size.

At a confidence, every figure counts the same boxes (`Judged.drawn`), of all classes together.
Source A's row alone is read off ultralytics' curves: on 1000 confidences, averaged over classes.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from backend.detection.evaluation import CONFIDENCES, Judged, at_least
from backend.images.matching import IOUS, box_iou
from backend.numeric.statistics import clopper_pearson

GRID = np.linspace(0, 1, 1000)
SMALL, LARGE = 32, 96  # px, COCO's bounds on the root of a defect's area
SIZES = (f"small, under {SMALL} px", f"medium, {SMALL}–{LARGE} px", f"large, over {LARGE} px")


@dataclass(frozen=True)
class Curves:
    """Over the confidences `GRID`: precision, recall, F1 [1000], means over the classes."""

    precision: np.ndarray
    recall: np.ndarray
    f1: np.ndarray


@dataclass(frozen=True)
class PaperRow:
    """Source A's figures: the tops of the precision and the recall curve, and AP50."""

    precision: float
    recall: float
    ap50: float


def over_confidence(judged: Judged) -> Curves:
    """Precision, recall and F1 at IoU 0.5 as ultralytics' `val` draws them."""
    known = [k for k in range(len(judged.names)) if (judged.truth_class == k).any()]
    pairs = [_of_class(judged, k) for k in known] or [(np.zeros(1000), np.zeros(1000))]
    precision, recall = (np.stack(part) for part in zip(*pairs, strict=True))
    f1 = 2 * precision * recall / (precision + recall + 1e-16)
    return Curves(precision.mean(0), recall.mean(0), f1.mean(0))


def _of_class(judged: Judged, number: int) -> tuple[np.ndarray, np.ndarray]:
    mine = judged.classes == number
    if not mine.any():
        return np.zeros(len(GRID)), np.zeros(len(GRID))
    confidence = judged.confidence[mine]
    hits = judged.correct[mine].cumsum()
    recall = hits / ((judged.truth_class == number).sum() + 1e-16)
    precision = hits / np.arange(1, len(hits) + 1)
    return (
        np.interp(-GRID, -confidence, precision, left=1),
        np.interp(-GRID, -confidence, recall, left=0),
    )


def paper_row(judged: Judged) -> PaperRow:
    """Read off as source A did. The precision curve ends at 1 for every detector."""
    drawn = over_confidence(judged)
    tops = smoothed(drawn.precision).max(), smoothed(drawn.recall).max()
    return PaperRow(float(tops[0]), float(tops[1]), judged.ap50())


def smoothed(values: np.ndarray, share: float = 0.1) -> np.ndarray:
    """A running mean over `share` of the values, as ultralytics smooths its curves."""
    width = round(len(values) * share * 2) // 2 + 1
    padded = np.pad(values, width // 2, mode="edge")
    return np.convolve(padded, np.full(width, 1 / width), mode="valid")


def frame(judged: Judged, at: float) -> pd.DataFrame:
    """The curves as rows, that of the confidence `at` among them: what `at_confidence` says.

    Columns confidence, precision (NaN without a box), recall, f1, and of intact images `alarms`
    (an image) and `alarmed` (share with any), NaN where no image is intact.
    """
    grid = np.union1d(CONFIDENCES, [at])
    sureness = judged.confidence
    boxes, hits = (at_least(c, grid) for c in (sureness, sureness[judged.correct]))
    wanted = judged.truths.sum()
    columns = {
        "confidence": grid,
        "precision": np.divide(hits, boxes, out=np.full(len(grid), np.nan), where=boxes > 0),
        "recall": hits / max(wanted, 1),
        "f1": 2 * hits / np.maximum(boxes + wanted, 1),
    }
    return pd.DataFrame(columns | _alarms(judged, grid))


def _alarms(judged: Judged, grid: np.ndarray) -> dict[str, np.ndarray]:
    intact = np.flatnonzero(judged.truths == 0)
    if not len(intact):
        return {name: np.full(len(grid), np.nan) for name in ("alarms", "alarmed")}
    mine = np.isin(judged.image, intact)
    return {
        "alarms": at_least(judged.confidence[mine], grid) / len(intact),
        "alarmed": at_least(judged.surest_on_intact(), grid) / len(intact),
    }


def precision_recall(judged: Judged) -> pd.DataFrame:
    """Rows class_name, recall, precision, confidence: each class's curve at IoU 0.5."""
    parts = []
    for number, name in enumerate(judged.names):
        mine = judged.classes == number
        wanted = int((judged.truth_class == number).sum())
        if not wanted:
            continue
        hits = judged.correct[mine].cumsum()
        columns = {
            "class_name": name,
            "recall": hits / wanted,
            "precision": hits / np.arange(1, len(hits) + 1),
            "confidence": judged.confidence[mine],
        }
        parts.append(pd.DataFrame(columns))
    names = ["class_name", "recall", "precision", "confidence"]
    return pd.concat(parts) if parts else pd.DataFrame(columns=names)


def found(judged: Judged, confidence: float) -> np.ndarray:
    """Which true boxes are found at this confidence: bool [T]."""
    met = np.zeros(len(judged.truth_image), dtype=bool)
    claims = judged.truth[judged.drawn(confidence) & (judged.truth >= 0)]
    met[claims] = True
    return met


def recall_by_size(judged: Judged, confidence: float) -> pd.DataFrame:
    """Rows subject, value, low, high, n: recall of small, medium and large defects.

    Sizes are the root of the box's area in the picture's own px. Intervals: Clopper and Pearson.
    """
    met = found(judged, confidence)
    bins = np.digitize(judged.truth_size, [SMALL, LARGE])
    return recall_of(met, np.array(SIZES)[bins] if len(bins) else np.array([], str), SIZES)


def recall_of(met: np.ndarray, kind: np.ndarray, kinds: tuple[str, ...]) -> pd.DataFrame:
    """Recall of each kind of true box, rows as `recall_by_size`. met bool [T], kind [T]."""
    rows = []
    for name in kinds:
        mine = met[kind == name]
        if len(mine):
            low, high = clopper_pearson(int(mine.sum()), len(mine))
            row = {"subject": name, "value": float(mine.mean()), "low": low, "high": high}
            rows.append(row | {"n": len(mine)})
    return pd.DataFrame(rows, columns=["subject", "value", "low", "high", "n"])


def confusion(judged: Judged, truth_boxes: np.ndarray, confidence: float) -> np.ndarray:
    """Counts [C + 1, C + 1] of predicted (rows) against true classes, the last being background.

    truth_boxes: [T, 4] in the order of `judged.truth_image`. The hits of `found` come first, so the
    diagonal adds up to what is found; boxes left over then meet true boxes left over, whatever
    their class, surest first.
    """
    count = len(judged.names)
    table = np.zeros((count + 1, count + 1), int)
    drawn = judged.drawn(confidence)
    hit, missed = drawn & judged.correct, ~found(judged, confidence)
    np.add.at(table, (judged.classes[hit], judged.truth_class[judged.truth[hit]]), 1)
    for image in range(len(judged.truths)):
        truths = np.flatnonzero(missed & (judged.truth_image == image))
        mine = np.flatnonzero(drawn & ~hit & (judged.image == image))
        overlap = box_iou(judged.xyxy[mine], truth_boxes[truths])
        _count(table, judged.classes[mine], judged.truth_class[truths], overlap)
    return table


def _count(table: np.ndarray, classes: np.ndarray, truths: np.ndarray, overlap: np.ndarray) -> None:
    """Adds the boxes of one image that are no hit, and the defects missed there, to the table."""
    free = np.ones(len(truths), dtype=bool)
    for row, number in enumerate(classes.tolist()):
        left = np.where(free, overlap[row], 0)
        best = int(left.argmax()) if len(left) else -1
        if best >= 0 and left[best] >= IOUS[0]:
            free[best] = False
            table[number, truths[best]] += 1
        else:
            table[number, -1] += 1
    for number in truths[free].tolist():
        table[-1, number] += 1


def by_image(images: pd.DataFrame, judged: Judged, confidence: float) -> pd.DataFrame:
    """Image rows with boxes, hits, missed, false_alarms, and how sure the surest false alarm is.

    The rows are in the order of `judged`.
    """
    count = len(judged.truths)
    chosen = judged.drawn(confidence)
    hits = np.bincount(judged.image[chosen & judged.correct], minlength=count)
    wrong = chosen & ~judged.correct
    sureness = np.zeros(count)
    np.maximum.at(sureness, judged.image[wrong], judged.confidence[wrong])
    return images.assign(
        boxes=judged.truths,
        hits=hits,
        missed=judged.truths - hits,
        false_alarms=np.bincount(judged.image[wrong], minlength=count),
        sureness=sureness,
    )


def recall_by_class(judged: Judged, truths: pd.DataFrame, confidence: float) -> pd.DataFrame:
    """Recall of each class as the test set names it. truths: in the order of `judged`."""
    kinds = truths["class_name"].astype(str).to_numpy()
    met = found(judged, confidence)
    return recall_of(met, kinds, tuple(sorted(set(kinds))))


def predictions_of(judged: Judged, image: int, confidence: float) -> pd.DataFrame:
    """The boxes drawn on one image at a confidence, surest first: class_name, x1, y1, x2, y2,
    confidence, correct. image: its place."""
    mine = (judged.image == image) & judged.drawn(confidence)
    rows = pd.DataFrame(judged.xyxy[mine], columns=["x1", "y1", "x2", "y2"])
    return rows.assign(
        class_name=[judged.names[k] for k in judged.classes[mine]],
        confidence=judged.confidence[mine],
        correct=judged.correct[mine],
    )


def shows_class(
    rows: pd.DataFrame, judged: Judged, truths: pd.DataFrame, class_name: str, confidence: float
) -> pd.Series:
    """Which rows of `by_image` have a true or a drawn box of a class. truths: in the order of
    `judged`."""
    drawn = np.array(judged.names)[judged.classes] == class_name
    places = {*judged.image[judged.drawn(confidence) & drawn].tolist()}
    places |= {*judged.truth_image[(truths["class_name"] == class_name).to_numpy()].tolist()}
    return pd.Series(rows.index.isin(places), index=rows.index)


def most_wrong(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of `by_image`, those with most missed defects and false alarms first; of equal ones that
    with the surest false alarm."""
    errors = rows["missed"] + rows["false_alarms"]
    return rows.assign(errors=errors).sort_values(["errors", "sureness"], ascending=False)
