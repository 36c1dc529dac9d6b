"""Curves of several runs laid over each other, a colour and a dash a run."""

from collections.abc import Iterator, Sequence

import pandas as pd
import plotly.graph_objects as go

from backend import glossary, plots
from backend.core import runs as run_folders
from backend.core.runs import Run
from backend.deployment.latency import tables
from backend.detection import curves as detection_curves
from backend.inspection.model import operating_points, variants
from backend.plots import deployment, styled
from backend.sharing.compare import beside
from backend.sharing.report import general
from backend.sharing.report.items import Chart
from backend.sharing.report.kinds import detector

DASHES = ("solid", "dash", "dot", "dashdot", "longdash")
COLOURS = (*plots.METHODS, "#009E73", "#D55E00", "#F0E442")
MOST_CURVES = 6  # of a training


def charts(runs: Sequence[Run]) -> Iterator[Chart]:
    """What runs of this kind have in curves, all of them on one pair of axes each."""
    if runs[0].kind == "inspect":
        yield from _separation(runs)
    elif runs[0].kind == "detector":
        yield from _precision(runs)
    elif runs[0].kind == "latency":
        yield from _latency(runs)
    yield from _training(runs)


def _lines(frame: pd.DataFrame, title: str, x: str, y: str, shares: bool) -> go.Figure:
    """One line a run. frame: run, x, y. shares: both axes run from 0 to 1."""
    figure = go.Figure()
    for place, (run, rows) in enumerate(frame.groupby("run", sort=False)):
        look = {"color": COLOURS[place % len(COLOURS)], "dash": DASHES[place % len(DASHES)]}
        figure.add_scatter(x=rows["x"], y=rows["y"], mode="lines", name=str(run), line=look)
    if shares:
        figure.update_xaxes(range=[0, 1.02])
        figure.update_yaxes(range=[0, 1.02])
    return styled(figure, title, x, y)


def _separation(runs: Sequence[Run]) -> Iterator[Chart]:
    frames = []
    for name, run in zip(beside.names(runs), runs, strict=True):
        scores = general.rows(run, "scores")
        mine = scores[scores["method"] == variants.DIFFUSION]
        each = mine.groupby(["part", "label"], as_index=False)["score"].mean()
        good, bad = (each.loc[each["label"] == label, "score"] for label in (1, 0))
        if len(good) and len(bad):
            curve = operating_points.roc(good, bad)
            called = f"{name}, n = {len(good)} GOOD, {len(bad)} BAD"
            frames.append(curve.assign(run=called, x=curve["raised"], y=curve["found"]))
    if frames:
        rows = pd.concat(frames)
        figure = _lines(rows, "ROC", "share of GOOD raised", "share of BAD found", True)
        words = "BAD found for each share of GOOD raised, over all types, of the model's own score."
        yield Chart("curves-roc", "BAD found against GOOD raised", words, figure, rows)


def _precision(runs: Sequence[Run]) -> Iterator[Chart]:
    frames = []
    for name, run in zip(beside.names(runs), runs, strict=True):
        judged = detector.judged(run).judged
        rows = detection_curves.frame(judged, 0.0)
        called = f"{name}, n = {len(judged.truth_image)} boxes"
        frames.append(rows.assign(run=called, x=rows["recall"], y=rows["precision"]))
    rows = pd.concat(frames)
    figure = _lines(rows, "Precision and recall", "recall", "precision", True)
    words = "Right of its boxes (precision) against defects found (recall), all classes together."
    yield Chart("curves-precision", "Precision and recall", words, figure, rows)


def _latency(runs: Sequence[Run]) -> Iterator[Chart]:
    frames = [
        tables.plain(general.rows(run, "latencies")).assign(run=name)
        for name, run in zip(beside.names(runs), runs, strict=True)
    ]
    rows = pd.concat(frames)
    words = "From the bytes of a picture to the verdict."
    figure = deployment.latency_ecdf(rows)
    yield Chart("curves-latency", "Parts done within a time", words, figure, rows)


def _training(runs: Sequence[Run]) -> Iterator[Chart]:
    """What each learned by, where more than one run has the curve."""
    frames = [
        plots.curve_frame(run_folders.events(run.folder)).assign(run=name)
        for name, run in zip(beside.names(runs), runs, strict=True)
    ]
    rows = pd.concat(frames)
    shared = rows.groupby("metric", sort=False)["run"].nunique()
    for place, metric in enumerate(shared[shared > 1].index[:MOST_CURVES], start=1):
        mine = rows[rows["metric"] == metric].rename(columns={"step": "x", "value": "y"})
        if mine["x"].nunique() > 1:
            called = glossary.said(str(metric))
            figure = _lines(mine, called, "step", called, False)
            yield Chart(f"curves-{place}", f"Over training: {called}", "", figure, mine)
