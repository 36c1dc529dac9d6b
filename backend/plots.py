"""Figures: data frames in, Plotly figures out, no I/O.

GOOD and BAD have fixed colour-blind-safe colours (Okabe and Ito 2008) and differ in pattern or
symbol too. Each figure names its n; metric axes run from 0 to 1.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from backend import runs

GOOD, BAD = "#0072B2", "#D55E00"
NEUTRAL = "#8A949B"
METHODS = ("#0072B2", "#E69F00", "#8A949B", "#CC79A7", "#56B4E9")
HEIGHT = 380


def _styled(figure: go.Figure, title: str, x: str, y: str, height: int = HEIGHT) -> go.Figure:
    figure.update_layout(
        title={"text": title, "font": {"size": 15}, "x": 0},
        height=height,
        margin={"l": 10, "r": 10, "t": 44, "b": 10},
        legend={"orientation": "h", "yref": "container", "y": 0, "yanchor": "bottom", "x": 0},
        hoverlabel={"align": "left"},
        bargap=0.2,
    )
    figure.update_xaxes(title={"text": x}, automargin=True)
    figure.update_yaxes(title={"text": y}, automargin=True)
    return figure


def curve_frame(events: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Columns step, metric, value from a run's events; the newest value of a step counts."""
    return pd.DataFrame(runs.curve_points(events), columns=["step", "metric", "value"])


