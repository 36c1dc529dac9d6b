"""ROC, score histogram with a threshold one can move, and separation by the size of the defect."""

import pandas as pd
import streamlit as st

from backend.core import runs
from backend.core.runs import Run
from backend.glossary import SEPARATION
from backend.inspection.model import defect_size, operating_points
from backend.inspection.model.spec import Spec
from backend.plots import inspection as inspection_plots
from backend.records import UserError
from pages.ui import charts, resources


def roc(run: Run, scores: pd.DataFrame) -> None:
    """The ROC curve of a method on one feature type, or on all."""
    rows, words = _chosen(scores, "roc")
    good, bad = (rows.loc[rows["label"] == label, "score"] for label in (1, 0))
    if good.empty or bad.empty:
        st.info(
            "This curve needs GOOD and BAD parts. Choose a feature type that has both, or bring "
            "parts that are known to be BAD.",
            icon=":material/info:",
        )
        return
    charts.figure(
        inspection_plots.roc(operating_points.roc(good, bad), f"ROC, {words}", len(good), len(bad)),
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
        st.info(
            "There are no scores of GOOD parts to draw a threshold through. Choose another feature "
            "type or method.",
            icon=":material/info:",
        )
        return
    start = float(good.quantile(0.95))
    threshold = st.slider("Threshold", low, high, start, (high - low) / 400, format="%.2f")
    told = [("GOOD raised (FPR)", _share(good, threshold), "False alarms among these GOOD parts")]
    told += [("BAD found (TPR)", _share(bad, threshold), "")] if len(bad) else []
    charts.metrics(told)
    charts.figure(
        inspection_plots.score_histogram(
            rows, f"Scores of parts never learned from, {words}", threshold
        ),
        rows.drop(columns="run_id"),
        f"scores-{run.id}",
        "Histogram of anomaly scores of GOOD and BAD parts with a threshold",
    )
    st.caption("For looking only. The page Threshold sets one with a promised false-alarm rate.")


def _share(scores: pd.Series, threshold: float) -> str:
    raised = int((scores > threshold).sum())
    return f"{raised / len(scores):.3f} [{raised} of {len(scores)}]"


def by_size(run: Run, scores: pd.DataFrame) -> None:
    """How well BAD parts stand out, against how large their defects are."""
    try:
        parts = resources.facts(
            "parts", resources.supervisor().find(runs.spec(run, Spec).parts_run)
        )
    except UserError as error:
        st.warning(f"{error} Without its parts the sizes of the defects are not known.")
        return
    known = defect_size.measures(parts)
    if not known:
        st.info(
            "The sizes of these defects are not known. Simulated parts have one; so have parts "
            "that came with masks of their defects (MVTec AD folders).",
            icon=":material/info:",
        )
        return
    rows, words = _chosen(scores, "size")
    left, right = st.columns(2)
    measure = left.selectbox("Size of a defect", known, format_func=lambda m: m.words)
    causes = sorted(parts.loc[parts["label"] == 0, "defect"].dropna().unique())
    cause = right.selectbox("Kind of defect", ["all", *causes])
    wanted = parts if cause == "all" else parts[parts["defect"] == cause]
    what = "all defects" if cause == "all" else cause
    frame = defect_size.curve(rows, wanted, measure)
    if frame.empty:
        st.info("No BAD part of this kind and type has a size.", icon=":material/filter_alt_off:")
        return
    charts.figure(
        inspection_plots.by_size(
            frame, f"Separation (AUROC) by size, {words}, {what}", measure.unit
        ),
        frame,
        f"size-{run.id}",
        f"{SEPARATION.words} against the size of the defect, with intervals",
    )
    st.caption(
        "Each point: BAD parts of about one size against all GOOD parts of their types. Interval: "
        "95 %, bootstrap over the BAD parts' groups. Dotted: guessing."
    )


def _chosen(scores: pd.DataFrame, key: str) -> tuple[pd.DataFrame, str]:
    """Rows of one method and feature type, each part once: its mean over the repeats."""
    left, right = st.columns(2)
    method = left.selectbox("Method", list(scores["method"].unique()), key=f"{key}-method")
    kinds = ["all", *sorted(scores["feature"].unique())]
    feature = right.selectbox("Feature type", kinds, key=f"{key}-feature")
    rows = scores[scores["method"] == method]
    rows = rows if feature == "all" else rows[rows["feature"] == feature]
    keys = ["run_id", "part", "feature", "label", "method"]
    kind = "all types" if feature == "all" else feature
    return rows.groupby(keys, as_index=False)["score"].mean(), f"{method}, {kind}"
