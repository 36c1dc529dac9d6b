"""Figures of a line's promise: data frames in, Plotly figures out, no I/O."""

import pandas as pd
import plotly.graph_objects as go

from backend.plots import BAD, GOOD, METHODS, NEUTRAL, styled, whiskers

RATES = {"escapes": (BAD, "x"), "false alarms": (GOOD, "circle")}


def evidence(rows: pd.DataFrame, title: str) -> go.Figure:
    """Evidence of a drift over time: the alarm comes at 1.

    rows: time, name (of the stream), evidence; below 0 where all is as it was.
    """
    figure = go.Figure()
    for place, (name, some) in enumerate(rows.groupby("name", sort=False)):
        figure.add_scatter(
            x=some["time"],
            y=some["evidence"],
            mode="lines+markers",
            name=str(name),
            line={"color": METHODS[place % len(METHODS)]},
            marker={"size": 6, "symbol": place},
        )
    figure.add_hline(y=1, line={"color": BAD, "dash": "dash", "width": 2}, annotation_text="alarm")
    return styled(figure, title, "", "evidence of a drift")


def band(rows: pd.DataFrame, promised: float | None, title: str) -> go.Figure:
    """The confidence sequence of the false-alarm rate, against what is promised.

    rows: reviews, low, high.
    """
    figure = go.Figure()
    look = {"mode": "lines", "line": {"color": GOOD, "width": 1}, "showlegend": False}
    figure.add_scatter(x=rows["reviews"], y=rows["high"], **look)
    figure.add_scatter(x=rows["reviews"], y=rows["low"], fill="tonexty", **look)
    if promised is not None:
        figure.add_hline(
            y=promised,
            line={"color": NEUTRAL, "dash": "dash", "width": 2},
            annotation_text=f"promised {promised:.3g}",
        )
    made = styled(figure, title, "GOOD parts that people looked at", "false-alarm rate")
    top = max(0.2, 3 * (promised or 0), 2 * float(rows["high"].iloc[-1]))
    return made.update_yaxes(range=[0, min(1, top)])


def weekly(rows: pd.DataFrame, title: str) -> go.Figure:
    """Both rates of each week with their intervals. rows: week, rate, value, low, high, k, n."""
    figure = go.Figure()
    for rate, (colour, symbol) in RATES.items():
        some = rows[rows["rate"] == rate]
        figure.add_scatter(
            x=some["week"],
            y=some["value"],
            error_y=whiskers(some["value"], some["low"], some["high"], color=colour),
            mode="markers",
            name=rate,
            marker={"color": colour, "symbol": symbol, "size": 9},
            customdata=some[["k", "n"]],
            hovertemplate="%{customdata[0]} of %{customdata[1]}: %{y:.3f}<extra></extra>",
        )
    top = min(1, 1.1 * float(rows["high"].max()))
    return styled(figure, title, "week", "share").update_yaxes(range=[0, top])
