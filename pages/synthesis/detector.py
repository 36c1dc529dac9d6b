"""Detector: train YOLO on a data set, judge it on images it never saw."""

import pandas as pd
import streamlit as st

from backend import plots
from backend.runs import Run
from pages.ui import charts, gallery, owner
from pages.ui.run_view import kind_page

ORDERS = {
    "missed defects first": ("missed", False),
    "false alarms first": ("false_alarms", False),
    "best first": ("hits", False),
}


def show(run: Run) -> None:
    result = run.result or {}
    _verdict(result)
    figures = owner.facts("figures", run)
    charts.metrics(_headline(result, figures))
    charts.figure(
        plots.intervals(figures[figures["metric"] == "AP50"], "AP50 with 95 % interval", "AP50"),
        figures.drop(columns="run_id"),
        f"figures-{run.id}",
        "AP50 on the test images beside the controls",
    )
    predictions, truths = owner.facts("predictions", run), owner.facts("boxes", run)
    left, right = st.columns(2)
    with left:
        charts.figure(
            plots.precision_recall(predictions, len(truths)),
            predictions.drop(columns="run_id"),
            f"pr-{run.id}",
            "Precision against recall on the test images",
        )
    with right:
        charts.curves(run)
    _gallery(run, owner.facts("images", run), truths, predictions, result["confidence"])


def _verdict(result: dict) -> None:
    kind = "real photographs" if result["real"] else "rendered images, not real ones"
    start = "pretrained weights" if result["pretrained"] else "random weights (none were found)"
    words = (
        f"Judged on {result['test_images']} {kind}, {result['test_intact']} of them intact "
        f"(test set {result['test_hash']}); started from {start}."
    )
    if result["real"]:
        st.info(words, icon=":material/fact_check:")
    else:
        st.warning(
            words + " These figures say nothing about your parts: name a folder of real test "
            "images in the form.",
            icon=":material/warning:",
        )


def _headline(result: dict, figures: pd.DataFrame) -> list[tuple[str, str, str]]:
    by_name = {(row.subject, row.metric): row for row in figures.itertuples()}
    alarms = by_name.get(("intact images", "share with an alarm"))
    entries = [
        (
            "AP50 on test images",
            charts.interval(result["ap50"], result["ap50_low"], result["ap50_high"]),
            "Average precision at IoU 0.5, intact images among them. 95 % interval over groups.",
        ),
        ("Precision", f"{result['precision']:.2f}", f"At confidence {result['confidence']:.2f}"),
        ("Recall", f"{result['recall']:.2f}", f"At confidence {result['confidence']:.2f}"),
    ]
    if alarms:
        words = charts.interval(alarms.value, alarms.low, alarms.high)
        entries.append(("Intact with an alarm", words, "Share of intact images that get a box"))
    own = result["own_validation_ap50"]
    entries.append(("Own validation AP50", f"{own:.2f}", "What source A reports; no evidence."))
    return entries


def _gallery(
    run: Run, images: pd.DataFrame, truths: pd.DataFrame, predictions: pd.DataFrame, at: float
) -> None:
    st.subheader("Predictions beside truth", anchor=False)
    left, right = st.columns(2)
    order = left.selectbox("Order", list(ORDERS))
    confidence = right.slider("Confidence", 0.01, 1.0, float(max(at, 0.01)), key=f"conf-{run.id}")
    shown = predictions[predictions["confidence"] >= confidence]
    st.caption("Orange: true box. Blue: prediction that fits. Red: false alarm.")
    column, ascending = ORDERS[order]
    ranked = _count(images, truths, shown).sort_values(column, ascending=ascending, kind="stable")
    by_truth = dict(list(truths.groupby("image")))
    by_prediction = dict(list(shown.groupby("image")))
    rows = gallery.page_of(ranked, f"gallery-{run.id}", 12)
    with st.container(horizontal=True):
        for row in rows.itertuples():
            picture = gallery.overlaid(
                run.folder / row.path,
                None,
                by_truth.get(row.image),
                320,
                by_prediction.get(row.image),
            )
            caption = (
                f"{row.source}: {row.hits} found, {row.missed} missed, {row.false_alarms} false"
            )
            st.image(picture, width=250, caption=caption, alt=f"{row.image}: {caption}")


def _count(images: pd.DataFrame, truths: pd.DataFrame, shown: pd.DataFrame) -> pd.DataFrame:
    """Adds hits, missed and false_alarms per image."""
    hits = shown[shown["correct"]].groupby("image").size()
    false = shown[~shown["correct"]].groupby("image").size()
    boxes = truths.groupby("image").size()
    found = images["image"].map(hits).fillna(0).astype(int)
    return images.assign(
        hits=found,
        missed=images["image"].map(boxes).fillna(0).astype(int) - found,
        false_alarms=images["image"].map(false).fillna(0).astype(int),
    )


kind_page(
    "detector",
    "Train YOLO on a data set and judge it on images it never saw: intervals, and false alarms.",
    show,
)
