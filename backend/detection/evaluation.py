"""How good are predicted boxes? Average precision, recall, false alarms."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from backend.detection.alarms import may_alarm
from backend.images.labelled_image import LabelledImage
from backend.images.matching import IOUS, box_iou, claimed, match
from backend.images.vocabulary import ONE_CLASS
from backend.records import Box, UserError

RECALL_GRID = np.linspace(0, 1, 101)
CONFIDENCES = np.round(np.arange(1001) / 1000, 3)  # those to work at, as a slider offers them
UNKNOWN = 0.25  # to work at where no box is right at any of them


@dataclass(frozen=True)
class OperatingPoint:
    """What a detector does where boxes of at least `confidence` count, all classes together.

    precision: share of boxes that fit, None without any. recall: share of defects found, None
    where there is no defect. f1: 0 where nothing is found.
    """

    confidence: float
    precision: float | None
    recall: float | None
    f1: float


@dataclass(frozen=True)
class Judged:
    """Every prediction with its verdict, pooled over images and sorted by confidence.

    Of predictions: image: index of the image [P]; xyxy [P, 4], px; confidence [P]; classes: index
    into `names` [P]; levels: right at each of `IOUS`, bool [P, 10]; correct: right at IoU 0.5
    [P]; iou with the best box of its class [P]; truth: the true box it claimed at IoU 0.5, −1
    for none [P].
    Of true boxes: truth_image [T]; truth_class [T]; truth_size: root of the area, px [T].
    Of images: truths: number of true boxes [N]; groups: specimen [N].
    """

    image: np.ndarray
    xyxy: np.ndarray
    confidence: np.ndarray
    classes: np.ndarray
    levels: np.ndarray
    iou: np.ndarray
    truth: np.ndarray
    truth_image: np.ndarray
    truth_class: np.ndarray
    truth_size: np.ndarray
    truths: np.ndarray
    groups: np.ndarray
    names: tuple[str, ...] = ONE_CLASS

    @property
    def correct(self) -> np.ndarray:
        return self.levels[:, 0]

    def ap50(self, weight: np.ndarray | None = None) -> float:
        """Average precision at IoU 0.5; `weight` [N] counts each image that many times."""
        return self._mean_ap((0,), weight)

    def ap(self, weight: np.ndarray | None = None) -> float:
        """AP50-95: the mean over IoU 0.5, 0.55 … 0.95 (and over classes)."""
        return self._mean_ap(range(len(IOUS)), weight)

    def class_ap50(self, number: int, weight: np.ndarray | None = None) -> float:
        """Average precision of one class at IoU 0.5, NaN where no box is of it."""
        return self._class_ap(number, (0,), self._weight(weight))

    def _mean_ap(self, levels: Sequence[int], weight: np.ndarray | None) -> float:
        found = [self._class_ap(k, levels, self._weight(weight)) for k in range(len(self.names))]
        known = [value for value in found if value == value]
        return float(np.mean(known)) if known else float("nan")

    def _weight(self, weight: np.ndarray | None) -> np.ndarray:
        return np.ones(len(self.truths)) if weight is None else weight

    def _class_ap(self, number: int, levels: Sequence[int], weight: np.ndarray) -> float:
        wanted = float(weight[self.truth_image[self.truth_class == number]].sum())
        mine = self.classes == number
        counted = weight[self.image[mine]]
        right = self.levels[mine]
        return float(np.mean([average_precision(right[:, k], counted, wanted) for k in levels]))

    def drawn(self, confidence: float) -> np.ndarray:
        """Which predictions count at this confidence: bool [P]."""
        return self.confidence >= confidence

    def at_confidence(self, confidence: float) -> OperatingPoint:
        """What the detector does at this confidence."""
        chosen = self.drawn(confidence)
        hits, boxes, truths = (int(n.sum()) for n in (self.correct[chosen], chosen, self.truths))
        return OperatingPoint(
            confidence=confidence,
            precision=hits / boxes if boxes else None,
            recall=hits / truths if truths else None,
            f1=2 * hits / max(boxes + truths, 1),
        )

    def best_f1(self, alarm_rate: float = 1.0) -> OperatingPoint:
        """Where F1 is highest, of `CONFIDENCES`; of several the surest, for fewer false alarms.

        alarm_rate: share of intact parts that may have a box, see `may_alarm`; confidences at
        which more have one count only where a defect is found at no other. At `UNKNOWN` where no
        box is right. Every figure "at the best F1" is taken here.
        """
        boxes, hits = (at_least(c) for c in (self.confidence, self.confidence[self.correct]))
        f1 = 2 * hits / np.maximum(boxes + self.truths.sum(), 1)
        surest = self.surest_on_intact()
        kept = f1 * (at_least(surest) <= may_alarm(len(surest), alarm_rate))
        f1 = kept if kept.any() else f1
        best = len(f1) - 1 - int(f1[::-1].argmax())
        return self.at_confidence(float(CONFIDENCES[best]) if f1[best] > 0 else UNKNOWN)

    def surest_on_intact(self) -> np.ndarray:
        """The highest confidence on the intact images of each group, −∞ without a box: float [G].

        Views of one part are not independent, so they count as one.
        """
        surest = np.full(len(self.truths), -np.inf)
        np.maximum.at(surest, self.image, self.confidence)
        intact = self.truths == 0
        number, names = pd.factorize(self.groups[intact])
        found = np.full(len(names), -np.inf)
        np.maximum.at(found, number, surest[intact])
        return found

    def intact_alarmed(self, confidence: float) -> tuple[int, int]:
        """How many groups with intact images there are, and how many have a box on one at this
        confidence."""
        surest = self.surest_on_intact()
        return len(surest), int((surest >= confidence).sum())

    def alarms(self, confidence: float) -> np.ndarray:
        """Number of boxes on each image at this confidence: int [N]."""
        return np.bincount(self.image[self.drawn(confidence)], minlength=len(self.truths))

    def alarmed(self, confidence: float) -> np.ndarray:
        """Which images have at least one box at this confidence: bool [N]."""
        return self.alarms(confidence) > 0


def judge(
    images: Sequence[LabelledImage],
    predictions: Sequence[np.ndarray],
    levels: Sequence[np.ndarray] | None = None,
    names: tuple[str, ...] = ONE_CLASS,
) -> Judged:
    """Match predictions to truths.

    predictions: per image [P, 5 or 6] of x1 y1 x2 y2 confidence (class), px. levels: per image
    bool [P, 10], which are right at each of `IOUS`, where that is known already (ultralytics
    matches in the network's own pixels); else found here. names: the detector's classes; of one
    class alone every box is.
    """
    numbers = [[_number(box.class_name, names) for box in image.boxes] for image in images]
    corners = [np.array([box.xyxy for box in image.boxes]).reshape(-1, 4) for image in images]
    first = np.cumsum([0, *(len(boxes) for boxes in corners)])
    parts = []
    for k, found in enumerate(predictions):
        given = None if levels is None else levels[k]
        parts.append(_matched(found, corners[k], np.array(numbers[k], int), given, int(first[k])))
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
    index = np.repeat(np.arange(len(images)), [len(found) for found in predictions])
    order = np.argsort(-columns[1], kind="stable")
    boxes, confidence, classes, right, iou, truth = (column[order] for column in columns)
    every = np.concatenate(corners)
    return Judged(
        image=index[order],
        xyxy=boxes,
        confidence=confidence,
        classes=classes,
        levels=right,
        iou=iou,
        truth=truth,
        truth_image=np.repeat(np.arange(len(images)), [len(boxes) for boxes in corners]),
        truth_class=np.array([number for image in numbers for number in image], int),
        truth_size=np.sqrt((every[:, 2:] - every[:, :2]).prod(1)),
        truths=np.array([len(image.boxes) for image in images]),
        groups=np.array([image.group for image in images]),
        names=names,
    )


def _number(name: str, names: tuple[str, ...]) -> int:
    """Index of a class; −1 for one the detector does not know."""
    if len(names) == 1:
        return 0
    return names.index(name) if name in names else -1


def _matched(
    found: np.ndarray, truth: np.ndarray, numbers: np.ndarray, given: np.ndarray | None, first: int
) -> tuple[np.ndarray, ...]:
    """One image's boxes, confidence, classes, levels, IoU and claimed truth, surest first.

    All in float64, as the stored rows have them, so that these give the same figures again.
    """
    order = np.argsort(-found[:, 4], kind="stable")
    found = found[order].astype(float)
    classes = found[:, 5].astype(int) if found.shape[1] > 5 else np.zeros(len(found), int)
    overlap = box_iou(found[:, :4], truth) * (classes[:, None] == numbers[None])
    levels = match(overlap) if given is None else given[order]
    taken = claimed(overlap, levels[:, 0])
    best = overlap.max(1) if len(truth) else np.zeros(len(found))
    truths = np.where(taken >= 0, taken + first, -1)
    return found[:, :4], found[:, 4], classes, levels, best, truths


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


def at_least(confidence: np.ndarray, grid: np.ndarray = CONFIDENCES) -> np.ndarray:
    """How many of `confidence` [P] are at least as sure as each value of the grid [G]: int [G]."""
    return len(confidence) - np.searchsorted(np.sort(confidence), grid, side="left")


def constant_box(images: Sequence[LabelledImage], names: tuple[str, ...] = ONE_CLASS) -> Judged:
    """The control: one centred box of half the edge length, of each class, in every image."""
    corners = np.array([0.25, 0.25, 0.75, 0.75])
    made = [
        np.array([[*corners * [*i.size, *i.size], 1.0, k] for k in range(len(names))])
        for i in images
    ]
    return judge(images, made, names=names)


def prediction_rows(images: Sequence[LabelledImage], judged: Judged) -> list[dict[str, Any]]:
    """Rows of the table `predictions`."""
    bits = judged.levels @ (1 << np.arange(len(IOUS)))
    return [
        {
            "image": images[place].name,
            "class_name": judged.names[judged.classes[k]],
            **dict(zip(("x1", "y1", "x2", "y2"), judged.xyxy[k], strict=True)),
            "confidence": judged.confidence[k],
            "iou": judged.iou[k],
            "correct": bool(judged.levels[k, 0]),
            "levels": int(bits[k]),
        }
        for k, place in enumerate(judged.image.tolist())
    ]


def from_rows(
    images: pd.DataFrame, boxes: pd.DataFrame, predictions: pd.DataFrame, names: tuple[str, ...]
) -> Judged:
    """What `prediction_rows` and the tables `images` and `boxes` keep of a judgement.

    Rows of earlier versions, which lack `levels`, are matched again. Raises UserError where two
    images share a name, for then nobody knows whose box a row is.
    """
    _refuse_namesakes(images)
    truths = {str(name): rows for name, rows in boxes.groupby("image", sort=False)}
    found = {str(name): rows for name, rows in predictions.groupby("image", sort=False)}
    made, given, pictures = [], [], []
    for name, group in zip(images["image"].astype(str), images["group"], strict=True):
        rows = found.get(name, predictions.iloc[:0])
        numbers = rows["class_name"].map(lambda word: max(_number(str(word), names), 0))
        corners = rows[["x1", "y1", "x2", "y2", "confidence"]].to_numpy(float)
        made.append(np.column_stack([corners, numbers.to_numpy(float)]))
        bits = rows["levels"].fillna(0).to_numpy(int)
        given.append((bits[:, None] >> np.arange(len(IOUS)) & 1).astype(bool))
        pictures.append(_image(name, str(group), truths.get(name, boxes.iloc[:0])))
    known = predictions["levels"].notna().all()
    return judge(pictures, made, given if known else None, names)


def _refuse_namesakes(images: pd.DataFrame) -> None:
    names = images["image"].astype(str)
    twice = names[names.duplicated()].unique()
    if len(twice):
        paths = images.loc[names == twice[0], "path"].astype(str)
        raise UserError(
            f"{len(twice)} names of test images stand for several images, as '{twice[0]}' for "
            f"{' and '.join(paths[:2])}, so its boxes cannot be told apart. Give every test image "
            "a name of its own and train the detector again."
        )


def _image(name: str, group: str, boxes: pd.DataFrame) -> LabelledImage:
    corners = boxes[["x1", "y1", "x2", "y2"]].to_numpy(float).tolist()
    words = boxes["class_name"].astype(str)
    made = tuple(
        Box(word, (x1, y1, x2, y2)) for word, (x1, y1, x2, y2) in zip(words, corners, strict=True)
    )
    return LabelledImage(Path(name), boxes=made, name=name, group=group)
