"""Figures of a line: data frames in, Plotly figures out, no I/O."""

from collections.abc import Mapping

import pandas as pd
import plotly.graph_objects as go

from backend.plots import BAD, GOOD, NEUTRAL, styled, wrapped
from backend.plots.thresholds import LINES

TOP = 8.0  # of the strip's axis, unless limits are higher
LOOKS = {  # of a verdict: colour and symbol
    "GOOD": (GOOD, "circle"),
    "REVIEW": ("#E69F00", "diamond"),
    "BAD": (BAD, "x"),
    "UNINSPECTED": (NEUTRAL, "square-open"),
}


def score_strip(rows: pd.DataFrame, limits: Mapping[str, float | None]) -> go.Figure:
    """Scores of the newest parts in their order; those that nobody scored stand at the foot, and
    what is far above the limits at the top.

    rows: sequence, serial, feature, score, verdict. limits: a name of `LINES` → score.
    """
    figure = go.Figure()
    foot = float(rows["score"].min()) if rows["score"].notna().any() else 0.0
    top = max([TOP, *(3 * value for value in limits.values() if value is not None)])
    for verdict, (colour, symbol) in LOOKS.items():
        some = rows[rows["verdict"] == verdict]
        if len(some):
            figure.add_scatter(
                x=some.index,
                y=some["score"].fillna(foot).clip(upper=top),
                mode="markers",
                name=f"{verdict} {len(some)}",
                marker={"color": colour, "symbol": symbol, "size": 8},
                customdata=some[["sequence", "serial", "feature", "score"]],
                hovertemplate="%{customdata[2]} %{customdata[1]}<br>part %{customdata[0]}"
                "<br>score %{customdata[3]:.2f}<extra></extra>",
            )
    for name, value in limits.items():
        if value is not None:
            colour, dash = LINES[name]
            figure.add_hline(y=value, line={"color": colour, "dash": dash, "width": 2})
    made = styled(figure, f"Scores of the newest parts, n = {len(rows)}", "", "score", 300)
    if (rows["score"] > top).any():
        made.update_yaxes(title={"text": wrapped(f"score ({top:.3g} and above at the top)")})
    return made.update_xaxes(showticklabels=False).update_layout(showlegend=True)


def over_time(rows: pd.DataFrame, title: str) -> go.Figure:
    """Parts by verdict in each span of time.

    rows: start (time), seconds (of the span), verdict, n.
    """
    figure = go.Figure()
    for verdict, (colour, _) in LOOKS.items():
        some = rows[rows["verdict"] == verdict]
        if len(some):
            look = {"name": verdict, "marker": {"color": colour}}
            wide = some["seconds"] * 1000  # as Plotly counts time
            figure.add_bar(x=some["start"], y=some["n"], width=wide, offset=0, **look)
    figure.update_layout(barmode="stack")
    span = pd.Timedelta(seconds=float(rows["seconds"].iloc[0]))
    first, last = rows["start"].min() - span, rows["start"].max() + 2 * span
    return styled(figure, title, "", "parts").update_xaxes(range=[first, last])


def then_and_now(rows: pd.DataFrame, title: str) -> go.Figure:
    """Parts called BAD in each shift, as it was and as it would be with other limits.

    rows: start (time), parts, then, now.
    """
    figure = go.Figure()
    looks = {"then": (NEUTRAL, "circle-open"), "now": (BAD, "x")}
    for name, (colour, symbol) in looks.items():
        figure.add_scatter(
            x=rows["start"],
            y=rows[name],
            mode="lines+markers",
            name="with these limits" if name == "now" else "then",
            marker={"color": colour, "symbol": symbol, "size": 7},
            line={"color": colour, "width": 1.5},
            customdata=rows[["parts"]],
            hovertemplate="%{y} of %{customdata[0]} parts<extra></extra>",
        )
    return styled(figure, title, "", "parts").update_yaxes(rangemode="tozero")


def both_verdicts(counts: pd.DataFrame) -> go.Figure:
    """Parts by what a line said and what its shadow said, a bar for each verdict of the line.

    counts: active, verdict, n.
    """
    figure = go.Figure()
    order = [verdict for verdict in LOOKS if verdict in set(counts["active"])]
    for verdict, (colour, _) in LOOKS.items():
        some = counts[counts["verdict"] == verdict]
        if len(some):
            figure.add_bar(
                y=some["active"],
                x=some["n"],
                orientation="h",
                name=f"candidate: {verdict}",
                marker={"color": colour},
                text=[f"{verdict} {n}" for n in some["n"]],
                textposition="inside",
                textangle=0,
                insidetextanchor="middle",
            )
    figure.update_layout(barmode="stack", uniformtext={"minsize": 10, "mode": "hide"})
    title = f"What the candidate said, by what the line said, n = {counts['n'].sum()}"
    made = styled(figure, title, "parts", "", 260)
    return made.update_yaxes(categoryorder="array", categoryarray=order[::-1])