def split_curves(frame: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Title → rows: losses apart from metrics, which live between 0 and 1. One step is no curve."""
    frame = frame[frame.groupby("metric")["step"].transform("nunique") > 1]
    is_loss = frame["metric"].str.contains("loss")
    parts = {"Losses": frame[is_loss], "Metrics": frame[~is_loss]}
    return {title: rows for title, rows in parts.items() if len(rows)}


def curves(frame: pd.DataFrame, title: str) -> go.Figure:
    """Lines over steps, one a metric. frame: step, metric, value."""
    figure = go.Figure()
    for metric, rows in frame.groupby("metric", sort=False):
        rows = rows.sort_values("step")
        figure.add_scatter(x=rows["step"], y=rows["value"], name=str(metric), mode="lines+markers")
    figure.update_traces(marker={"size": 4})
    if title == "Metrics":
        figure.update_yaxes(range=[0, 1.02])
    n = frame["step"].nunique()
    return _styled(figure, f"{title}, n = {n} steps", "step", "value", 320)


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
            annotation={"text": f"source A {mean}"},
        )
    figure.update_yaxes(range=[min(0.0, float(rows["ssim"].min())), 1])
    figure.update_xaxes(type="category", showticklabels=len(rows) <= 20)
    return _styled(figure, f"SSIM per pair, n = {len(rows)} pairs", "pair, best first", "SSIM")


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


def intervals(frame: pd.DataFrame, title: str, x: str) -> go.Figure:
    """Values with 95 % intervals, one row a subject, on a 0 to 1 axis.

    frame: subject, value, low, high, n.
    """
    rows = frame.iloc[::-1]
    spread = {
        "type": "data",
        "symmetric": False,
        "array": (rows["high"] - rows["value"]).fillna(0),
        "arrayminus": (rows["value"] - rows["low"]).fillna(0),
        "thickness": 2,
    }
    figure = go.Figure()
    figure.add_scatter(
        x=rows["value"],
        y=[f"{s} (n = {n:.0f})" for s, n in zip(rows["subject"], rows["n"], strict=True)],
        error_x=spread,
        mode="markers",
        marker={"size": 11, "color": GOOD},
        hovertemplate="%{y}<br>%{x:.3f}<extra></extra>",
    )
    figure.update_xaxes(range=[-0.02, 1.02])
    return _styled(figure, title, x, "", 120 + 44 * len(rows))


def auroc_bars(
    frame: pd.DataFrame, reference: Mapping[str, tuple[float, float]] | None = None
) -> go.Figure:
    """AUROC per feature type and method with 95 % intervals.

    frame: method, feature, n_good, n_bad, auroc, low, high, reliable.
    reference: feature → source B's baseline and method figures, drawn as open marks.
    """
    figure = go.Figure()
    for place, (method, rows) in enumerate(frame.groupby("method", sort=False)):
        figure.add_bar(
            x=_feature_labels(rows),
            y=rows["auroc"],
            name=str(method),
            error_y={
                "type": "data",
                "symmetric": False,
                "array": rows["high"] - rows["auroc"],
                "arrayminus": rows["auroc"] - rows["low"],
                "thickness": 1.5,
                "width": 3,
            },
            marker={
                "color": METHODS[place % len(METHODS)],
                "opacity": [1.0 if ok else 0.35 for ok in rows["reliable"]],
            },
            hovertemplate="%{x}<br>AUROC %{y:.3f}<extra>" + str(method) + "</extra>",
        )
    if reference:
        _reference_marks(figure, frame, reference)
    figure.add_hline(y=0.5, line={"dash": "dot", "color": NEUTRAL})
    figure.update_yaxes(range=[0, 1.02])
    parts = frame.groupby("method")[["n_good", "n_bad"]].sum().iloc[0]
    title = f"AUROC per feature type, n = {parts['n_good']} GOOD, {parts['n_bad']} BAD"
    return _styled(figure, title, "", "AUROC", 440)


def _feature_labels(rows: pd.DataFrame) -> list[str]:
    triples = zip(rows["feature"], rows["n_good"], rows["n_bad"], strict=True)
    return [f"{feature}<br>{good}/{bad}" for feature, good, bad in triples]


def _reference_marks(
    figure: go.Figure, frame: pd.DataFrame, reference: Mapping[str, tuple[float, float]]
) -> None:
    rows = frame.drop_duplicates("feature")
    rows = rows[rows["feature"].isin(list(reference))]
    for place, name in enumerate(("source B, baseline", "source B, method")):
        figure.add_scatter(
            x=_feature_labels(rows),
            y=[reference[feature][place] for feature in rows["feature"]],
            mode="markers",
            marker={"symbol": ("circle-open", "diamond-open")[place], "size": 10, "color": NEUTRAL},
            name=name,
        )


def differences(frame: pd.DataFrame) -> go.Figure:
    """Forest plot: AUROC of method minus baseline, with interval and Holm-adjusted p.

    frame: feature, difference, low, high, p_holm, reliable.
    """
    rows = frame.iloc[::-1]
    words = [
        f"{feature} · p = {p:.2f}" if reliable else f"{feature} · too few BAD"
        for feature, p, reliable in zip(
            rows["feature"], rows["p_holm"], rows["reliable"], strict=True
        )
    ]
    figure = go.Figure()
    figure.add_scatter(
        x=rows["difference"],
        y=words,
        mode="markers",
        marker={
            "size": 10,
            "color": [GOOD if r else NEUTRAL for r in rows["reliable"]],
            "symbol": ["circle" if r else "circle-open" for r in rows["reliable"]],
        },
        error_x={
            "type": "data",
            "symmetric": False,
            "array": rows["high"] - rows["difference"],
            "arrayminus": rows["difference"] - rows["low"],
        },
        hovertemplate="%{y}<br>%{x:+.3f}<extra></extra>",
    )
    figure.add_vline(x=0, line={"dash": "dot", "color": NEUTRAL})
    title = f"Difference in AUROC, n = {len(rows)} feature types, p adjusted after Holm"
    return _styled(figure, title, "method minus baseline", "", 130 + 34 * len(rows))


def score_histogram(frame: pd.DataFrame, title: str) -> go.Figure:
    """Anomaly scores of GOOD and BAD parts. frame: label (1 GOOD, 0 BAD), score."""
    figure = go.Figure()
    for label, name, colour, pattern in ((1, "GOOD", GOOD, ""), (0, "BAD", BAD, "/")):
        scores = frame.loc[frame["label"] == label, "score"]
        figure.add_histogram(
            x=scores,
            name=f"{name}, n = {len(scores)}",
            marker={"color": colour, "pattern": {"shape": pattern}},
            opacity=0.7,
            nbinsx=40,
        )
    figure.update_layout(barmode="overlay")
    return _styled(figure, title, "anomaly score", "parts")


def latency_histogram(frame: pd.DataFrame, budget_ms: float | None = None) -> go.Figure:
    """Latency samples with the 50th, 95th and 99th percentile. frame: variant, milliseconds."""
    figure = go.Figure()
    for place, (variant, rows) in enumerate(frame.groupby("variant", sort=False)):
        figure.add_histogram(
            x=rows["milliseconds"],
            name=f"{variant}, n = {len(rows)}",
            marker={"color": METHODS[place % len(METHODS)]},
            nbinsx=60,
        )
    values = frame["milliseconds"]
    for share in (0.5, 0.95, 0.99):
        figure.add_vline(
            x=float(values.quantile(share)),
            line={"dash": "dash", "color": NEUTRAL},
            annotation={"text": f"p{share * 100:.0f}", "textangle": -90},
        )
    if budget_ms:
        figure.add_vline(x=budget_ms, line={"color": BAD}, annotation={"text": "budget"})
    figure.update_xaxes(rangemode="tozero")
    return _styled(figure, f"Latency per part, n = {len(frame)}", "ms", "parts")


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
    return _styled(figure, title, "IoU of the best guessed box", "true boxes")
