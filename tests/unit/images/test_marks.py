"""What is drawn on a picture: no more boxes than tell something, errors before what fits."""

import pandas as pd

from backend.images import marks

COLOURS = {"crack": "#E69F00", "chip": "#56B4E9"}


def boxes(count: int, **columns: object) -> pd.DataFrame:
    rows = {"class_name": "crack", "x1": 0.0, "y1": 0.0, "x2": 10.0, "y2": 10.0}
    made = pd.DataFrame([rows] * count, columns=list(rows))
    return made.assign(confidence=[0.5 + 0.01 * k for k in range(count)], **columns)


def test_ten_boxes_are_drawn_the_surest_and_all_when_asked():
    rows = boxes(34).assign(x1=range(34))
    drawn = marks.of_boxes(rows, COLOURS, (1.0, 1.0))
    assert [mark.xyxy[0] for mark in drawn] == list(range(33, 23, -1))
    assert len(marks.of_boxes(rows, COLOURS, (1.0, 1.0), None)) == 34


def test_a_box_has_its_class_colour_and_is_scaled_with_its_picture():
    (mark,) = marks.of_boxes(boxes(1, class_name="chip"), COLOURS, (0.5, 2.0))
    assert (mark.colour, mark.xyxy) == (COLOURS["chip"], (0.0, 0.0, 5.0, 20.0))


def test_missed_defects_and_false_alarms_come_before_what_fits():
    truths = boxes(2, missed=[False, True])
    found = boxes(3, correct=[True, False, False])
    drawn = marks.of_judged(truths, found, COLOURS, (1.0, 1.0))
    assert [mark.text for mark in drawn] == ["missed", "false 0.52", "false 0.51", "0.50", ""]
    assert [mark.dashed for mark in drawn] == [False, True, True, True, False]
    assert len(marks.of_judged(truths, boxes(20, correct=False), COLOURS, (1.0, 1.0))) == 10
