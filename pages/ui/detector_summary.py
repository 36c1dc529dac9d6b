"""What a detector is worth at a glance: what it was judged on, and its figures with intervals."""

import pandas as pd
import streamlit as st

from backend import plots
from backend.core.runs import Run
from backend.detection import curves, standing
from backend.detection.detector.spec import Result
from backend.detection.evaluation import Judged
from pages.ui import charts, resources

CONTROLS = ("constant box", "own validation images")


def verdict(result: Result) -> None:
    """What the detector is worth, first of all: no figure stands above it."""
    words = charts.plain(standing.verdict(result))
    if standing.has_learned(result) and result.real:
        st.success(words, icon=":material/center_focus_strong:")
    else:
        st.warning(words, icon=":material/model_training:")


def origin(result: Result) -> None:
    """What the detector was judged on, and what it started from."""
    kind = "real photographs" if result.real else "rendered images, **not real ones**"
    start = (
        "pretrained weights"
        if result.pretrained
        else "**random weights, for no pretrained ones were found**"
    )
    words = (
        f"Judged on {result.test_images} {kind}, {result.test_intact} of them intact "
        f"(test set {result.test_hash}); started from {start}."
    )
    st.caption(words)
    near = result.near_duplicates
    if near:
        st.warning(
            f"{near} training images look like a test image, so read the figures with care.",
            icon=":material/content_copy:",
        )


def show(run: Run, result: Result, judged: Judged, at: float) -> None:
    """Its figures at a confidence, in tiles and in words; its average precision with controls.

    One that learned nothing has no figure to put into a tile.
    """
    figures = resources.facts("figures", run)
    if standing.has_learned(result):
        charts.metrics(_headline(result, figures, judged, at))
    st.markdown(_in_words(judged, at))
    rows = figures[figures["metric"].isin(["AP50", "AP50-95"])]
    mark = rows["subject"].isin(CONTROLS).map({True: "control: ", False: ""})
    rows = rows.assign(subject=mark + rows["subject"] + ", " + rows["metric"])
    charts.figure(
        plots.intervals(rows, "Average precision with 95 % intervals", "average precision"),
        figures.drop(columns="run_id"),
        f"figures-{run.id}",
        "Average precision on the test images beside the controls",
    )
    st.caption(
        "“Images with a defect” leaves the intact ones out, as most published figures do. "
        "Controls: a box in the middle of every image; and the data set's own validation images, "
        "which the paper reports and which are no evidence."
    )


def _in_words(judged: Judged, at: float) -> str:
    """What the detector does at a confidence, in counts."""
    found = int(curves.found(judged, at).sum())
    wrong = int((~judged.correct & judged.drawn(at)).sum())
    words = (
        f"At confidence {at:.3f} it finds **{found} of {len(judged.truth_image)}** defects and "
        f"draws **{wrong:,}** boxes that fit none"
    )
    intact = judged.truths == 0
    if not intact.any():
        return f"{words}."
    alarmed = int(judged.alarmed(at)[intact].sum())
    return f"{words}; **{alarmed} of {int(intact.sum())}** intact images raise an alarm."


def _headline(
    result: Result, figures: pd.DataFrame, judged: Judged, at: float
) -> list[tuple[str, str, str]]:
    chosen = judged.at_confidence(at)
    found = figures.set_index(["subject", "metric"])
    low_high = ["value", "low", "high"]
    entries = [
        (
            "AP50" if result.real else "AP50 (rendered)",
            charts.interval(result.ap50, result.ap50_low, result.ap50_high),
            "Average precision: 1 where every defect is found, with at least half of both boxes "
            "shared (IoU 0.5), before any false alarm. Intact images are among them. Below: 95 % "
            "interval over specimens.",
        )
    ]
    if ("all test images", "AP50-95") in found.index:
        entries.append(
            (
                "AP50-95",
                charts.interval(*found.loc[("all test images", "AP50-95"), low_high]),
                "The same with boxes that must fit more and more closely, IoU 0.5 to 0.95",
            )
        )
    entries += [
        ("Precision", charts.number(chosen.precision), f"Share of boxes that fit, at {at:.3f}"),
        ("Recall", charts.number(chosen.recall), f"Share of defects found, at {at:.3f}"),
    ]
    intact = judged.truths == 0
    if intact.any():
        share = judged.alarmed(at)[intact].mean()
        count = judged.alarms(at)[intact].mean()
        meaning = f"Share of {intact.sum()} intact images with a box, {count:.2f} boxes an image"
        entries.append(("Intact alarmed", f"{share:.2f}", meaning))
    return entries
