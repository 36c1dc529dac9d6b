"""Predictions beside truth: pictures of hits, false alarms and missed defects, worst first."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import streamlit as st

from backend.core.runs import Run
from backend.detection import curves
from backend.detection.evaluation import Judged
from pages.ui import gallery

SHOWN = {
    "images with an error": lambda t: (t["missed"] + t["false_alarms"]) > 0,
    "missed defects": lambda t: t["missed"] > 0,
    "false alarms": lambda t: t["false_alarms"] > 0,
    "found defects": lambda t: t["hits"] > 0,
    "intact images": lambda t: t["boxes"] == 0,
    "all images": lambda t: t["boxes"] >= 0,
}
PAGE = 12


def confidence(start: float, key: str, help: str, least: float = 0.0) -> float:
    """A slider over the confidences there are to work at; it begins exactly at `start`."""
    start = max(start, least)
    at = float(st.slider("Confidence", least, 1.0, start, 0.001, "%.3f", key=key, help=help))
    return at if at == start else round(at, 3)


def show(
    run: Run, images: pd.DataFrame, truths: pd.DataFrame, judged: Judged, confidence: float
) -> None:
    """A page of pictures, those with most errors first."""
    rows = curves.by_image(images, judged, confidence)
    left, right = st.columns([2, 1], vertical_alignment="bottom")
    wanted = left.selectbox("Show", list(SHOWN), key=f"gallery-show-{run.id}")
    chosen: Callable[[pd.DataFrame], pd.Series] = SHOWN[wanted]
    rows = rows[chosen(rows)]
    right.markdown(f"**{len(rows)}** images")
    st.caption(
        "Orange: true box. Blue: prediction that fits (half of both areas shared, IoU at least "
        "0.5). Pink: false alarm. The number is how sure the detector is. "
        "Worst first: most errors, then the surest false alarm."
    )
    errors = rows["missed"] + rows["false_alarms"]
    rows = rows.assign(errors=errors).sort_values(["errors", "sureness"], ascending=False)
    _pictures(run, gallery.page_of(rows, f"gallery-{run.id}", PAGE), truths, judged, confidence)


def _pictures(
    run: Run, rows: pd.DataFrame, truths: pd.DataFrame, judged: Judged, confidence: float
) -> None:
    by_truth = dict(list(truths.groupby("image")))
    with st.container(horizontal=True):
        for row in rows.itertuples():
            mine = (judged.image == row.Index) & judged.drawn(confidence)
            picture = gallery.overlaid(
                run.folder / row.path, None, by_truth.get(row.image), 320, _boxes(judged, mine)
            )
            words = f"{row.hits} found, {row.missed} missed, {row.false_alarms} false"
            caption = f"{row.source}: {words}" if row.boxes else f"{row.source}: intact, {words}"
            st.image(picture, width=250, caption=caption, alt=f"{row.image}: {caption}")


def _boxes(judged: Judged, mine: np.ndarray) -> pd.DataFrame:
    frame = pd.DataFrame(judged.xyxy[mine], columns=["x1", "y1", "x2", "y2"])
    return frame.assign(confidence=judged.confidence[mine], correct=judged.correct[mine])
