"""Figures of an anomaly model: data frames in, Plotly figures out, no I/O."""

from collections.abc import Collection, Mapping

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from backend.glossary import INKJET_PAPER, SEPARATION
from backend.plots import BAD, GOOD, METHODS, NEUTRAL, styled, whiskers, wrapped

FAR = 0.02  # share of scores at each end that may be left out of an axis


def forest(frame: pd.DataFrame) -> go.Figure:
    """AUROC of a method minus the baseline's per feature type, with interval and both tests' p.

    frame: feature, method, baseline, difference, low, high, p_holm, p_folds_holm, reliable.
    """
    rows = frame.iloc[::-1]
    figure = go.Figure()
    figure.add_scatter(
        x=rows["difference"],
        y=[_forest_words(row) for row in rows.itertuples()],
        mode="markers",
        marker={
            "size": 10,
            "color": [GOOD if r else NEUTRAL for r in rows["reliable"]],
            "symbol": ["circle" if r else "circle-open" for r in rows["reliable"]],
        },
        error_x=whiskers(rows["difference"], rows["low"], rows["high"], color=NEUTRAL),
        hovertemplate="%{y}<br>%{x:+.3f}<extra></extra>",
    )
    figure.add_vline(x=0, line={"dash": "dot", "color": NEUTRAL})
    first = frame.iloc[0]
    title = f"{first['method']} minus {first['baseline']}, n = {len(frame)} feature types"
    figure.update_xaxes(nticks=6)
    words = f"difference in {SEPARATION.short}<br>95 % interval (DeLong)"
    return styled(figure, title, words, "", 130 + 44 * len(rows))


def _forest_words(row: object) -> str:
    feature = getattr(row, "feature", "")
    if not getattr(row, "reliable", False):
        return f"{feature}<br>too few BAD"
    p, over_folds = getattr(row, "p_holm", np.nan), getattr(row, "p_folds_holm", np.nan)
    known = "–" if np.isnan(over_folds) else f"{over_folds:.2f}"
    return f"{feature}<br>p {p:.2f} · over test rounds {known}"


def additions(frame: pd.DataFrame, by: str, title: str) -> go.Figure:
    """Differences in AUROC, a line each. frame: the column `by`, difference, low, high, n."""
    rows = frame.iloc[::-1]
    figure = go.Figure()
    figure.add_scatter(
        x=rows["difference"],
        y=[wrapped(str(name)) for name in rows[by]],
        mode="markers",
        marker={"size": 10, "color": GOOD},
        error_x=whiskers(rows["difference"], rows["low"], rows["high"], color=NEUTRAL),
        hovertemplate="%{y}<br>%{x:+.3f}<extra></extra>",
    )
    figure.add_vline(x=0, line={"dash": "dot", "color": NEUTRAL})
    figure.update_xaxes(nticks=6)
    n = f"{title}, n = {frame['n'].max():.0f} parts"
    return styled(figure, n, f"difference in {SEPARATION.short}", "", 130 + 44 * len(rows))


def fold_dots(frame: pd.DataFrame) -> go.Figure:
    """AUROC of every fold by feature type. frame: feature, method, repeat, fold, auroc."""
    figure = go.Figure()
    features = sorted(frame["feature"].unique())
    methods = list(frame["method"].unique())
    for place, method in enumerate(methods):
        rows = frame[frame["method"] == method]
        shift = (place - (len(methods) - 1) / 2) * 0.8 / len(methods)
        figure.add_scatter(
            x=[features.index(f) + shift for f in rows["feature"]],
            y=rows["auroc"],
            mode="markers",
            name=str(method),
            customdata=rows[["feature", "repeat", "fold"]],
            marker={
                "size": 7,
                "color": _colour(place),
                "symbol": ("circle", "diamond", "square", "x", "cross", "triangle-up")[place % 6],
                "opacity": 0.8,
            },
            hovertemplate="%{customdata[0]}, repeat %{customdata[1]}, test round "
            "%{customdata[2]}<br>"
            + SEPARATION.short
            + " %{y:.3f}<extra>"
            + str(method)
            + "</extra>",
        )
    figure.add_hline(y=0.5, line={"dash": "dot", "color": NEUTRAL})
    figure.update_yaxes(range=[0, 1.02])
    figure.update_xaxes(tickvals=list(range(len(features))), ticktext=features)
    n = frame[["repeat", "fold"]].drop_duplicates().shape[0]
    return styled(
        figure, f"Separation in each test round, n = {n} test rounds", "", SEPARATION.short, 420
    )


