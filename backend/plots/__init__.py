"""Figures: data frames in, Plotly figures out, no I/O.

GOOD and BAD have fixed colour-blind-safe colours (Okabe and Ito 2008) and differ in pattern or
symbol too. Each figure names its n; metric axes run from 0 to 1.
"""

import textwrap
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from backend import glossary
from backend.core import runs

GOOD, BAD = "#0072B2", "#D55E00"
NEUTRAL = "#8A949B"
METHODS = ("#0072B2", "#E69F00", "#8A949B", "#CC79A7", "#56B4E9")
HEIGHT = 380
FEW = 6  # steps: each has its own mark on the axis, and none lies between two
TITLE_WIDTH, LABEL_WIDTH = 38, 22  # characters a line, so that a phone shows them whole


def styled(figure: go.Figure, title: str, x: str, y: str, height: int = HEIGHT) -> go.Figure:
    """The figure with its title, axes and legend; the n of the title stands on a line below it."""
    words, _, n = title.partition(", n = ")
    lines = textwrap.wrap(words, TITLE_WIDTH)
    if n:
        lines.append(f'<span style="font-size:12px;font-weight:normal">n = {n}</span>')
    figure.update_layout(
        title={"text": "<br>".join(lines), "font": {"size": 15}, "x": 0},
        height=height + 20 * (len(lines) - 1),
        margin={"l": 10, "r": 10, "t": 36 + 20 * len(lines), "b": 10},
        legend={
            **{"orientation": "h", "yref": "container", "y": 0, "yanchor": "bottom", "x": 0},
            "traceorder": "normal",
        },
        hoverlabel={"align": "left"},
        bargap=0.2,
    )
    figure.update_xaxes(title={"text": x}, automargin=True)
    figure.update_yaxes(title={"text": y}, automargin=True)
    return figure


def whiskers(
    value: Iterable[Any], low: Iterable[Any], high: Iterable[Any], **look: Any
) -> dict[str, Any]:
    """Intervals as Plotly's error_x or error_y; of no length where a bound is missing."""
    middle, lowest, highest = (pd.Series(list(part), dtype=float) for part in (value, low, high))
    return {
        "type": "data",
        "symmetric": False,
        "array": (highest - middle).fillna(0),
        "arrayminus": (middle - lowest).fillna(0),
        **look,
    }


def wrapped(words: str) -> str:
    """A label of an axis in short lines, so that it leaves room for the figure on a phone."""
    kept_whole = words.replace(" = ", "\xa0=\xa0")
    return "<br>".join(textwrap.wrap(kept_whole, LABEL_WIDTH)).replace("\xa0", " ")


def curve_frame(events: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Columns step, metric, value from a run's events; the newest value of a step counts."""
    return pd.DataFrame(runs.curve_points(events), columns=["step", "metric", "value"])


def split_curves(frame: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Title → rows: losses, metrics between 0 and 1, and others, as counts and distances, apart.
    One step is no curve."""
    frame = frame[frame.groupby("metric")["step"].transform("nunique") > 1]
    is_loss = frame["metric"].str.contains("loss")
    inside = frame["value"].between(0, 1).groupby(frame["metric"]).transform("all")
    parts = {
        "Losses": frame[is_loss],
        "Metrics": frame[~is_loss & inside],
        "Other figures": frame[~is_loss & ~inside],
    }
    return {title: rows for title, rows in parts.items() if len(rows)}


def curves(frame: pd.DataFrame, title: str) -> go.Figure:
    """Lines over steps, one a metric. frame: step, metric, value."""
    figure = go.Figure()
    for metric, rows in frame.groupby("metric", sort=False):
        rows = rows.sort_values("step")
        name = glossary.said(str(metric))
        figure.add_scatter(x=rows["step"], y=rows["value"], name=name, mode="lines+markers")
    figure.update_traces(marker={"size": 4})
    if title != "Losses":
        figure.update_yaxes(range=[0, 1.02] if title == "Metrics" else None, rangemode="tozero")
    n = frame["step"].nunique()
    if n <= FEW:
        figure.update_xaxes(tickmode="array", tickvals=sorted(frame["step"].unique()))
    made = styled(figure, f"{title}, n = {n} steps", "step", "value", 320)
    return made.update_layout(showlegend=True)


def intervals(frame: pd.DataFrame, title: str, x: str) -> go.Figure:
    """Values with 95 % intervals, one row a subject, on a 0 to 1 axis.

    frame: subject, value, low, high, n. Open grey marks: subjects that begin with "check".
    """
    rows = frame.iloc[::-1]
    control = rows["subject"].str.startswith("check")
    figure = go.Figure()
    figure.add_scatter(
        x=rows["value"],
        y=[wrapped(f"{s} (n = {n:.0f})") for s, n in zip(rows["subject"], rows["n"], strict=True)],
        error_x=whiskers(rows["value"], rows["low"], rows["high"], thickness=2),
        mode="markers",
        marker={
            "size": 11,
            "color": [NEUTRAL if c else GOOD for c in control],
            "symbol": ["circle-open" if c else "circle" for c in control],
        },
        hovertemplate="%{y}<br>%{x:.3f}<extra></extra>",
    )
    figure.update_xaxes(range=[-0.02, 1.02])
    return styled(figure, title, x, "", 120 + 44 * len(rows))
