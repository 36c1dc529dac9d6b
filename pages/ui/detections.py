"""Predictions beside truth: pictures of hits, false alarms and missed defects, worst first."""

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from backend.core import runs
from backend.core.runs import Run
from backend.detection import curves, evaluation
from backend.detection.detector.spec import Result
from backend.detection.evaluation import Judged
from backend.images import curation, palette
from pages.ui import charts, gallery, links, resources

SHOWN = {
    "images with an error": lambda t: (t["missed"] + t["false_alarms"]) > 0,
    "missed defects": lambda t: t["missed"] > 0,
    "false alarms": lambda t: t["false_alarms"] > 0,
    "found defects": lambda t: t["hits"] > 0,
    "good parts": lambda t: t["boxes"] == 0,
    "all images": lambda t: t["boxes"] >= 0,
}
PAGE = 12
LEGEND = (
    "Whole line: true box. Broken line: what the detector drew, with how sure it is; “false” where "
    "it fits no true box (half of both areas shared, IoU at least 0.5)."
)
ORDERS = ("most wrong first", "by name")


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
    rows = _filtered(run, rows, truths, judged, confidence)
    st.caption(LEGEND)
    shown = gallery.page_of(rows, f"gallery-{run.id}-{len(rows)}", PAGE)
    pictures(run, shown, truths, judged, confidence)


def _filtered(
    run: Run, rows: pd.DataFrame, truths: pd.DataFrame, judged: Judged, confidence: float
) -> pd.DataFrame:
    """The images that are asked for here, in order. rows: of `curves.by_image`."""
    columns = iter(st.columns(4))
    wanted = next(columns).selectbox("Show", list(SHOWN), key=f"gallery-show-{run.id}")
    order = next(columns).selectbox("Order", ORDERS, key=f"gallery-order-{run.id}")
    of_class = _choice(columns, "Class", _classes(truths, judged), f"gallery-class-{run.id}")
    source = _choice(columns, "Images are", set(rows["source"]), f"gallery-source-{run.id}")
    chosen: Callable[[pd.DataFrame], pd.Series] = SHOWN[wanted]
    found = chosen(rows)
    if source:
        found &= rows["source"] == source
    if of_class:
        found &= curves.shows_class(rows, judged, truths, of_class, confidence)
    rows = rows[found]
    st.markdown(f"**{len(rows)}** images")
    return curves.most_wrong(rows) if order == ORDERS[0] else rows.sort_values("image")


def _choice(columns: Iterator[DeltaGenerator], label: str, values: set[str], key: str) -> str:
    """One of the values, "" for any; not asked where there is one alone."""
    if len(values) < 2:
        return ""
    options = ["", *sorted(values)]
    asked = next(columns).selectbox(label, options, format_func=lambda v: v or "any", key=key)
    return str(asked)


def _classes(truths: pd.DataFrame, judged: Judged) -> set[str]:
    return {*truths["class_name"].astype(str), *judged.names}


def pictures(
    run: Run, rows: pd.DataFrame, truths: pd.DataFrame, judged: Judged, confidence: float
) -> None:
    """Test images with true and predicted boxes. rows: of `curves.by_image`."""
    truths = truths.assign(missed=~curves.found(judged, confidence))
    by_truth = dict(list(truths.groupby("image")))
    colours = palette.colours(_classes(truths, judged))
    gallery.legend(colours)
    drawn = {place: curves.predictions_of(judged, place, confidence) for place in rows.index}
    counts = [n + len(drawn[place]) for place, n in rows["boxes"].items()]
    most = gallery.most_boxes(max(counts, default=0), run.id)
    names = curation.shown_names(rows)
    with st.container(horizontal=True, key=f"large-pictures-{run.id}"):
        for index, row, name in zip(rows.index, rows.to_dict("records"), names, strict=True):
            truth = by_truth.get(row["image"], truths.iloc[:0])
            picture = gallery.overlaid(
                *(run.folder / row["path"], None, truth, 320),
                colours=colours,
                most=most,
                predictions=drawn[index],
            )
            words = f"{row['hits']} found, {row['missed']} missed, {row['false_alarms']} false"
            state = words if row["boxes"] else f"good, {words}"
            caption = charts.plain(f"{name} · {row['source']}: {state}")
            with st.container(width=250, gap="xxsmall"):
                st.image(picture, width="stretch", caption=caption, alt=f"{name}: {state}")
                _correct(run, row["path"])


def _correct(run: Run, path: str) -> None:
    """A way to the labels of a test image that came from a set of this program."""
    home = curation.home_of(run.folder, path)
    if home and any(f"-{kind}-" in home[0] for kind in links.CURATED):
        links.to_label(*home)


def judged(run: Run) -> tuple[Judged, pd.DataFrame, pd.DataFrame]:
    """What a detector drew on its test images, these images, and the true boxes in the order of
    the first."""
    images = resources.facts("images", run)
    truths = _in_order(resources.facts("boxes", run), images)
    return _matched(run.id, str(run.finished)), images, truths


@st.cache_data(ttl=3600, max_entries=8, show_spinner="Matching boxes …")
def _matched(run_id: str, finished: str) -> Judged:
    run = resources.supervisor().find(run_id)
    images, boxes, found = (resources.facts(t, run) for t in ("images", "boxes", "predictions"))
    names = runs.result(run, Result).classes or ("defect",)
    return evaluation.from_rows(images, boxes, found, names)


def _in_order(boxes: pd.DataFrame, images: pd.DataFrame) -> pd.DataFrame:
    """Box rows in the order of `Judged`: image by image."""
    place = {name: number for number, name in enumerate(images["image"])}
    return boxes.iloc[np.argsort(boxes["image"].map(place).to_numpy(), kind="stable")]
