"""Figures of thresholds and ablations: data frames in, Plotly figures out, no I/O."""

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from backend.glossary import SEPARATION
from backend.plots import BAD, GOOD, METHODS, NEUTRAL, styled, whiskers, wrapped
from backend.plots.inspection import score_histogram

LINES = {  # of a limit: colour and dash
    "BAD above": (BAD, "solid"),
    "review above": ("#E69F00", "dash"),
    "tried": ("#CC79A7", "dot"),
    "this part": ("#CC79A7", "solid"),
}


def limit_histogram(
    frame: pd.DataFrame, title: str, limits: Mapping[str, float | None]
) -> go.Figure:
    """Scores of GOOD and BAD parts with upright lines over them, where a line has a value.

    frame: label (1 GOOD, 0 BAD), score. limits: a name of `LINES` → score.
    """
    known = {name: float(v) for name, v in limits.items() if v is not None and not pd.isna(v)}
    figure = score_histogram(frame, title, lines=known.values())
    for name, value in known.items():
        colour, dash = LINES[name]
        line = {"color": colour, "dash": dash, "width": 2}
        figure.add_vline(x=value, line=line)
        figure.add_scatter(x=[None], y=[None], mode="lines", line=line, name=f"{name} {value:.2f}")
    return figure


def ablation_differences(frame: pd.DataFrame) -> go.Figure:
    """Difference in mean AUROC of each setting to the model as it is, with its interval.

    frame: setting, difference, difference_low, difference_high, p_holm; the first row is the model
    itself.
    """
    rows = frame[frame["difference"].notna()].iloc[::-1]
    figure = go.Figure()
    figure.add_scatter(
        x=rows["difference"],
        y=[wrapped(setting) for setting in rows["setting"]],
        mode="markers",
        marker={"size": 11, "color": [_colour(row) for row in rows.itertuples()]},
        error_x=whiskers(
            rows["difference"], rows["difference_low"], rows["difference_high"], color=NEUTRAL
        ),
        hovertemplate="%{y}<br>%{x:+.3f}<extra></extra>",
    )
    figure.add_vline(x=0, line={"dash": "dot", "color": NEUTRAL})
    parts = int(frame["n"].iloc[0])
    title = f"Difference in mean separation, paired, n = {parts} parts"
    return styled(
        figure,
        title,
        f"{SEPARATION.short}: setting minus the model as it is",
        "",
        130 + 40 * len(rows),
    )


def _colour(row: Any) -> str:
    """Blue where better beyond chance, orange where worse, else grey."""
    if not row.p_holm < 0.05:
        return NEUTRAL
    return GOOD if row.difference > 0 else BAD


def ablation_cost(frame: pd.DataFrame) -> go.Figure:
    """Mean AUROC against the time of one part. frame: setting, auroc, low, high, part_ms."""
    figure = go.Figure()
    row: Any
    for place, row in enumerate(frame.itertuples()):
        figure.add_scatter(
            x=[row.part_ms],
            y=[row.auroc],
            name=row.setting,
            mode="markers",
            marker={
                "size": 12,
                "color": METHODS[place % len(METHODS)],
                "symbol": ("circle", "diamond", "square", "x")[place % 4],
            },
            error_y=whiskers([row.auroc], [row.low], [row.high], thickness=1),
            hovertemplate="%{x:.1f} ms<br>separation %{y:.3f}<extra>" + row.setting + "</extra>",
        )
    figure.update_xaxes(rangemode="tozero")
    figure.update_yaxes(range=[0, 1.02])
    title = f"Separation and time per part, n = {len(frame)} settings"
    return styled(figure, title, "ms per part, one thread", f"mean {SEPARATION.short}", 440)


def detection_probability(
    curve: pd.DataFrame, parts: pd.DataFrame, a90: tuple[float, float], title: str, unit: str
) -> go.Figure:
    """How likely a defect is found, by its size. curve: line (curve, bound), size, probability;
    parts: size, found. a90: the size found with 90 %, and its upper bound at 95 %."""
    figure = go.Figure()
    looks = {"curve": ("solid", "as fitted"), "bound": ("dash", "lower bound, 95 %")}
    for name, (dash, words) in looks.items():
        rows = curve[curve["line"] == name]
        line = {"color": GOOD, "dash": dash}
        figure.add_scatter(
            x=rows["size"], y=rows["probability"], mode="lines", line=line, name=words
        )
    for found, symbol, colour in ((True, "line-ns-open", GOOD), (False, "x", BAD)):
        rows = parts[parts["found"] == found]
        figure.add_scatter(
            x=rows["size"],
            y=[float(found)] * len(rows),
            mode="markers",
            marker={"symbol": symbol, "color": colour, "size": 9, "opacity": 0.7},
            name="found" if found else "missed",
            hovertemplate="%{x:.3g} " + unit + "<extra></extra>",
        )
    for name, value, dash in (("a90", a90[0], "solid"), ("a90/95", a90[1], "dot")):
        if math.isfinite(value):
            line = {"color": NEUTRAL, "dash": dash}
            figure.add_vline(x=value, line=line)
            label = f"{name} {value:.3g}"
            figure.add_scatter(x=[None], y=[None], mode="lines", line=line, name=label)
    figure.update_xaxes(rangemode="tozero")
    figure.update_yaxes(range=[-0.03, 1.03])
    words = title if ", n = " in title else f"{title}, n = {len(parts)} BAD parts"
    return styled(figure, words, f"size of the defect, {unit}", "probability of detection", 420)
