"""Locked test images: real photographs kept apart from every training."""

import streamlit as st

from backend import glossary
from backend.core import runs
from backend.core.runs import Run
from backend.detection.testset.spec import Result
from backend.wording import counted
from pages.ui import dataset_view, verdict
from pages.ui.run_view import kind_page


def show(run: Run) -> None:
    result = runs.result(run, Result)
    words = (
        f"{counted(result.images, 'photograph')} of {counted(result.groups, 'part')} locked, "
        f"{result.intact} of them good. Next: judge a detector on them; one that learned from "
        "any of these, or from one that looks alike, is refused."
    )
    verdict.told(words, run, ("detector", "Judge a detector on them"))
    dataset_view.show(
        run,
        [
            ("Images", glossary.value(result.images), "Copied, so that nothing changes them"),
            ("Good", glossary.value(result.intact), "Without a defect, for false alarms"),
            ("Boxes", glossary.value(result.boxes), glossary.value(result.classes)),
            (
                "Specimens",
                glossary.value(result.groups),
                "Views of one part count as one; intervals are over these",
            ),
            (
                "Near-duplicates",
                glossary.value(result.near_duplicates),
                "Images of the data sets named in the form that look like one of these",
            ),
            (
                "Put aside",
                glossary.value(result.put_aside),
                "All views of these parts in the import: nothing made later learns from them",
            ),
        ],
        result.notes,
    )
    with st.expander("Details", icon=":material/tag:"):
        st.caption(f"Hash of the images and labels: {result.hash}")


kind_page(
    "testset",
    "Put real photographs, with their labels, aside to judge detectors by: a share of "
    "the parts of imported images, or a folder. They are copied, so that nobody changes "
    "them unseen; later uses of the import leave them out, and no detector trained on "
    "one is judged here.",
    show,
)
