"""Figures of the section deployment."""

import pandas as pd
import plotly.graph_objects as go

from backend.plots import BAD, METHODS, NEUTRAL, styled


def latency_histogram(
    frame: pd.DataFrame, budget_ms: float | None = None, doubtful: bool = False
) -> go.Figure:
    """Latency samples with the 50th, 95th and 99th percentile. frame: variant, milliseconds.

    doubtful: the computer was busy meanwhile, which the title says.
    """
    figure = go.Figure()
    for place, (variant, rows) in enumerate(frame.groupby("variant", sort=False)):
        figure.add_histogram(
            x=rows["milliseconds"],
            name=f"{variant}, n = {len(rows)}",
            marker={"color": METHODS[place % len(METHODS)]},
            nbinsx=60,
        )
    values = frame["milliseconds"]
    for place, share in enumerate((0.5, 0.95, 0.99)):  # labels one below the other: they may meet
        figure.add_vline(
            x=float(values.quantile(share)),
            line={"dash": "dash", "color": NEUTRAL},
            annotation={"text": f"p{share * 100:.0f}", "textangle": -90, "yshift": -28 * place},
        )
    if budget_ms:
        figure.add_vline(x=budget_ms, line={"color": BAD}, annotation={"text": "budget"})
    figure.update_xaxes(rangemode="tozero")
    title = f"Latency per part, n = {len(frame)}" + (", computer busy" if doubtful else "")
    return styled(figure, title, "ms", "parts")
