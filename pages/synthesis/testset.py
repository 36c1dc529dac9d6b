"""Frozen test set: real photographs kept apart from every training."""

import streamlit as st

from backend.runs import Run
from pages.ui import charts, links, set_view
from pages.ui.run_view import kind_page


def show(run: Run) -> None:
    result = run.result or {}
    st.info(
        f"Test set **{result['hash']}**. A detector that is judged on it is refused where one of "
        "its training images, or a photograph behind them, is in here or looks alike.",
        icon=":material/ac_unit:",
    )
    set_view.show(
        run,
        [
            ("Images", charts.words(result["images"]), "Copied, so that nothing changes them"),
            ("Intact", charts.words(result["intact"]), "Without a defect, for false alarms"),
            ("Boxes", charts.words(result["boxes"]), charts.words(result["classes"])),
            ("Groups", charts.words(result["groups"]), "Specimens; intervals are over these"),
            (
                "Near-duplicates",
                charts.words(result["near_duplicates"]),
                "Images of the data sets named in the form that look like one of these",
            ),
        ],
    )
    links.to_kind("detector", "Judge a detector on it")


kind_page(
    "testset",
    "Freeze real photographs as a test set: copied, hashed, and compared with the data sets you "
    "name. No training may touch them.",
    show,
)
