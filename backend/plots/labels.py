"""Figures of automatic labels."""

import pandas as pd
import plotly.graph_objects as go

from backend.plots import METHODS, NEUTRAL, styled


def agreement_histogram(frame: pd.DataFrame) -> go.Figure:
    """How well guessed boxes lie on true ones. frame: labeller, box_iou, a row per true box."""
    rows = frame[frame["box_iou"].notna()]
    figure = go.Figure()
    for place, (labeller, mine) in enumerate(rows.groupby("labeller", sort=False)):
        figure.add_histogram(
            x=mine["box_iou"],
            name=f"{labeller}, n = {len(mine)}",
            marker={
                "color": METHODS[place % len(METHODS)],
                "pattern": {"shape": ("", "/", ".")[place % 3]},
            },
            xbins={"start": 0, "end": 1.0001, "size": 0.05},
            hovertemplate="IoU %{x}<br>%{y} boxes<extra>" + str(labeller) + "</extra>",
        )
    figure.add_vline(x=0.5, line={"dash": "dot", "color": NEUTRAL}, annotation={"text": "fits"})
    figure.update_xaxes(range=[0, 1])
    counts = rows.groupby("labeller", sort=False).size()
    title = f"Overlap with the true box, n = {0 if counts.empty else counts.iloc[0]} boxes"
    return styled(figure, title, "IoU of the best guessed box", "true boxes")
