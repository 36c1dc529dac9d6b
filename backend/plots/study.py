"""Figures of a study: learning curves, paired differences, own validation beside real images."""

from typing import Any

import pandas as pd
import plotly.graph_objects as go

from backend.glossary import DETECTION_SCORE, ONE_BOX, said
from backend.plots import BAD, GOOD, NEUTRAL, styled, whiskers, wrapped
from backend.wording import chance

COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#8A949B")
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "x", "star", "cross")
APART = 0.07  # between arms at the same amount, of the distance between amounts


def learning_curves(
    frame: pd.DataFrame, metric: str, title: str, control: float | None = None
) -> go.Figure:
    """A metric against the number of real images, one line an arm, with 95 % intervals.

    frame: arm, real, metric, value, low, high, seeds. An arm with one amount alone is a mark, its
    value drawn on as a dotted line. control: drawn as a line, one box in the middle.
    """
    rows = frame[frame["metric"] == metric]
    amounts = sorted(rows["real"].unique())
    arms = list(dict.fromkeys(rows["arm"]))
    figure = go.Figure()
    for place, arm in enumerate(arms):
        mine = rows[rows["arm"] == arm].sort_values("real")
        shift = APART * (place - (len(arms) - 1) / 2)
        _curve(figure, mine, [amounts.index(n) + shift for n in mine["real"]], place)
        if len(mine) == 1 and len(amounts) > 1 and amounts[0] == mine["real"].iloc[0]:
            line = {"dash": "dot", "width": 1, "color": COLOURS[place % len(COLOURS)]}
            figure.add_hline(y=float(mine["value"].iloc[0]), line=line)
    if control is not None:
        line = {"dash": "dash", "color": NEUTRAL}
        figure.add_hline(y=control, line=line)
        words = f"{ONE_BOX.words} {control:.2f}"
        figure.add_scatter(x=[None], y=[None], mode="lines", line=line, name=words)
    figure.update_xaxes(tickvals=list(range(len(amounts))), ticktext=[str(n) for n in amounts])
    figure.update_xaxes(range=[-0.4, len(amounts) - 0.6])
    figure.update_yaxes(range=[0, 1.02])
    return styled(figure, title, "real images", said(metric), 400 + 14 * len(arms))


def _curve(figure: go.Figure, mine: pd.DataFrame, x: list[float], place: int) -> None:
    colour = COLOURS[place % len(COLOURS)]
    figure.add_scatter(
        x=x,
        y=mine["value"],
        name=str(mine["arm"].iloc[0]),
        mode="lines+markers",
        line={"color": colour},
        marker={"size": 9, "color": colour, "symbol": SYMBOLS[place % len(SYMBOLS)]},
        error_y=_spread(mine, "value"),
        customdata=mine["real"],
        hovertemplate="%{customdata} real: %{y:.3f}<extra>%{fullData.name}</extra>",
    )


def _spread(rows: pd.DataFrame, value: str) -> dict[str, Any]:
    return whiskers(rows[value], rows["low"], rows["high"], thickness=1.5, width=3)


def paired_differences(frame: pd.DataFrame, metric: str) -> go.Figure:
    """Forest plot of one metric: each arm less the arm without what it adds, with interval.

    frame: arm, baseline, real, metric, difference, low, high, p_holm, n_images, n_groups, seeds,
    clear: whether it may be taken for more than chance, drawn as a filled mark.
    """
    rows = frame[frame["metric"] == metric].iloc[::-1]
    sure = rows["clear"].astype(bool)
    words = [
        f"{wrapped(str(row.arm))}<br>{wrapped(f'less {row.baseline}')}<br>"
        f"{row.real} real, {chance(float(str(row.p_holm)))}"
        for row in rows.itertuples()
    ]
    figure = go.Figure()
    figure.add_scatter(
        x=rows["difference"],
        y=words,
        mode="markers",
        marker={
            "size": 11,
            "color": [GOOD if s else NEUTRAL for s in sure],
            "symbol": ["circle" if s else "circle-open" for s in sure],
        },
        error_x=_spread(rows, "difference") | {"color": NEUTRAL},
        hovertemplate="%{y}<br>%{x:+.3f}<extra></extra>",
    )
    figure.add_vline(x=0, line={"dash": "dot", "color": NEUTRAL})
    figure.update_xaxes(nticks=6)
    figure.update_yaxes(range=[-0.6, len(rows) - 0.4])
    first = rows.iloc[0]
    title = f"Paired differences, n = {first['n_images']} images, {first['n_groups']} specimens"
    return styled(figure, title, f"difference in {said(metric)}", "", 130 + 62 * len(rows))


def own_beside_real(frame: pd.DataFrame) -> go.Figure:
    """AP50 on the images a training held back against AP50 on the real test images.

    frame: arm, real, seed, AP50, own AP50; one mark a training.
    """
    figure = go.Figure()
    for place, (arm, rows) in enumerate(frame.groupby("arm", sort=False)):
        figure.add_scatter(
            x=rows["own AP50"],
            y=rows["AP50"],
            name=str(arm),
            mode="markers",
            marker={
                "size": 9,
                "color": COLOURS[place % len(COLOURS)],
                "symbol": SYMBOLS[place % len(SYMBOLS)],
            },
            customdata=rows[["real", "seed"]],
            hovertemplate="%{customdata[0]} real, seed %{customdata[1]}<br>own %{x:.2f}, "
            "test %{y:.2f}<extra>%{fullData.name}</extra>",
        )
    line = {"dash": "dot", "color": BAD}
    figure.add_scatter(x=[0, 1], y=[0, 1], mode="lines", line=line, name="alike")
    figure.update_xaxes(range=[0, 1.02])
    figure.update_yaxes(range=[0, 1.02])
    title = f"Own training source beside the test images, n = {len(frame)} trainings"
    height = 400 + 14 * frame["arm"].nunique()
    return styled(
        figure,
        title,
        f"{DETECTION_SCORE.words}, its own source",
        f"{DETECTION_SCORE.words}, test images",
        height,
    )
