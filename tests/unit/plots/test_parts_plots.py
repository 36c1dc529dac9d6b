"""Figures of parts: every part is in them, GOOD apart from BAD."""

import numpy as np
import pandas as pd
import pytest

from backend.plots import BAD
from backend.plots import parts as parts_plots


def test_counts_name_n_and_keep_types_apart():
    figure = parts_plots.count_bars({"dots": [5, 2], "7": [3, 0]})
    assert "n = 10" in figure.layout.title.text
    assert [list(bar.y) for bar in figure.data] == [[5, 3], [2, 0]]
    assert list(figure.data[0].x) == ["dots<br>5/2", "7<br>3/0"]


def test_a_spread_shows_every_part_by_type_or_group():
    rows = [("a", "dots", 1, "x", 10.0), ("b", "dots", 0, "y", 20.0), ("c", "edge", 1, "y", 30.0)]
    frame = pd.DataFrame(rows, columns=["part", "feature", "label", "group", "brightness"])
    good, bad = parts_plots.spread(frame, "brightness").data
    assert (list(good.x), list(good.y), list(bad.text)) == (["dots", "edge"], [10, 30], ["b"])
    assert list(parts_plots.spread(frame, "brightness", by_group=True).data[0].x) == ["x", "y"]


def test_a_measure_over_the_limit_is_marked():
    frame = pd.DataFrame(
        [("dots", 0.9, 0.8, 0.95, 40), ("edge", 0.55, 0.4, 0.7, 40)],
        columns=["subject", "value", "low", "high", "n"],
    )
    figure = parts_plots.tell_tales(frame, "Brightness", 0.7)
    colours = dict(zip(figure.data[0].y, figure.data[0].marker.color, strict=True))
    assert colours["dots (n = 40)"] == BAD != colours["edge (n = 40)"]


def test_of_many_parts_the_boxes_alone_are_drawn():
    count = parts_plots.MOST_POINTS + 500
    values = np.random.default_rng(0).normal(100, 10, count)
    values[0] = 1000.0  # beyond the whisker
    frame = pd.DataFrame(
        {
            **{"part": [f"p{k}" for k in range(count)], "label": 1, "group": "g"},
            **{"feature": np.where(np.arange(count) % 2, "dots", "edge"), "brightness": values},
        }
    )
    good = parts_plots.spread(frame, "brightness").data[0]
    assert list(good.x) == ["dots", "edge"] and good.text is None and good.y is None
    edge = frame[frame["feature"] == "edge"]["brightness"]
    drawn = [good.q1[1], good.median[1], good.q3[1]]
    assert drawn == pytest.approx(list(edge.quantile([0.25, 0.5, 0.75])))
    reach = edge.quantile(0.75) + 1.5 * (edge.quantile(0.75) - edge.quantile(0.25))
    assert good.upperfence[1] == edge[edge <= reach].max() < 1000
