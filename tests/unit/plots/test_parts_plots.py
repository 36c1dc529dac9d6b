"""Figures of parts: every part is in them, GOOD apart from BAD."""

import pandas as pd

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
