"""Figures: data frames in, Plotly figures out, no I/O.

GOOD and BAD have fixed colour-blind-safe colours (Okabe and Ito 2008) and differ in pattern or
symbol too. Each figure names its n; metric axes run from 0 to 1.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from backend import runs

GOOD, BAD = "#0072B2", "#D55E00"
NEUTRAL = "#8A949B"
METHODS = ("#0072B2", "#E69F00", "#8A949B", "#CC79A7", "#56B4E9")
HEIGHT = 380


def styled(figure: go.Figure, title: str, x: str, y: str, height: int = HEIGHT) -> go.Figure:
    figure.update_layout(
        title={"text": title, "font": {"size": 15}, "x": 0},
        height=height,
        margin={"l": 10, "r": 10, "t": 44, "b": 10},
        legend={"orientation": "h", "yref": "container", "y": 0, "yanchor": "bottom", "x": 0},
        hoverlabel={"align": "left"},
        bargap=0.2,
    )
    figure.update_xaxes(title={"text": x}, automargin=True)
    figure.update_yaxes(title={"text": y}, automargin=True)
    return figure


def curve_frame(events: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Columns step, metric, value from a run's events; the newest value of a step counts."""
    return pd.DataFrame(runs.curve_points(events), columns=["step", "metric", "value"])


def split_curves(frame: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Title → rows: losses apart from metrics, which live between 0 and 1. One step is no curve."""
    frame = frame[frame.groupby("metric")["step"].transform("nunique") > 1]
    is_loss = frame["metric"].str.contains("loss")
    parts = {"Losses": frame[is_loss], "Metrics": frame[~is_loss]}
    return {title: rows for title, rows in parts.items() if len(rows)}


def curves(frame: pd.DataFrame, title: str) -> go.Figure:
    """Lines over steps, one a metric. frame: step, metric, value."""
    figure = go.Figure()
    for metric, rows in frame.groupby("metric", sort=False):
        rows = rows.sort_values("step")
        figure.add_scatter(x=rows["step"], y=rows["value"], name=str(metric), mode="lines+markers")
    figure.update_traces(marker={"size": 4})
    if title == "Metrics":
        figure.update_yaxes(range=[0, 1.02])
    n = frame["step"].nunique()
    return styled(figure, f"{title}, n = {n} steps", "step", "value", 320)


def intervals(frame: pd.DataFrame, title: str, x: str) -> go.Figure:
    """Values with 95 % intervals, one row a subject, on a 0 to 1 axis.

    frame: subject, value, low, high, n.
    """
    rows = frame.iloc[::-1]
    spread = {
        "type": "data",
        "symmetric": False,
        "array": (rows["high"] - rows["value"]).fillna(0),
        "arrayminus": (rows["value"] - rows["low"]).fillna(0),
        "thickness": 2,
    }
    figure = go.Figure()
    figure.add_scatter(
        x=rows["value"],
        y=[f"{s} (n = {n:.0f})" for s, n in zip(rows["subject"], rows["n"], strict=True)],
        error_x=spread,
        mode="markers",
        marker={"size": 11, "color": GOOD},
        hovertemplate="%{y}<br>%{x:.3f}<extra></extra>",
    )
    figure.update_xaxes(range=[-0.02, 1.02])
    return styled(figure, title, x, "", 120 + 44 * len(rows))
