"""Detector: train YOLO on a data set, judge it on images it never saw."""

import pandas as pd
import streamlit as st

from backend import plots, published
from backend.core import runs
from backend.core.runs import Run
from backend.detection import curves, standing
from backend.detection.detector.spec import Result
from backend.detection.evaluation import Judged
from backend.images import palette
from backend.plots import detection as detection_plots
from backend.wording import counted
from pages.ui import caveats, charts, detections, detector_summary, links, resources
from pages.ui.layout import plain_errors, tabs
from pages.ui.run_view import kind_page


def show(run: Run) -> None:
    result = runs.result(run, Result)
    detector_summary.verdict(result)
    detector_summary.origin(result)
    detector_summary.alarms(result)
    detector_summary.choice(run, result)
    caveats.noted(result.notes)
    workbench(run)
    with st.container(horizontal=True):
        links.to_detector(run.id)
        links.to_kind("package", "Pack it, to take it away", source=run.id)
    _weights(run)


def _weights(run: Run) -> None:
    """The trained weights, for whoever goes on with ultralytics."""
    path = run.artifacts / "detector.pt"
    if path.is_file():
        st.download_button(
            f"Weights for ultralytics ({path.stat().st_size / 1e6:.0f} MB)",
            path.read_bytes,
            file_name=f"{run.name or run.id}.pt",
            icon=":material/download:",
            on_click="ignore",
        )


@st.fragment
def workbench(run: Run) -> None:
    """Everything about a detector; the confidence moves within this alone."""
    with plain_errors():
        result = runs.result(run, Result)
        judged, images, truths = detections.judged(run)
        at = detections.confidence(
            result.confidence,
            key=f"confidence-{run.id}",
            help="From how sure on a box counts. It starts where F1 is best on the data set's own "
            "validation images while false alarms there keep to the rate asked for, so no test "
            "image chose it.",
        )
        tabs(
            {
                "Summary": lambda: detector_summary.show(run, result, judged, at),
                "Curves": lambda: _curves(run, judged, at),
                "Confusion matrix": lambda: _confusion(run, judged, truths, at),
                "By size": lambda: _sizes(run, judged, truths, at),
                "Gallery": lambda: detections.show(run, images, truths, judged, at),
                "The paper's table": lambda: _paper(run, result, judged),
                "Training": lambda: _training(run),
            }
        )


def _curves(run: Run, judged: Judged, at: float) -> None:
    rows = curves.frame(judged, at)
    n = len(judged.truth_image)
    pairs = curves.precision_recall(judged)
    left, right = st.columns(2)
    with left:
        if pairs.empty:
            st.info(
                "No box fits a defect at any confidence, so there is no curve. Train for longer, "
                "or on more images of such defects."
            )
        figure = detection_plots.precision_recall(pairs, at, n, palette.colours(judged.names))
        charts.figure(figure, pairs, f"pr-{run.id}", "Precision against recall on the test images")
    with right:
        figure = detection_plots.over_confidence(rows, {"f1": "F1"}, at, f"F1, n = {n} boxes")
        charts.figure(figure, rows, f"f1-{run.id}", "F1 over confidence")
    columns = {"precision": "precision", "recall": "recall"}
    title = f"Precision and recall, n = {n} boxes"
    figure = detection_plots.over_confidence(rows, columns, at, title)
    charts.figure(figure, rows, f"both-{run.id}", "Precision and recall over confidence")
    _alarms(run, judged, rows, at)


def _alarms(run: Run, judged: Judged, rows: pd.DataFrame, at: float) -> None:
    intact = int((judged.truths == 0).sum())
    if not intact:
        st.info(
            "No test image shows a good part, so false alarms on good parts are not known. Lock "
            "test images with a folder of good parts, and judge it on those."
        )
        return
    left, right = st.columns(2)
    for place, column, name, counts in (
        (left, "alarmed", "share with a false alarm", ""),
        (right, "alarms", "alarms an image", "alarms an image"),
    ):
        title = f"False alarms, n = {counted(intact, 'good part')}"
        figure = detection_plots.over_confidence(rows, {column: name}, at, title, counts)
        with place:
            charts.figure(figure, rows, f"{column}-{run.id}", f"Good parts: {name}")


