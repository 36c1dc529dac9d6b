"""Frozen test set: real photographs kept apart from every training."""

import streamlit as st

from backend.core import runs
from backend.core.runs import Run
from backend.detection.testset.spec import Result
from pages.ui import charts, dataset_view, links
from pages.ui.run_view import kind_page


def show(run: Run) -> None:
    result = runs.result(run, Result)
    st.info(
        f"Test set **{result.hash}**. A detector is refused to be judged on it where one of its "
        "training images, or a photograph behind one, is in here or looks alike.",
        icon=":material/ac_unit:",
    )
    dataset_view.show(
        run,
        [
            ("Images", charts.words(result.images), "Copied, so that nothing changes them"),
            ("Intact", charts.words(result.intact), "Without a defect, for false alarms"),
            ("Boxes", charts.words(result.boxes), charts.words(result.classes)),
            (
                "Specimens",
                charts.words(result.groups),
                "Views of one part count as one; intervals are over these",
            ),
            (
                "Near-duplicates",
                charts.words(result.near_duplicates),
                "Images of the data sets named in the form that look like one of these",
            ),
        ],
        result.notes,
    )
    links.to_kind("detector", "Judge a detector on it")


kind_page(
    "testset",
    "Put real photographs, with their labels, aside to judge detectors by. They are copied under a "
    "hash, so nobody changes them unseen, and no detector trained on one of them is judged here.",
    show,
)
