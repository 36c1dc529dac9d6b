"""Figures of a benchmark: data frames in, Plotly figures out, no I/O."""

import pandas as pd
import plotly.graph_objects as go

from backend.glossary import SEPARATION
from backend.plots import METHODS, NEUTRAL, styled, whiskers

OURS = "this program"
SYMBOLS = ("diamond-open", "square-open", "triangle-up-open", "x-thin-open")


def categories(frame: pd.DataFrame) -> go.Figure:
    """Image AUROC of each category, ours with intervals, others' as open marks.

    frame: category, method, source, auroc, auroc_low, auroc_high, n_good, n_bad; the mean is left
    out.
    """
    rows = frame[frame["category"] != "mean"]
    mine = rows[rows["source"] == OURS]
    figure = go.Figure()
    for place, (method, own) in enumerate(mine.groupby("method", sort=False)):
        figure.add_bar(
            x=own["category"],
            y=own["auroc"],
            name=str(method),
            error_y=whiskers(own["auroc"], own["auroc_low"], own["auroc_high"], thickness=1.5),
            marker={"color": METHODS[place % len(METHODS)]},
        )
    others = rows[rows["source"] != OURS]
    for place, (method, theirs) in enumerate(others.groupby("method", sort=False)):
        figure.add_scatter(
            x=theirs["category"],
            y=theirs["auroc"],
            mode="markers",
            name=f"{method}, published",
            marker={"symbol": SYMBOLS[place % 4], "size": 10, "color": NEUTRAL},
        )
    figure.add_hline(y=0.5, line={"dash": "dot", "color": NEUTRAL})
    figure.update_yaxes(range=[0, 1.02])
    figure.update_xaxes(type="category")
    parts = mine.drop_duplicates("category")[["n_good", "n_bad"]].sum()
    n = f"{parts['n_good']:.0f} GOOD, {parts['n_bad']:.0f} BAD"
    return styled(figure, f"Separation by category, n = {n}", "", SEPARATION.short, 440)
