"""Figures about students: how near samples come to training images, and quality against cost."""

import pandas as pd
import plotly.graph_objects as go

from backend.glossary import GLASS_PAPER
from backend.plots import BAD, GOOD, METHODS, NEUTRAL, styled, whiskers
from backend.wording import counted

SYMBOLS = ("circle", "diamond", "square", "x", "triangle-up")


def nearest_distances(frame: pd.DataFrame, limit: float) -> go.Figure:
    """How far each sample lies from its nearest training image. frame: distance, copy.

    limit: grey levels up to which a sample counts as a copy.
    """
    figure = go.Figure()
    width = float(frame["distance"].max()) / 40 or 1.0
    for copy, name, colour, pattern in ((False, "farther", GOOD, ""), (True, "too near", BAD, "/")):
        rows = frame[frame["copy"].astype(bool) == copy]
        figure.add_histogram(
            x=rows["distance"],
            name=f"{name}, n = {len(rows)}",
            marker={"color": colour, "pattern": {"shape": pattern}},
            xbins={"start": 0, "size": width},
        )
    figure.add_vline(
        x=limit,
        line={"dash": "dash", "color": NEUTRAL},
        annotation={"text": "limit"},
    )
    figure.update_layout(barmode="stack")
    figure.update_xaxes(rangemode="tozero")
    title = f"Distance to the nearest training image, n = {len(frame)} samples"
    return styled(figure, title, "grey levels, seen at 32 px", "samples", 300)


def quality_against_cost(frame: pd.DataFrame, quality: str, cost: str) -> go.Figure:
    """One mark a student, its area by the size of its file.

    frame: student, recipe, megabytes, value, low, high and a column named `cost`. quality: its
    name, with what is better in brackets.
    """
    figure = go.Figure()
    for place, (recipe, rows) in enumerate(frame.groupby("recipe", sort=True)):
        figure.add_scatter(
            x=rows[cost],
            y=rows["value"],
            error_y=whiskers(rows["value"], rows["low"], rows["high"], thickness=1.5),
            customdata=rows[["student", "megabytes"]],
            mode="markers",
            marker={
                "color": METHODS[place % len(METHODS)],
                "symbol": SYMBOLS[place % len(SYMBOLS)],
                "size": 8 + 3 * rows["megabytes"].clip(lower=0) ** 0.5,
            },
            name=str(recipe),
            hovertemplate="%{customdata[0]}<br>%{y:.3g}, %{x:.3g} " + cost + "<br>"
            "%{customdata[1]:.1f} MB<extra></extra>",
        )
    figure.update_xaxes(rangemode="tozero")
    name = quality.partition(" (")[0]
    many = counted(len(frame), "student")
    title = f"{name} against {cost.lower()}, n = {many}, larger marks: larger files"
    return styled(figure, title, cost, quality, 420)


def ssim_bars(
    frame: pd.DataFrame,
    figures: pd.DataFrame,
    paper: tuple[float, float, float] | None = None,
    pairing: str = "matched",
) -> go.Figure:
    """SSIM of each pair of one pairing, sorted, with the means of all pairings as lines.

    frame: pair, ssim. figures: subject, value, low, high of metric SSIM.
    paper: source A's lowest, mean and highest, drawn as a band.
    """
    rows = frame.sort_values("ssim", ascending=False)
    figure = go.Figure()
    figure.add_bar(
        x=[str(p) for p in rows["pair"]],
        y=rows["ssim"],
        customdata=rows["pair"],
        marker={"color": GOOD},
        name=f"{pairing} pair",
        hovertemplate="pair %{customdata}<br>SSIM %{y:.3f}<extra></extra>",
    )
    _mean_line(figure, figures, "matched", GOOD, "mean, matched")
    _mean_line(figure, figures, "random", BAD, "mean, random pairs")
    _mean_line(figure, figures, "mean image", NEUTRAL, "mean image")
    if paper:
        low, mean, high = paper
        figure.add_hrect(y0=low, y1=high, fillcolor=NEUTRAL, opacity=0.15, line_width=0)
        figure.add_hline(
            y=mean,
            line={"dash": "dot", "color": NEUTRAL},
            annotation={"text": f"{GLASS_PAPER.words} {mean}"},
        )
    figure.update_yaxes(range=[min(0.0, float(rows["ssim"].min())), 1])
    figure.update_xaxes(type="category", showticklabels=len(rows) <= 20)
    return styled(figure, f"SSIM per pair, n = {len(rows)} pairs", "pair, best first", "SSIM")


def _mean_line(
    figure: go.Figure, figures: pd.DataFrame, subject: str, colour: str, name: str
) -> None:
    found = figures[figures["subject"] == subject]
    if found.empty:
        return
    row = found.iloc[0]
    figure.add_scatter(
        x=[None],
        y=[None],
        mode="lines",
        line={"color": colour, "dash": "dash"},
        name=f"{name} {row['value']:.3f} [{row['low']:.3f}, {row['high']:.3f}]",
    )
    figure.add_hline(y=row["value"], line={"color": colour, "dash": "dash"})