def _confusion(run: Run, judged: Judged, truths: pd.DataFrame, at: float) -> None:
    corners = truths[["x1", "y1", "x2", "y2"]].to_numpy(float)
    table = curves.confusion(judged, corners, at)
    names = [*judged.names, "nothing"]
    rows = pd.DataFrame(table, columns=names).assign(said=names)
    figure = detection_plots.confusion(table, judged.names)
    charts.figure(figure, rows, f"confusion-{run.id}", "Predicted against true classes")
    st.caption(
        f"At confidence {at:.3f}. The diagonal is what the summary counts as found (IoU at least "
        "0.5); of the rest, boxes that lie on a defect of another class are beside the diagonal. "
        "Right column: false alarms. Bottom row: missed defects."
    )


def _sizes(run: Run, judged: Judged, truths: pd.DataFrame, at: float) -> None:
    for name, rows in (
        ("size", curves.recall_by_size(judged, at)),
        ("class", curves.recall_by_class(judged, truths, at)),
    ):
        figure = plots.intervals(rows, f"Recall by {name} at confidence {at:.3f}", "recall")
        words = f"Share of defects found by {name}, with 95 % intervals"
        charts.figure(figure, rows, f"recall-{name}-{run.id}", words)
    st.caption(
        "Size: root of the box's area in the photograph's own px. Intervals: Clopper and Pearson, "
        "as if every defect were independent. Class: as the test set names it."
    )


def _paper(run: Run, result: Result, judged: Judged) -> None:
    ours = curves.paper_row(judged)
    where = "real test photographs" if result.real else "rendered test images"
    rows = [
        ("The paper, own synthetic validation", *published.DETECTOR.values()),
        (
            "This detector, its own source",
            result.own_precision,
            result.own_recall,
            result.own_validation_ap50,
        ),
        (f"This detector, {where}", ours.precision, ours.recall, ours.ap50),
    ]
    table = pd.DataFrame(rows, columns=["judged on", "precision", "max recall", "mAP@0.5"])
    shown = table.assign(
        **{name: [charts.number(v) for v in table[name]] for name in table.columns[1:]}
    )
    st.table(
        shown,
        border="horizontal",
        hide_index=True,
        alt="The paper's figures beside this detector's",
    )
    charts.csv(table, f"paper-{run.id}")
    st.caption(
        f"The paper: {published.GLASS_PAPER}. Read off as there: "
        "precision is the top of the precision curve, which ends at 1 "
        "for every detector at the highest confidence, so 1.00 says nothing; max recall is at "
        "confidence 0, where false alarms do not count. Only the last column compares detectors, "
        "and only on the same images."
    )


def _training(run: Run) -> None:
    frame = resources.facts("curves", run)[["step", "metric", "value"]]
    found = detection_plots.training(frame)
    if not found:
        st.info(
            "It went once through its images (one epoch), so there is no curve. Raise the epochs.",
            icon=":material/info:",
        )
    if (resources.facts("figures", run)["metric"] == standing.HELD).any():
        st.caption("Several ways were tried: their epochs follow one another here.")
    for title, figure in found.items():
        charts.figure(figure, frame, f"{title}-{run.id}", f"{title} over epochs")
    batches = sorted((run.artifacts / "batches").glob("*.png"))
    if not batches:
        return
    st.caption("The first training batches as the network saw them, varied, with their boxes.")
    with st.container(horizontal=True):
        for number, path in enumerate(batches, start=1):
            st.image(str(path), width=390, alt=f"Training batch {number} with its boxes")


kind_page(
    "detector",
    "Train a detector (YOLO) on a data set, and judge it on images it never saw. See how "
    "many defects it finds, how often it raises an alarm on a good part, and how sure "
    "these figures are.",
    show,
)
