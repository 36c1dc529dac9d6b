"""Intervals in charts: seen on light and on dark pages."""

import plotly.graph_objects as go

from backend.plots import BAD, whiskers
from pages.ui import charts


def test_intervals_without_a_colour_get_one_and_others_keep_theirs():
    bounds = ([0.5], [0.4], [0.6])
    made = go.Figure(
        [
            go.Bar(x=["a"], y=[0.5], error_y=whiskers(*bounds)),
            go.Scatter(x=[0.5], y=["a"], error_x=whiskers(*bounds, color=BAD)),
            go.Heatmap(z=[[1]]),
        ]
    )
    charts.inked(made, charts.UNKNOWN_INK)
    assert made.data[0].error_y.color == charts.UNKNOWN_INK
    assert made.data[1].error_x.color == BAD
