"""Figures of data sets and detectors: data frames in, Plotly figures out, no I/O."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from backend.glossary import said
from backend.plots import BAD, GOOD, METHODS, NEUTRAL, styled

PATTERNS = ("", "/", ".", "x", "-")
DASHES = ("solid", "dash", "dot", "dashdot", "longdash")
BINS = 24
OWN = "On its own training source (no evidence)"
SHADES = ((0, "#6C93AB"), (1, "#0B4F74"))  # white figures are readable on each
DENSITY = ((0, "rgba(0,114,178,0)"), (1, "rgba(0,114,178,1)"))  # nothing shows the page's colour


def per_source(frame: pd.DataFrame) -> go.Figure:
    """Images of each source in training and validation. frame: source, split."""
    figure = go.Figure()
    for place, split in enumerate(("train", "val", "test")):
        counts = frame.loc[frame["split"] == split, "source"].value_counts().sort_index()
        if len(counts):
            figure.add_bar(
                y=list(counts.index),
                x=counts.to_numpy(),
                orientation="h",
                name=f"{split}, n = {counts.sum()}",
                marker={"color": METHODS[place], "pattern": {"shape": PATTERNS[place]}},
            )
    figure.update_layout(barmode="stack")
    height = 150 + 34 * frame["source"].nunique()
    return styled(figure, f"Where images come from, n = {len(frame)} images", "images", "", height)


def per_class(frame: pd.DataFrame, colours: Mapping[str, str]) -> go.Figure:
    """Boxes of each class, and by pattern where they come from.

    frame: class_name, source. colours: class → colour.
    """
    figure = go.Figure()
    for place, (source, rows) in enumerate(frame.groupby("source", sort=True)):
        counts = rows["class_name"].value_counts().sort_index()
        figure.add_bar(
            y=list(counts.index),
            x=counts.to_numpy(),
            orientation="h",
            name=f"{source}, n = {len(rows)}",
            marker={
                "color": [colours[name] for name in counts.index],
                "pattern": {"shape": PATTERNS[place % len(PATTERNS)]},
            },
        )
    figure.update_layout(barmode="stack")
    height = 150 + 34 * frame["class_name"].nunique()
    return styled(figure, f"Classes, n = {len(frame)} boxes", "boxes", "", height)


def box_sizes(frame: pd.DataFrame) -> go.Figure:
    """How large boxes are: root of the area, px, on a logarithmic axis. frame: x1 y1 x2 y2."""
    sizes = np.sqrt((frame["x2"] - frame["x1"]) * (frame["y2"] - frame["y1"])).clip(lower=0.5)
    edges = np.geomspace(sizes.min() * 0.98, sizes.max() * 1.02, BINS + 1)
    counts, _ = np.histogram(sizes, edges)
    figure = go.Figure()
    figure.add_bar(
        x=np.sqrt(edges[1:] * edges[:-1]),
        y=counts,
        width=np.diff(edges) * 0.94,
        customdata=np.column_stack([edges[:-1], edges[1:]]),
        marker={"color": GOOD},
        hovertemplate="%{customdata[0]:.0f}–%{customdata[1]:.0f} px<br>%{y} boxes<extra></extra>",
    )
    ticks = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000]
    figure.update_xaxes(type="log", tickvals=ticks, ticktext=[str(tick) for tick in ticks])
    title = f"Size of boxes, n = {len(frame)} boxes"
    return styled(figure, title, "root of the area, px", "boxes", 340)


def box_positions(frame: pd.DataFrame) -> go.Figure:
    """Where the middles of boxes lie, as shares of width and height. frame: x, y in 0 … 1."""
    table, _, _ = np.histogram2d(frame["y"], frame["x"], bins=16, range=[[0, 1], [0, 1]])
    middles = (np.arange(16) + 0.5) / 16
    figure = go.Figure()
    figure.add_heatmap(
        z=table,
        x=middles,
        y=middles,
        colorscale=DENSITY,
        colorbar={"title": {"text": "boxes"}, "thickness": 12},
        hovertemplate="%{x:.2f} from the left, %{y:.2f} from the top<br>%{z} boxes<extra></extra>",
    )
    figure.update_yaxes(autorange="reversed")
    title = f"Where boxes lie, n = {len(frame)} boxes"
    return styled(figure, title, "share of the width", "share of the height", 340)


def over_confidence(
    frame: pd.DataFrame, columns: Mapping[str, str], at: float, title: str, counts: str = ""
) -> go.Figure:
    """Curves over confidence, with a mark on each at the confidence `at`.

    frame: confidence and the columns. columns: column → the curve's name. counts: what they count,
    "" where they are shares, whose axis goes from 0 to 1.
    """
    figure = go.Figure()
    place = int((frame["confidence"] - at).abs().argmin())
    for number, (column, name) in enumerate(columns.items()):
        colour = (GOOD, BAD, NEUTRAL)[number % 3]
        value = frame[column].iloc[place]
        figure.add_scatter(
            x=frame["confidence"],
            y=frame[column],
            mode="lines",
            line={"color": colour, "dash": DASHES[number]},
            name=f"{name}: {_figure(value)}",
        )
        figure.add_scatter(
            x=[at],
            y=[value],
            mode="markers",
            marker={"size": 10, "color": colour},
            showlegend=False,
            hovertemplate="%{x:.3f}<br>%{y:.3f}<extra></extra>",
        )
    figure.add_vline(x=at, line={"dash": "dot", "color": NEUTRAL})
    figure.update_xaxes(range=[0, 1])
    most = float(frame[list(columns)].iloc[place].max())
    figure.update_yaxes(range=[0, 2 * most if most > 0 else 1] if counts else [0, 1.02])
    return styled(figure, title, "confidence", counts or "share", 340)


def _figure(value: float) -> str:
    return "–" if np.isnan(value) else f"{value:.2f}"


def precision_recall(
    frame: pd.DataFrame, at: float, n: int, colours: Mapping[str, str]
) -> go.Figure:
    """Precision against recall at IoU 0.5, a curve a class, marked at the confidence `at`.

    frame: class_name, recall, precision, confidence, surest first. n: number of true boxes.
    colours: class → colour.
    """
    figure = go.Figure()
    for place, (name, rows) in enumerate(frame.groupby("class_name", sort=False)):
        colour = colours[str(name)]
        figure.add_scatter(
            x=rows["recall"],
            y=rows["precision"],
            customdata=rows["confidence"],
            mode="lines",
            line={"color": colour, "dash": DASHES[place % len(DASHES)]},
            name=str(name),
            hovertemplate="recall %{x:.2f}<br>precision %{y:.2f}<br>confidence %{customdata:.3f}"
            "<extra></extra>",
        )
        mine = rows[rows["confidence"] >= at].tail(1)
        figure.add_scatter(
            x=mine["recall"],
            y=mine["precision"],
            mode="markers",
            marker={"size": 10, "color": colour},
            showlegend=False,
        )
    figure.update_xaxes(range=[0, 1.02])
    figure.update_yaxes(range=[0, 1.02])
    return styled(figure, f"Precision and recall, n = {n} boxes", "recall", "precision", 340)


def confusion(table: np.ndarray, names: tuple[str, ...]) -> go.Figure:
    """Counts of predicted (rows) against true classes, the last being background."""
    predicted, true = [*names, "nothing"], [*names, "no defect there"]
    shown = table.astype(float)
    shown[-1, -1] = np.nan
    figure = go.Figure()
    figure.add_heatmap(
        z=np.log1p(shown),
        x=true,
        y=predicted,
        text=[["" if np.isnan(v) else f"{v:.0f}" for v in row] for row in shown],
        texttemplate="%{text}",
        textfont={"size": 18, "color": "white"},
        colorscale=SHADES,
        showscale=False,
        hovertemplate="said %{y}<br>is %{x}<br>%{text}<extra></extra>",
    )
    figure.update_yaxes(autorange="reversed")
    title = f"What the detector said, n = {int(table[:, :-1].sum())} true boxes"
    return styled(figure, title, "truth", "detector", 200 + 70 * len(predicted))


def training(frame: pd.DataFrame) -> dict[str, go.Figure]:
    """Title → curves of a training: losses of training and validation, metrics, learning rate.

    frame: step, metric, value.
    """
    known = {
        "Losses in training": frame["metric"].str.startswith("train"),
        "Losses in validation": frame["metric"].str.startswith("val"),
        OWN: frame["metric"].isin(["precision", "recall", "mAP50", "mAP50-95"]),
    }
    figures = {}
    for title, chosen in known.items():
        rows = frame[chosen]
        if rows["step"].nunique() < 2:
            continue
        figure = go.Figure()
        for place, (metric, mine) in enumerate(rows.groupby("metric", sort=False)):
            mine = mine.sort_values("step")
            figure.add_scatter(
                x=mine["step"],
                y=mine["value"],
                name=said(str(metric)),
                mode="lines",
                line={
                    "color": METHODS[place % len(METHODS)],
                    "dash": DASHES[place % len(DASHES)],
                },
            )
        if title == OWN:
            figure.update_yaxes(range=[0, 1.02])
        n = rows["step"].nunique()
        axis = "share" if title == OWN else "loss"
        figures[title] = styled(figure, f"{title}, n = {n} epochs", "epoch", axis, 320)
    return figures