def _colour(place: int) -> str:
    return (*METHODS, "#009E73", "#F0E442")[place % 7]


def by_size(frame: pd.DataFrame, title: str, unit: str) -> go.Figure:
    """AUROC against the size of the defect. frame: size, smallest, largest, n, auroc, low, high."""
    figure = go.Figure()
    figure.add_scatter(
        x=frame["size"],
        y=frame["auroc"],
        mode="lines+markers",
        marker={"size": 9, "color": BAD},
        line={"color": BAD},
        error_y=whiskers(frame["auroc"], frame["low"], frame["high"], color=NEUTRAL),
        customdata=frame[["smallest", "largest", "n"]],
        hovertemplate="size %{customdata[0]:.2g} to %{customdata[1]:.2g} " + unit + "<br>"
        "separation %{y:.3f}, n = %{customdata[2]} BAD<extra></extra>",
    )
    figure.add_hline(y=0.5, line={"dash": "dot", "color": NEUTRAL})
    figure.update_xaxes(rangemode="tozero")
    figure.update_yaxes(range=[0, 1.02])
    n = f"{title}, n = {frame['n'].sum()} BAD parts"
    return styled(figure, n, f"size of the defect, {unit}", SEPARATION.short)


def roc(frame: pd.DataFrame, title: str, n_good: int, n_bad: int) -> go.Figure:
    """Share of BAD found against share of GOOD raised. frame: raised, found, low, high."""
    figure = go.Figure()
    figure.add_scatter(
        x=frame["raised"], y=frame["low"], mode="lines", line={"width": 0}, showlegend=False
    )
    figure.add_scatter(
        x=frame["raised"],
        y=frame["high"],
        mode="lines",
        line={"width": 0},
        fill="tonexty",
        fillcolor="rgba(0,114,178,0.18)",
        name="95 % band (bootstrap over parts)",
        hoverinfo="skip",
    )
    figure.add_scatter(
        x=frame["raised"],
        y=frame["found"],
        mode="lines",
        line={"color": GOOD},
        name="ROC",
        hovertemplate="GOOD raised %{x:.2f}<br>BAD found %{y:.2f}<extra></extra>",
    )
    figure.add_scatter(
        x=[0, 1],
        y=[0, 1],
        mode="lines",
        line={"dash": "dot", "color": NEUTRAL},
        name="chance",
        hoverinfo="skip",
    )
    figure.update_xaxes(range=[0, 1.01])
    figure.update_yaxes(range=[0, 1.02])
    words = f"{title}, n = {n_good} GOOD, {n_bad} BAD"
    return styled(figure, words, "share of GOOD raised (FPR)", "share of BAD found (TPR)", 440)


def score_histogram(
    frame: pd.DataFrame,
    title: str,
    threshold: float | None = None,
    lines: Collection[float] = (),
) -> go.Figure:
    """Anomaly scores of GOOD and BAD parts, a few far ones left out and counted in the legend.

    frame: label (1 GOOD, 0 BAD), score. lines: other scores that must be on the axis.
    """
    figure = go.Figure()
    low, high = _without_far(frame["score"], [*lines, *([] if threshold is None else [threshold])])
    width = (high - low) / 50 or 1.0
    for label, name, colour, pattern in ((1, "GOOD", GOOD, ""), (0, "BAD", BAD, "/")):
        scores = frame.loc[frame["label"] == label, "score"]
        figure.add_histogram(
            x=scores[scores.between(low, high)],
            name=f"{name}, n = {len(scores)}{_left_out(scores, low, high)}",
            marker={"color": colour, "pattern": {"shape": pattern, "fillmode": "overlay"}},
            opacity=0.7,
            xbins={"start": low, "size": width},
        )
    if threshold is not None:
        line = {"color": NEUTRAL, "width": 2}
        figure.add_vline(x=threshold, line=line, annotation={"text": "threshold"})
    figure.update_layout(barmode="overlay")
    return styled(figure, title, "anomaly score", "parts")


