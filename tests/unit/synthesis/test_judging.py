"""Judging predicted boxes: ultralytics' own definitions, and intervals over groups."""

from pathlib import Path

import numpy as np
import pytest

from backend.records import Box
from backend.synthesis.detecting import judging
from backend.synthesis.detecting.testset import LabelledImage


def image(name: str, boxes: list[tuple], group: str = "") -> LabelledImage:
    made = tuple(Box("defect", xyxy) for xyxy in boxes)
    return LabelledImage(name, Path(name), group or name, made, "real", 100, 100)


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


@pytest.mark.parametrize("seed", range(4))
def test_ap50_is_that_of_ultralytics(seed):
    import torch
    from ultralytics.engine.validator import BaseValidator
    from ultralytics.utils.metrics import ap_per_class, box_iou

    images, found = scene(seed)
    validator = BaseValidator.__new__(BaseValidator)
    validator.iouv = torch.tensor([0.5])
    right = []
    for truth, boxes in zip(images, found, strict=True):
        wanted = torch.tensor([box.xyxy for box in truth.boxes]).reshape(-1, 4).double()
        overlap = box_iou(wanted, torch.tensor(boxes[:, :4]))
        classes = torch.zeros(len(boxes)), torch.zeros(len(wanted))
        right.append(validator.match_predictions(*classes, overlap).numpy())
    pooled = np.vstack(found)
    n = sum(len(i.boxes) for i in images)
    results = ap_per_class(
        np.vstack(right), pooled[:, 4], np.zeros(len(pooled)), np.zeros(n), names={0: "defect"}
    )
    assert judging.judge(images, found).ap50() == pytest.approx(results[5][0, 0], abs=1e-6)


def test_perfect_predictions_reach_one_and_none_reach_zero():
    images, _ = scene(1)
    perfect = [np.array([[*box.xyxy, 0.9] for box in i.boxes]).reshape(-1, 5) for i in images]
    nothing = [np.zeros((0, 5)) for _ in images]
    assert judging.judge(images, perfect).ap50() == pytest.approx(1, abs=0.01)
    assert judging.judge(images, nothing).ap50() == 0


def test_a_false_alarm_on_an_intact_image_costs_ap():
    truth = image("a", [(10, 10, 30, 30)])
    hit = np.array([[10, 10, 30, 30, 0.5]])
    alone = judging.judge([truth], [hit]).ap50()
    alarm = np.array([[0, 0, 9, 9, 0.9]])
    with_intact = judging.judge([truth, image("b", [])], [hit, alarm]).ap50()
    assert with_intact < alone


def test_two_predictions_of_one_defect_count_once():
    truth = image("a", [(10, 10, 30, 30)])
    twice = np.array([[10, 10, 30, 30, 0.9], [11, 11, 31, 31, 0.8]])
    assert judging.judge([truth], [twice]).correct.tolist() == [True, False]


def test_interval_holds_the_value_and_widens_with_fewer_groups():
    images, found = scene(2, 60)
    judged = judging.judge(images, found)
    (every, *_) = judging.figures(judged, 0.5, seed=0)
    assert every["low"] <= every["value"] <= every["high"]
    coarse = [image(i.name, [b.xyxy for b in i.boxes], f"g{k % 5}") for k, i in enumerate(images)]
    (few, *_) = judging.figures(judging.judge(coarse, found), 0.5, seed=0)
    assert few["high"] - few["low"] > 0
    assert few["value"] == pytest.approx(every["value"])


def test_share_of_intact_images_with_an_alarm():
    images = [image("a", [(10, 10, 30, 30)]), image("b", []), image("c", [])]
    found = [np.zeros((0, 5)), np.array([[0, 0, 9, 9, 0.6]]), np.zeros((0, 5))]
    judged = judging.judge(images, found)
    alarm, none = (judging.figures(judged, c, 0)[2] for c in (0.5, 0.7))
    assert (alarm["value"], none["value"]) == (0.5, 0.0)
    assert alarm["n"] == none["n"] == 2, "the intact ones alone"
    assert none["low"] == 0
    assert none["high"] == pytest.approx(1 - 0.025 ** (1 / 2)), "Clopper and Pearson for 0 of 2"


def test_an_ap_that_resampling_cannot_move_has_no_interval():
    judged = judging.judge([image("a", [(1, 1, 9, 9)])], [np.zeros((0, 5))])
    assert judging.figures(judged, 0.5, 0)[0]["low"] is None


def test_best_f1_confidence_keeps_the_hits_and_drops_the_rest():
    truth = image("a", [(10, 10, 30, 30)])
    found = np.array([[10, 10, 30, 30, 0.8], [60, 60, 70, 70, 0.3]])
    assert judging.best_f1_confidence(judging.judge([truth], [found])) == pytest.approx(0.8)


def test_constant_box_scores_where_the_object_fills_the_picture():
    centred, aside = image("a", [(25, 25, 75, 75)]), image("b", [(0, 0, 20, 20)])
    assert judging.constant_box([centred]).ap50() == pytest.approx(1, abs=0.01)
    assert judging.constant_box([aside]).ap50() == 0
