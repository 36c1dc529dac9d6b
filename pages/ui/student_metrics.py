"""What the measures of a student mean, and a table of them with their controls."""

import pandas as pd
import streamlit as st

from backend.core import facts
from backend.core.facts import Figure
from pages.ui import charts

MEANINGS = {
    "KID": "How far the set is from images it never saw, on fixed wavelets. 0: alike; a grey field "
    "some hundreds.",
    "precision": "Share of images that lie where the teacher's images lie. Low: odd pictures.",
    "recall": "Share of the teacher's images that lie where these images lie. Low: kinds are "
    "missing.",
    "density": "How crowded the teacher's images are around these, on average; 1 is as among "
    "themselves.",
    "coverage": "Share of the teacher's images that have one of these nearby.",
    "sharpness": "Fine contrast between neighbouring pixels; teacher = 1. Noise counts too.",
    "high frequencies": "Power in structures under 4 px; teacher = 1. Far above 1: an artefact "
    "pattern.",
    "diversity": "How much the images differ from each other; teacher = 1. Near 0: always one.",
    "not copies": "Share of images that lie farther from every training image, turned or not, than "
    "the nearest training images from each other. Aim: 0.95.",
    "not copies, all pairs": "The same against the nearest hundredth of all pairs of training "
    "images: stricter.",
    "mask contrast": "Chance that a pixel in the mask stands out more than one beside it. 0.5: the "
    "mask lies anywhere.",
    "SSIM": "Structure in common, pair by pair; a grey field does well too, so look at matched "
    "minus random.",
    "MS-SSIM": "The same over several scales: coarse structure counts more.",
    "wavelet distance": "How different a pair looks on fixed wavelets: 0 the same, about 1 "
    "unrelated.",
    "mask IoU": "Overlap of the painted with the exact mask.",
}


def table(figures: pd.DataFrame, metrics: list[str], subjects: dict[str, str], name: str) -> None:
    """One row a measure, one column a subject; below, what each means. figures: rows of the run.

    subjects: as in the rows → as the column is called. A measure that no row has is left out.
    """
    by_name = facts.by_name(figures)
    columns = [s for s in subjects if any((s, m) in by_name for m in metrics)]
    rows = []
    for metric in metrics:
        found = [by_name.get((subject, metric)) for subject in columns]
        if any(row is not None for row in found):
            cells = {subjects[s]: words(row) for s, row in zip(columns, found, strict=True)}
            rows.append({"measure": metric} | cells)
    st.table(pd.DataFrame(rows), border="horizontal", hide_index=True, alt="Measures with controls")
    st.caption("  \n".join(f"**{row['measure']}**: {MEANINGS[row['measure']]}" for row in rows))
    charts.csv(figures.drop(columns="run_id"), name)


def words(figure: Figure | None) -> str:
    """`0.62 [0.53, 0.72]`; of large values whole numbers."""
    if figure is None or figure.value != figure.value:
        return "–"
    if max(abs(figure.value), abs(figure.high)) < 20:
        return charts.interval(figure.value, figure.low, figure.high)
    bounds = "" if figure.low != figure.low else f" [{figure.low:.0f}, {figure.high:.0f}]"
    return f"{figure.value:.0f}{bounds}"
