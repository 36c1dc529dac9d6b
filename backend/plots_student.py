"""Figures about students: how near samples come to training images, and quality against cost."""

import pandas as pd
import plotly.graph_objects as go

from backend.plots import BAD, GOOD, METHODS, NEUTRAL, _styled

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
    return _styled(figure, title, "grey levels, seen at 32 px", "samples", 300)


def quality_against_cost(frame: pd.DataFrame, quality: str, cost: str) -> go.Figure:
    """One mark a student, its area by the size of its file.

    frame: student, recipe, megabytes, value, low, high and a column named `cost`.
    """
    figure = go.Figure()
    for place, (recipe, rows) in enumerate(frame.groupby("recipe", sort=True)):
        figure.add_scatter(
            x=rows[cost],
            y=rows["value"],
            error_y={
                "type": "data",
                "symmetric": False,
                "array": (rows["high"] - rows["value"]).fillna(0),
                "arrayminus": (rows["value"] - rows["low"]).fillna(0),
                "thickness": 1.5,
            },
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
    title = f"{quality} against {cost}, n = {len(frame)} students, larger marks: larger files"
    return _styled(figure, title, cost, quality, 420)
