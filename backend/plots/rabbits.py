"""Figures of red rabbits: data frames in, Plotly figures out, no I/O."""

import pandas as pd
import plotly.graph_objects as go

from backend.plots import BAD, NEUTRAL, styled, whiskers


def by_day(rows: pd.DataFrame, title: str) -> go.Figure:
    """Share found each day. rows: day, k, n, value, low, high."""
    return styled(_points(rows, "day"), title, "day (UTC)", "share that is found")


def by_size(rows: pd.DataFrame, title: str) -> go.Figure:
    """Share found by size. rows: size, smallest, largest, k, n, value, low, high."""
    figure = _points(rows, "size").update_xaxes(rangemode="tozero")
    return styled(figure, title, "size of the defect, % of the picture", "share that is found")


def _points(rows: pd.DataFrame, x: str) -> go.Figure:
    figure = go.Figure()
    figure.add_scatter(
        x=rows[x],
        y=rows["value"],
        mode="lines+markers",
        marker={"size": 9, "color": BAD},
        line={"color": BAD},
        error_y=whiskers(rows["value"], rows["low"], rows["high"], color=NEUTRAL),
        customdata=rows[["k", "n"]],
        hovertemplate="%{customdata[0]} of %{customdata[1]} found<extra></extra>",
    )
    return figure.update_yaxes(range=[0, 1.02])
