"""Data set: images with boxes for a detector, from any mixture of sources."""

import streamlit as st

from backend import glossary
from backend.core import runs
from backend.core.runs import Run
from backend.detection.dataset.spec import Result
from backend.wording import counted
from pages.ui import charts, dataset_view, verdict
from pages.ui.run_view import kind_page


def show(run: Run) -> None:
    result = runs.result(run, Result)
    words = (
        f"{counted(result.training, 'image')} to learn from, {result.validation} to choose the "
        f"confidence by; {result.empty} show a good part. Look whether the boxes fit, then train."
    )
    verdict.told(words, run, ("detector", "Train a detector on this data set"))
    dataset_view.show(
        run,
        [
            ("Images", glossary.value(result.images), charts.plain(result.source)),
            ("Training", glossary.value(result.training), "Images the detector learns from"),
            ("Validation", glossary.value(result.validation), "Images that choose its threshold"),
            ("Boxes", glossary.value(result.boxes), f"Labels: {result.labels}"),
            ("Without a defect", glossary.value(result.empty), "Images without any box"),
            (
                "Groups",
                glossary.value(result.groups),
                "Views of one specimen, and near-duplicates, count as one; a group is never split",
            ),
        ],
        result.notes,
    )
    if result.hash:
        with st.expander("Details", icon=":material/tag:"):
            st.caption(f"Version {result.hash}: a hash over images, boxes and splits.")


kind_page(
    "dataset",
    "Mix students' images, image sets and real photographs into what a detector learns "
    "from. Views of one part and near-duplicates stay on one side, training or "
    "validation; labels `centred` are the paper's dummy boxes in the middle, for "
    "comparison.",
    show,
)
