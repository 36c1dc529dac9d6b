"""Judging predicted boxes: ultralytics' own definitions, and intervals over groups."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from backend.core import facts
from backend.detection import curves, evaluation
from backend.detection.alarms import may_alarm
from backend.detection.detector import intervals
from backend.detection.testset import test_images
from backend.images.labelled_image import LabelledImage
from backend.records import Box, UserError

NAMES = ("crack", "spot")


def image(name: str, boxes: list[tuple], group: str = "") -> LabelledImage:
    made = tuple(Box("defect", xyxy) for xyxy in boxes)
    pixels = np.zeros((100, 100, 3), np.uint8)
    return LabelledImage(pixels, "real", made, name=name, group=group or name)


def scene(seed: int, count: int = 30) -> tuple[list[LabelledImage], list[np.ndarray]]:
    """Images with 0 to 3 boxes, and predictions near some of them among false ones."""
    random = np.random.default_rng(seed)
    images, found = [], []
    for k in range(count):
        corners = random.uniform(0, 60, (int(random.integers(0, 4)), 2))
        truth = np.hstack([corners, corners + random.uniform(8, 40, corners.shape)])
        near = truth + random.normal(0, 3, truth.shape)
        false = random.uniform(0, 50, (int(random.integers(0, 3)), 2))
        stray = np.hstack([false, false + 20])
        boxes = np.vstack([near, near + 1, stray]).reshape(-1, 4)
        confidence = -np.sort(-random.uniform(0.01, 1, (len(boxes), 1)), axis=0)
        found.append(np.hstack([random.permutation(boxes), confidence]))
        images.append(image(f"i{k}", [tuple(t) for t in truth]))
    return images, found


def several_classes(seed: int) -> tuple[list[LabelledImage], list[np.ndarray]]:
    """As `scene`, with classes: most predictions have the right one."""
    random = np.random.default_rng(seed)
    images, found = scene(seed)
    words = [tuple(random.choice(NAMES, len(i.boxes))) for i in images]
    named = [
        replace(
            i,
            boxes=tuple(replace(b, class_name=str(w)) for b, w in zip(i.boxes, mine, strict=True)),
        )
        for i, mine in zip(images, words, strict=True)
    ]
    classed = [np.column_stack([boxes, random.integers(0, 2, len(boxes))]) for boxes in found]
    return named, classed


def of_ultralytics(images: list[LabelledImage], found: list[np.ndarray], names: tuple[str, ...]):
    """What ultralytics makes of the same boxes: its metrics per class."""
    import torch
    from ultralytics.engine.validator import BaseValidator
    from ultralytics.utils.metrics import ap_per_class, box_iou

    validator: Any = BaseValidator.__new__(BaseValidator)
    validator.iouv = torch.linspace(0.5, 0.95, 10)
    right, wanted_classes = [], []
    for truth, boxes in zip(images, found, strict=True):
        wanted = torch.tensor([box.xyxy for box in truth.boxes]).reshape(-1, 4).double()
        numbers = [0 if len(names) == 1 else names.index(b.class_name) for b in truth.boxes]
        classes = boxes[:, 5] if boxes.shape[1] > 5 else np.zeros(len(boxes))
        predicted, true = torch.tensor(classes), torch.tensor(numbers, dtype=torch.float64)
        overlap = box_iou(wanted, torch.tensor(boxes[:, :4]))
        right.append(validator.match_predictions(predicted, true, overlap).numpy())
        wanted_classes += numbers
    pooled = np.vstack(found)
    classes = pooled[:, 5] if pooled.shape[1] > 5 else np.zeros(len(pooled))
    return ap_per_class(
        np.vstack(right),
        pooled[:, 4],
        classes,
        np.array(wanted_classes),
        names=dict(enumerate(names)),
    )


@pytest.mark.parametrize("names", [("defect",), ("crack", "spot")])
@pytest.mark.parametrize("seed", range(3))
def test_figures_and_curves_are_those_of_ultralytics(seed, names):
    images, found = scene(seed) if len(names) == 1 else several_classes(seed)
    judged = evaluation.judge(images, found, names=names)
    _, _, _, _, _, ap, _, p_curve, r_curve, f1_curve, _, _ = of_ultralytics(images, found, names)
    drawn = curves.over_confidence(judged)
    assert judged.ap50() == pytest.approx(ap[:, 0].mean(), abs=1e-6)
    assert judged.ap() == pytest.approx(ap.mean(), abs=1e-6)
    assert [judged.class_ap50(k) for k in range(len(names))] == pytest.approx(ap[:, 0], abs=1e-6)
    for ours, theirs in (
        (drawn.precision, p_curve),
        (drawn.recall, r_curve),
        (drawn.f1, f1_curve),
    ):
        assert ours == pytest.approx(theirs.mean(0), abs=1e-6)


SCENES = ("one class", "several classes", "ties", "no predictions", "nothing right", "float32")


def judged_scene(kind: str) -> tuple[list[LabelledImage], evaluation.Judged]:
    """A scene of that kind with what is made of it."""
    images, found = several_classes(7) if kind == "several classes" else scene(7)
    names = NAMES if kind == "several classes" else ("defect",)
    if kind == "ties":  # a hit and a false alarm are never told apart by their confidence
        found = [np.column_stack([b[:, :4], np.full(len(b), 0.9), b[:, 5:]]) for b in found]
    if kind == "no predictions":
        found = [np.zeros((0, 5)) for _ in images]
    if kind == "nothing right":
        found = [b + np.array([500, 500, 500, 500, 0]) for b in found]
    if kind == "float32":  # as networks give them: 0.9 is a little less than 0.9 then
        found = [np.round(b, 1).astype(np.float32) for b in found]
    return images, evaluation.judge(images, found, names=names)


def stored(folder: Path, images: list[LabelledImage], judged: evaluation.Judged) -> list:
    """The tables images, boxes and predictions, written and read again."""
    facts.write(folder, "predictions", evaluation.prediction_rows(images, judged))
    filed = [i if isinstance(i.data, Path) else replace(i, data=Path(i.name)) for i in images]
    test_images.write_rows(filed, folder)
    return [facts.read(folder, name) for name in ("images", "boxes", "predictions")]


@pytest.mark.parametrize("kind", SCENES)
def test_what_the_tables_keep_gives_the_same_figures(tmp_path, kind):
    images, judged = judged_scene(kind)
    rows, boxes, predictions = stored(tmp_path, images, judged)
    for kept in (predictions, predictions.assign(levels=None)):  # an older version's lack levels
        again = evaluation.from_rows(rows, boxes, kept, judged.names)
        best = judged.best_f1()
        assert again.best_f1() == best
        assert again.at_confidence(best.confidence) == judged.at_confidence(best.confidence)
        assert (again.groups == judged.groups).all()
        for at in (best.confidence, 0.9, 0.25):
            assert curves.frame(again, at).equals(curves.frame(judged, at))
        assert (again.ap50(), again.ap()) == (judged.ap50(), judged.ap())


@pytest.mark.parametrize("kind", SCENES)
def test_every_figure_counts_the_same_boxes_at_the_best_f1(kind):
    images, judged = judged_scene(kind)
    corners = np.array([box.xyxy for i in images for box in i.boxes])
    best = judged.best_f1()
    at = best.confidence
    assert best == judged.at_confidence(at)
    (row,) = curves.frame(judged, at).query("confidence == @at").to_dict("records")
    assert row["precision"] == best.precision or best.precision is None
    assert (row["recall"], row["f1"]) == (best.recall, best.f1)
    table = curves.confusion(judged, corners, at)
    met, boxes = int(curves.found(judged, at).sum()), int(judged.drawn(at).sum())
    assert np.trace(table) == met == round(best.recall * len(corners))
    assert table[:-1].sum() == boxes
    assert table[:, :-1].sum() == len(corners)
    intact = judged.truths == 0
    assert row["alarmed"] == judged.alarmed(at)[intact].mean()
    assert row["alarms"] == judged.alarms(at)[intact].mean()
    figures = {(f["subject"], f["metric"]): f["value"] for f in intervals.figures(judged, at, 0)}
    assert figures["images with a defect", "recall"] == best.recall
    assert figures["intact images", "share with an alarm"] == row["alarmed"]


@pytest.mark.parametrize("kind", SCENES)
def test_no_other_confidence_has_a_higher_f1(kind):
    _, judged = judged_scene(kind)
    best = judged.best_f1()
    every = [judged.at_confidence(float(c)) for c in evaluation.CONFIDENCES]
    assert best.f1 == max(point.f1 for point in every)
    surer = [point for point in every if point.confidence > best.confidence]
    assert best.f1 == 0 or all(point.f1 < best.f1 for point in surer)
    assert best.confidence in evaluation.CONFIDENCES


@pytest.mark.parametrize("kind", ["no predictions", "nothing right"])
def test_without_a_hit_the_best_f1_is_at_a_quarter_and_says_so(kind):
    best = judged_scene(kind)[1].best_f1()
    assert (best.confidence, best.recall, best.f1) == (evaluation.UNKNOWN, 0.0, 0.0)
    assert best.precision == (None if kind == "no predictions" else 0.0)


def test_images_of_one_name_are_refused_for_their_boxes_cannot_be_told_apart(tmp_path):
    images = [replace(image("a", [(1, 1, 9, 9)]), data=tmp_path / f"{n}/a.png") for n in "xy"]
    judged = evaluation.judge(images, [np.array([[1, 1, 9, 9, 0.9]]), np.zeros((0, 5))])
    rows, boxes, predictions = stored(tmp_path, images, judged)
    with pytest.raises(UserError, match=r"'a' for .*x/a\.png and .*y/a\.png"):
        evaluation.from_rows(rows, boxes, predictions, ("defect",))


def test_a_box_of_another_class_stands_beside_the_diagonal():
    truth = replace(image("a", []), boxes=(Box("crack", (0, 0, 10, 10)),))
    wrong_and_right = np.array([[0, 0, 10, 10, 0.9, 1], [0, 0, 10, 9, 0.5, 0]])
    judged = evaluation.judge([truth], [wrong_and_right], names=NAMES)
    corners = np.array([[0, 0, 10, 10]])
    assert curves.confusion(judged, corners, 0.9).tolist() == [[0, 0, 0], [1, 0, 0], [0, 0, 0]]
    assert curves.confusion(judged, corners, 0.5).tolist() == [[1, 0, 0], [0, 0, 1], [0, 0, 0]]


def test_recall_by_size_counts_each_defect_once():
    truth = image("a", [(0, 0, 10, 10), (20, 20, 70, 70), (0, 50, 30, 80)])
    found = np.array([[0, 0, 10, 10, 0.9], [0, 0, 10, 9, 0.8], [20, 20, 70, 70, 0.3]])
    judged = evaluation.judge([truth], [found])
    rows = curves.recall_by_size(judged, 0.5).set_index("subject")
    assert rows["value"].tolist() == [0.5, 0.0]
    assert rows["n"].tolist() == [2, 1], "10 and 30 px are small, 50 px is medium"
    assert curves.recall_by_size(judged, 0.2)["value"].tolist() == [0.5, 1.0]


def test_false_alarms_over_confidence_count_intact_images_alone():
    images = [image("a", [(10, 10, 30, 30)]), image("b", []), image("c", [])]
    alarm = np.array([[0, 0, 9, 9, 0.6], [20, 20, 40, 40, 0.4]])
    rows = curves.frame(evaluation.judge(images, [alarm, alarm, np.zeros((0, 5))]), 0.5)
    at = rows.set_index("confidence")
    for confidence, alarms, alarmed in ((0.3, 1.0, 0.5), (0.5, 0.5, 0.5), (0.7, 0.0, 0.0)):
        row = at.iloc[np.searchsorted(at.index, confidence)]
        assert (row["alarms"], row["alarmed"]) == (alarms, alarmed)


def test_the_most_wrong_images_come_first_and_a_class_is_found_in_truth_and_prediction():
    box = (10.0, 10.0, 30.0, 30.0)
    images = [image("right", [box]), image("missed", [box]), image("alarmed", [])]
    right, wrong = [*box, 0.9, 0], [50.0, 50.0, 60.0, 60.0, 0.8, 0]
    found = [np.array([right]), np.zeros((0, 6)), np.array([wrong, wrong])]
    judged = evaluation.judge(images, found)
    rows = curves.by_image(pd.DataFrame({"image": [i.name for i in images]}), judged, 0.5)
    assert list(curves.most_wrong(rows)["image"]) == ["alarmed", "missed", "right"]
    assert curves.predictions_of(judged, 2, 0.5)["correct"].tolist() == [False, False]
    truths = pd.DataFrame({"class_name": ["crack", "chip"]})
    shown = curves.shows_class(rows, judged, truths, "chip", 0.5)
    assert list(rows["image"][shown]) == ["missed"]
    drawn = curves.shows_class(rows, judged, truths, judged.names[0], 0.5)
    assert list(rows["image"][drawn]) == ["right", "alarmed"]


def test_perfect_predictions_reach_one_and_none_reach_zero():
    images, _ = scene(1)
    perfect = [np.array([[*box.xyxy, 0.9] for box in i.boxes]).reshape(-1, 5) for i in images]
    nothing = [np.zeros((0, 5)) for _ in images]
    assert evaluation.judge(images, perfect).ap50() == pytest.approx(1, abs=0.01)
    assert evaluation.judge(images, nothing).ap50() == 0


def test_a_false_alarm_on_an_intact_image_costs_ap():
    truth = image("a", [(10, 10, 30, 30)])
    hit = np.array([[10, 10, 30, 30, 0.5]])
    alone = evaluation.judge([truth], [hit]).ap50()
    alarm = np.array([[0, 0, 9, 9, 0.9]])
    with_intact = evaluation.judge([truth, image("b", [])], [hit, alarm]).ap50()
    assert with_intact < alone


def test_two_predictions_of_one_defect_count_once():
    truth = image("a", [(10, 10, 30, 30)])
    twice = np.array([[10, 10, 30, 30, 0.9], [11, 11, 31, 31, 0.8]])
    assert evaluation.judge([truth], [twice]).correct.tolist() == [True, False]


def test_interval_holds_the_value_and_widens_with_fewer_groups():
    images, found = scene(2, 60)
    judged = evaluation.judge(images, found)
    (every, *_) = intervals.figures(judged, 0.5, seed=0)
    assert every["low"] <= every["value"] <= every["high"]
    coarse = [image(i.name, [b.xyxy for b in i.boxes], f"g{k % 5}") for k, i in enumerate(images)]
    (few, *_) = intervals.figures(evaluation.judge(coarse, found), 0.5, seed=0)
    assert few["high"] - few["low"] > 0
    assert few["value"] == pytest.approx(every["value"])


def test_share_of_intact_images_with_an_alarm():
    images = [image("a", [(10, 10, 30, 30)]), image("b", []), image("c", [])]
    found = [np.zeros((0, 5)), np.array([[0, 0, 9, 9, 0.6]]), np.zeros((0, 5))]
    judged = evaluation.judge(images, found)
    alarm, none = (intervals.figures(judged, c, 0)[2] for c in (0.5, 0.7))
    assert (alarm["value"], none["value"]) == (0.5, 0.0)
    assert alarm["n"] == none["n"] == 2, "the intact ones alone"
    assert none["low"] == 0
    assert none["high"] == pytest.approx(1 - 0.025 ** (1 / 2)), "Clopper and Pearson for 0 of 2"


def test_an_ap_that_resampling_cannot_move_has_no_interval():
    judged = evaluation.judge([image("a", [(1, 1, 9, 9)])], [np.zeros((0, 5))])
    assert intervals.figures(judged, 0.5, 0)[0]["low"] is None


def test_best_f1_confidence_keeps_the_hits_and_drops_the_rest():
    truth = image("a", [(10, 10, 30, 30)])
    found = np.array([[10, 10, 30, 30, 0.8], [60, 60, 70, 70, 0.3]])
    assert evaluation.judge([truth], [found]).best_f1() == evaluation.OperatingPoint(
        0.8, 1.0, 1.0, 1.0
    )


def alarming(intact: int, fainter: float = 0.05) -> evaluation.Judged:
    """Sure boxes on so many intact images, each fainter than the last; hits at 0.9 and 0.3."""
    defect = image("a", [(10, 10, 30, 30), (50, 50, 80, 80)])
    hits = np.array([[10, 10, 30, 30, 0.9], [50, 50, 80, 80, 0.3]])
    found = [np.array([[0, 0, 9, 9, 0.8 - fainter * k]]) for k in range(intact)]
    images = [defect, *(image(f"b{k}", []) for k in range(intact))]
    return evaluation.judge(images, [hits, *found])


@pytest.mark.parametrize("rate", [0.05, 0.1, 0.25, 0.5, 0.99])
def test_the_chosen_confidence_is_the_best_f1_of_those_that_keep_to_the_alarm_rate(rate):
    for seed in range(20):
        judged = evaluation.judge(*scene(seed, 60))  # a quarter of them intact
        intact = judged.truths == 0
        chosen = judged.best_f1(rate)
        most = may_alarm(int(intact.sum()), rate)
        keeping = [
            point
            for point in (judged.at_confidence(float(c)) for c in evaluation.CONFIDENCES)
            if judged.alarmed(point.confidence)[intact].sum() <= most
        ]
        best = max(keeping, key=lambda point: point.f1)
        assert chosen.f1 == (best.f1 or judged.best_f1().f1)
        assert not best.f1 or judged.alarmed(chosen.confidence)[intact].sum() <= most


def test_without_a_rate_or_an_intact_image_the_confidence_is_that_of_the_best_f1():
    judged = alarming(4)
    assert judged.best_f1(1.0) == judged.best_f1()
    alone = alarming(0)
    assert alone.best_f1(0.1) == alone.best_f1() and alone.best_f1().recall == 1


def test_a_rate_costs_recall_and_counts_images_not_boxes():
    judged = alarming(9, fainter=0.0)
    assert judged.best_f1(0.1).confidence > 0.8 and judged.best_f1(0.1).recall == 0.5
    twice = evaluation.judge([image("b", [])], [np.array([[0, 0, 9, 9, 0.6], [5, 5, 20, 20, 0.5]])])
    assert twice.surest_on_intact().tolist() == [0.6]


def test_views_of_one_good_part_count_as_one():
    """Four parts in five views: any view of a part that alarms is the part's alarm."""
    views = [image(f"b{k}", [], group=f"part {k // 5}") for k in range(20)]
    found = [np.array([[0, 0, 9, 9, 0.8]]) if k == 7 else np.zeros((0, 5)) for k in range(20)]
    defect, hit = image("a", [(10, 10, 30, 30)]), np.array([[10, 10, 30, 30, 0.6]])
    judged = evaluation.judge([defect, *views], [hit, *found])
    assert judged.surest_on_intact().tolist() == [-np.inf, 0.8, -np.inf, -np.inf]
    assert [judged.intact_alarmed(at) for at in (0.5, 0.8, 0.81)] == [(4, 1), (4, 1), (4, 0)]
    alone = evaluation.judge([defect, *(replace(v, group=v.name) for v in views)], [hit, *found])
    assert alone.best_f1(0.1).confidence == 0.6, "of 20 parts one may alarm at 0.1, of 4 none"
    assert judged.best_f1(0.4).confidence == 0.6, "of 4 parts one may alarm at 0.4"


def test_where_no_confidence_with_a_hit_keeps_to_the_rate_the_best_f1_is_taken():
    sure = np.array([[0, 0, 9, 9, 1.0]])
    images = [image("a", [(10, 10, 30, 30)]), image("b", [])]
    judged = evaluation.judge(images, [np.array([[10, 10, 30, 30, 0.6]]), sure])
    assert judged.best_f1(0.1) == judged.best_f1()
    assert judged.best_f1(0.1).recall == 1


def test_constant_box_scores_where_the_object_fills_the_picture():
    centred, aside = image("a", [(25, 25, 75, 75)]), image("b", [(0, 0, 20, 20)])
    assert evaluation.constant_box([centred]).ap50() == pytest.approx(1, abs=0.01)
    assert evaluation.constant_box([aside]).ap50() == 0
