"""Figures of data sets and detectors: what they draw is what the rows say."""

import numpy as np
import pandas as pd

from backend.images import palette
from backend.plots import detection as detection_plots


def test_the_mark_stands_on_the_curve_at_the_chosen_confidence():
    grid = np.linspace(0, 1, 11)
    frame = pd.DataFrame({"confidence": grid, "f1": grid**2})
    line, mark = detection_plots.over_confidence(frame, {"f1": "F1"}, 0.5, "F1").data
    assert (mark.x[0], mark.y[0]) == (0.5, 0.25)
    assert line.name == "F1: 0.25", "the number is told in words too"


def test_precision_recall_marks_the_last_box_that_is_sure_enough():
    frame = pd.DataFrame(
        {
            "class_name": ["crack"] * 3,
            "recall": [0.25, 0.25, 0.5],
            "precision": [1, 0.5, 2 / 3],
            "confidence": [0.9, 0.8, 0.3],
        }
    )
    _, mark = detection_plots.precision_recall(frame, 0.5, 4, {"crack": "#E69F00"}).data
    assert (mark.x[0], mark.y[0]) == (0.25, 0.5)


def test_every_box_is_in_one_bar_of_the_sizes():
    sides = np.array([1, 1, 5, 40, 400.0])
    frame = pd.DataFrame({"x1": 0.0, "y1": 0.0, "x2": sides, "y2": sides})
    (bars,) = detection_plots.box_sizes(frame).data
    assert sum(bars.y) == 5
    assert bars.x[0] < 2 < 300 < bars.x[-1]


def test_sources_and_classes_count_every_row():
    images = pd.DataFrame(
        {"source": ["real", "real", "rendered"], "split": ["train", "val", "val"]}
    )
    bars = detection_plots.per_source(images).data
    assert {bar.name: sum(bar.x) for bar in bars} == {"train, n = 1": 1, "val, n = 2": 2}
    boxes = pd.DataFrame({"class_name": ["crack", "spot", "spot"], "source": ["hand"] * 3})
    colours = palette.colours(boxes["class_name"])
    (bar,) = detection_plots.per_class(boxes, colours).data
    assert dict(zip(bar.y, bar.x, strict=True)) == {"crack": 1, "spot": 2}
    assert list(bar.marker.color) == [colours["crack"], colours["spot"]]


def test_counts_have_an_axis_of_their_own_and_shares_go_to_one():
    frame = pd.DataFrame({"confidence": [0.0, 1.0], "alarmed": [0.4, 0.0], "alarms": [7.0, 0.0]})
    shares = detection_plots.over_confidence(frame, {"alarmed": "share"}, 0.0, "Alarms")
    counts = detection_plots.over_confidence(frame, {"alarms": "boxes"}, 0.0, "Alarms", "boxes")
    assert shares.layout.yaxis.range == (0, 1.02)
    assert counts.layout.yaxis.range == (0, 14)


def test_where_boxes_lie_is_drawn_as_the_picture_stands():
    places = pd.DataFrame({"x": [0.01, 0.99], "y": [0.01, 0.01]})
    figure = detection_plots.box_positions(places)
    table = np.array(figure.data[0].z)
    assert (table[0, 0], table[0, -1], table.sum()) == (1, 1, 2)
    assert figure.layout.yaxis.autorange == "reversed"


def test_the_confusion_leaves_the_corner_of_nothing_empty():
    figure = detection_plots.confusion(np.array([[7, 2], [3, 0]]), ("defect",))
    assert [list(row) for row in figure.data[0].text] == [["7", "2"], ["3", ""]]
    assert "n = 10 true boxes" in figure.layout.title.text


def test_training_curves_are_split_by_what_they_measure():
    frame = pd.DataFrame(
        [
            {"step": step, "metric": metric, "value": 0.1 * step}
            for step in (1, 2)
            for metric in ("train box loss", "val box loss", "mAP50", "precision")
        ]
    )
    found = detection_plots.training(frame)
    assert [len(figure.data) for figure in found.values()] == [1, 1, 2]
    assert detection_plots.training(frame[frame["step"] == 1]) == {}