def _without_far(scores: pd.Series, lines: Collection[float]) -> tuple[float, float]:
    """Lowest and highest score on an axis: all of them, but where a few (2 % at each end) would
    stretch it to more than twice the length of what the others and the lines need."""
    low, high = float(scores.min()), float(scores.max())
    first, last = np.quantile(scores, [FAR, 1 - FAR], method="inverted_cdf")
    room = (last - first) / 4
    inner = min([first - room, *lines]), max([last + room, *lines])
    if high - low <= 2 * (inner[1] - inner[0]) or first == last:
        return min([low, *lines]), max([high, *lines])
    return float(max(low, inner[0])), float(min(high, inner[1]))


def _left_out(scores: pd.Series, low: float, high: float) -> str:
    """How many scores an axis leaves out, in words of its legend."""
    below, above = int((scores < low).sum()), int((scores > high).sum())
    told = [f"{n} {where}" for n, where in ((below, "below"), (above, "above")) if n]
    return f" ({' and '.join(told)} the axis)" if told else ""


def auroc_bars(
    frame: pd.DataFrame, reference: Mapping[str, tuple[float, float]] | None = None
) -> go.Figure:
    """AUROC per feature type and method with 95 % intervals.

    frame: method, feature, n_good, n_bad, auroc, low, high, reliable.
    reference: feature → the inkjet paper's baseline and method figures, drawn as white marks.
    """
    figure = go.Figure()
    for place, (method, rows) in enumerate(frame.groupby("method", sort=False)):
        figure.add_bar(
            x=_feature_labels(rows),
            y=rows["auroc"],
            name=str(method),
            error_y=whiskers(rows["auroc"], rows["low"], rows["high"], thickness=1.5, width=3),
            marker={
                "color": METHODS[place % len(METHODS)],
                "opacity": [1.0 if ok else 0.35 for ok in rows["reliable"]],
            },
            hovertemplate="%{x}<br>separation %{y:.3f}<extra>" + str(method) + "</extra>",
        )
    if reference:
        _reference_marks(figure, frame, reference)
    figure.add_hline(y=0.5, line={"dash": "dot", "color": NEUTRAL})
    figure.update_yaxes(range=[0, 1.02])
    parts = frame.groupby("method")[["n_good", "n_bad"]].sum().iloc[0]
    title = f"Separation per feature type, n = {parts['n_good']} GOOD, {parts['n_bad']} BAD"
    return styled(figure, title, "", SEPARATION.short, 440)


def _feature_labels(rows: pd.DataFrame) -> list[str]:
    triples = zip(rows["feature"], rows["n_good"], rows["n_bad"], strict=True)
    return [f"{feature}<br>{good}/{bad}" for feature, good, bad in triples]


def _reference_marks(
    figure: go.Figure, frame: pd.DataFrame, reference: Mapping[str, tuple[float, float]]
) -> None:
    rows = frame.drop_duplicates("feature")
    rows = rows[rows["feature"].isin(list(reference))]
    for place, name in enumerate(
        (f"{INKJET_PAPER.words}, baseline", f"{INKJET_PAPER.words}, method")
    ):
        figure.add_scatter(
            x=_feature_labels(rows),
            y=[reference[feature][place] for feature in rows["feature"]],
            mode="markers",
            marker={
                "symbol": ("circle", "diamond")[place],
                "size": 10,
                "color": "white",  # with its dark edge it is seen on a bar and beside it
                "line": {"color": "#22303C", "width": 2},
            },
            name=name,
        )
