"""Figures of the section deployment."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from backend.plots import BAD, GOOD, METHODS, NEUTRAL, styled, whiskers, wrapped

DASHES = ("solid", "dash", "dot", "dashdot", "longdash")
STEPS = (*METHODS, "#009E73", "#F0E442")  # colours of what adds up


def latency_ecdf(
    frame: pd.DataFrame, budget_ms: float | None = None, doubtful: bool = False
) -> go.Figure:
    """Share of the calls that took at most so long, a line a run. frame: run, milliseconds.

    The axis ends after the budget and each run's 99th percentile. doubtful: the computer was busy
    meanwhile, which the title says.
    """
    figure, ends = go.Figure(), [budget_ms or 0.0]
    for place, (run, rows) in enumerate(frame.groupby("run", sort=False)):
        values = np.sort(rows["milliseconds"].to_numpy(np.float64))
        ends.append(float(np.quantile(values, 0.99)))
        figure.add_scatter(
            x=[0.0, *values],
            y=np.arange(len(values) + 1) / len(values),
            name=f"{run}, n = {len(values)}",
            mode="lines",
            line={
                **{"color": METHODS[place % len(METHODS)], "shape": "hv"},
                "dash": DASHES[place % len(DASHES)],
            },
            hovertemplate="%{y:.1%} within %{x:.1f} ms<extra></extra>",
        )
    if budget_ms:
        figure.add_vline(
            x=budget_ms,
            line={"color": BAD},
            annotation={"text": "budget", "textangle": -90, "yshift": -60},
        )
    figure.add_hline(y=0.99, line={"dash": "dot", "color": NEUTRAL})
    figure.update_xaxes(range=[0, 1.15 * max(ends)])
    figure.update_yaxes(range=[0, 1.02], tickformat=".0%")
    title = f"Parts done within a time, n = {len(frame)}" + (", computer busy" if doubtful else "")
    return styled(figure, title, "ms", "share of the parts")


def latency_steps(frame: pd.DataFrame, title: str) -> go.Figure:
    """What adds up to a time, a bar a run. frame: run, variant, value (ms), low, high, n."""
    figure = go.Figure()
    for place, (step, rows) in enumerate(frame.groupby("variant", sort=False)):
        figure.add_bar(
            x=rows["value"].clip(lower=0),
            y=[wrapped(str(run)) for run in rows["run"]],
            name=f"{step}, {', '.join(f'{value:.1f}' for value in rows['value'])} ms",
            orientation="h",
            marker={"color": STEPS[place % len(STEPS)]},
            customdata=rows[["low", "high"]],
            hovertemplate=f"{step}<br>%{{x:.2f}} ms [%{{customdata[0]:.2f}}, "
            "%{customdata[1]:.2f}]<extra></extra>",
        )
    figure.update_layout(barmode="stack")
    figure.update_yaxes(autorange="reversed")
    n = int(frame["n"].min())
    return styled(figure, f"{title}, n = {n}", "ms", "", 200 + 40 * frame["run"].nunique())


def latency_medians(frame: pd.DataFrame, title: str) -> go.Figure:
    """Medians with their 95 % intervals, a row a variant. frame: variant, value (ms), low, high, n.

    The axis begins at 0.
    """
    rows, figure = frame.iloc[::-1], go.Figure()
    figure.add_scatter(
        x=rows["value"],
        y=[f"{v} (n = {n:.0f})" for v, n in zip(rows["variant"], rows["n"], strict=True)],
        error_x=whiskers(rows["value"], rows["low"], rows["high"], thickness=2),
        mode="markers",
        marker={"size": 11, "color": GOOD},
        hovertemplate="%{y}<br>%{x:.2f} ms<extra></extra>",
    )
    figure.update_xaxes(rangemode="tozero")
    return styled(figure, title, "ms a part, median", "", 130 + 36 * len(rows))


def sizes(frame: pd.DataFrame) -> go.Figure:
    """What takes the megabytes of a model's file. frame: part, megabytes, the largest first."""
    figure = go.Figure(
        go.Bar(
            x=frame["megabytes"],
            y=frame["part"],
            orientation="h",
            text=[f"{value:.2f}" for value in frame["megabytes"]],
            marker={"color": METHODS[0]},
        )
    )
    figure.update_yaxes(autorange="reversed")
    figure.update_xaxes(rangemode="tozero")
    return styled(figure, f"{frame['megabytes'].sum():.1f} MB", "MB", "")
