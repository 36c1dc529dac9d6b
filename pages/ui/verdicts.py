"""ROC and score histogram of an anomaly model, with a threshold one can move."""

import pandas as pd
import streamlit as st

from backend.plots import inspection as inspection_plots
from backend.runs import Run
from pages.ui import charts


def roc(run: Run, scores: pd.DataFrame) -> None:
    """The ROC curve of a method on one feature type, or on all."""
    rows, words = _chosen(scores, "roc")
    good, bad = (rows.loc[rows["label"] == label, "score"] for label in (1, 0))
    if good.empty or bad.empty:
        st.info("A ROC curve needs GOOD and BAD parts.", icon=":material/info:")
        return
    charts.figure(
        inspection_plots.roc(good, bad, f"ROC, {words}"),
        rows.drop(columns="run_id"),
        f"roc-{run.id}",
        "Share of BAD found against share of GOOD raised, with a bootstrap band",
    )


def histogram(run: Run, scores: pd.DataFrame) -> None:
    """Scores of GOOD and BAD parts, and what a threshold would give."""
    rows, words = _chosen(scores, "histogram")
    good, bad = (rows.loc[rows["label"] == label, "score"] for label in (1, 0))
    low, high = float(rows["score"].min()), float(rows["score"].max())
    if good.empty or low == high:
        st.info("Nothing to draw a threshold through.", icon=":material/info:")
        return
    start = float(good.quantile(0.95))
    threshold = st.slider("Threshold", low, high, start, (high - low) / 400, format="%.2f")
    told = [("GOOD raised (FPR)", _share(good, threshold), "False alarms among these GOOD parts")]
    told += [("BAD found (TPR)", _share(bad, threshold), "")] if len(bad) else []
    charts.metrics(told)
    charts.figure(
        inspection_plots.score_histogram(rows, f"Out-of-fold scores, {words}", threshold),
        rows.drop(columns="run_id"),
        f"scores-{run.id}",
        "Histogram of anomaly scores of GOOD and BAD parts with a threshold",
    )
    st.caption("For looking only. The page Threshold sets one with a promised false-alarm rate.")


def _share(scores: pd.Series, threshold: float) -> str:
    raised = int((scores > threshold).sum())
    return f"{raised / len(scores):.3f} [{raised} of {len(scores)}]"


def _chosen(scores: pd.DataFrame, key: str) -> tuple[pd.DataFrame, str]:
    """Rows of one method and feature type, each part once: its mean over the repeats."""
    left, right = st.columns(2)
    method = left.selectbox("Method", list(scores["method"].unique()), key=f"{key}-method")
    kinds = ["all", *sorted(scores["feature"].unique())]
    feature = right.selectbox("Feature type", kinds, key=f"{key}-feature")
    rows = scores[scores["method"] == method]
    rows = rows if feature == "all" else rows[rows["feature"] == feature]
    keys = ["run_id", "part", "feature", "label", "method"]
    return rows.groupby(keys, as_index=False)["score"].mean(), f"{method}, {feature}"
