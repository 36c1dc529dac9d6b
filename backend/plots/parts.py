"""Figures of parts before any model: how many there are, and how their pictures differ."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from backend.plots import BAD, GOOD, METHODS, NEUTRAL, intervals, styled

MEASURES = {  # column -> title and axis
    "brightness": ("Brightness", "mean grey value, 0 to 255"),
    "contrast": ("Contrast", "standard deviation of the grey values"),
    "sharpness": ("Sharpness", "variance of the Laplacian"),
    "edge": ("Size", "edge length, √(width × height), px"),
}
MOST_POINTS = 1500
VERDICTS = ((1, "GOOD", GOOD, "", "circle"), (0, "BAD", BAD, "/", "x"))


def count_bars(counts: Mapping[str, Sequence[int]]) -> go.Figure:
    """GOOD and BAD parts per feature type. counts: type → [GOOD, BAD]."""
    figure = go.Figure()
    labels = [f"{name}<br>{good}/{bad}" for name, (good, bad) in counts.items()]
    for place, (_, name, colour, pattern, _) in enumerate(VERDICTS):
        numbers = [pair[place] for pair in counts.values()]
        figure.add_bar(
            x=labels,
            y=numbers,
            name=f"{name}, n = {sum(numbers)}",
            marker={"color": colour, "pattern": {"shape": pattern}},
            hovertemplate=f"%{{x}}<br>%{{y}} {name}<extra></extra>",
        )
    figure.update_xaxes(type="category")
    total = sum(sum(pair) for pair in counts.values())
    return styled(figure, f"Parts per type, n = {total}", "", "parts")


def spread(frame: pd.DataFrame, measure: str, by_group: bool = False) -> go.Figure:
    """A measure's distribution as boxes with their points, GOOD beside BAD.

    frame: part, feature, label (1 GOOD, 0 BAD), group and the measure, a key of `MEASURES`.
    by_group: a box per group instead of per feature type.
    """
    title, axis = MEASURES[measure]
    across = "group" if by_group else "feature"
    figure = go.Figure()
    for label, name, colour, _, symbol in VERDICTS:
        rows = frame[frame["label"] == label].sort_values(across)
        points = _points(rows, across, measure) if len(frame) <= MOST_POINTS else {}
        figure.add_box(
            name=f"{name}, n = {len(rows)}",
            marker={"color": colour, "size": 4, "opacity": 0.45, "symbol": symbol},
            line={"width": 1.5},
            **(points or _quartiles(rows, across, measure)),
        )
    figure.update_layout(boxmode="group")
    figure.update_xaxes(type="category", categoryorder="category ascending")
    what = f"{title} by {'group' if by_group else 'type'}, n = {len(frame)} parts"
    return styled(figure, what, "", axis, 420)


def _points(rows: pd.DataFrame, across: str, measure: str) -> dict[str, Any]:
    """A box drawn by the browser, each part a point beside it."""
    return {
        **{"x": rows[across], "y": rows[measure], "text": rows["part"]},
        **{"boxpoints": "all", "jitter": 0.6, "pointpos": 0},
        "hovertemplate": "%{text}<br>%{y:.1f}<extra></extra>",
    }


def _quartiles(rows: pd.DataFrame, across: str, measure: str) -> dict[str, Any]:
    """The boxes of many parts, worked out here: the browser gets no parts. Whiskers reach to the
    farthest value within 1.5 times the box."""
    grouped = rows.dropna(subset=[measure]).groupby(across)[measure]
    low, middle, high = (grouped.quantile(share) for share in (0.25, 0.5, 0.75))
    reach = 1.5 * (high - low)
    least, most = (end.reindex(rows[across]).to_numpy(float) for end in (low - reach, high + reach))
    inside = rows[rows[measure].between(least, most)]
    fences = inside.groupby(across)[measure].agg(["min", "max"])
    return {
        **{"x": list(middle.index), "q1": low, "median": middle, "q3": high},
        **{"lowerfence": fences["min"], "upperfence": fences["max"]},
    }


def tell_tales(frame: pd.DataFrame, what: str, limit: float) -> go.Figure:
    """How well one plain measure tells GOOD from BAD in each type, with 95 % intervals.

    frame: subject, value, low, high, n. limit: from there on it is a warning.
    """
    figure = intervals(
        frame, f"{what} alone: GOOD or BAD?", "separation (AUROC; 0.5 tells nothing)"
    )
    colours = [METHODS[0] if value <= limit else BAD for value in frame["value"].iloc[::-1]]
    figure.update_traces(marker={"color": colours}, error_x={"color": NEUTRAL})
    figure.add_vline(x=0.5, line={"dash": "dot", "color": NEUTRAL})
    figure.add_vline(x=limit, line={"dash": "dash", "color": BAD}, annotation={"text": "warning"})
    return figure
