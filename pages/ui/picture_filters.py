"""Which images of a run a gallery or the contact sheet shows, in which order, and how."""

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import streamlit as st

from backend.core import facts, runs
from backend.core.runs import Run
from backend.images import duplicates

UNDECIDED = "undecided"
VERDICTS = ("all", UNDECIDED, "kept", "rejected")
AS_MADE, DISPUTED, CROWDED = "as made", "least certain first", "most boxes first"
EVERY = (0.0, 1.0)
OVERLAYS = ("boxes", "masks")


@dataclass(frozen=True)
class Filters:
    """What the sheet shows; "" and False are no condition."""

    verdict: str
    class_name: str
    source: str
    split: str
    tag: str
    label_source: str
    prompt: str
    confidence: tuple[float, float]
    duplicates: bool
    order: str
    overlays: tuple[str, ...]


def ask(run: Run, images: pd.DataFrame, boxes: pd.DataFrame) -> Filters:
    """The filters as they are set here. images, boxes: the run's rows as people left them."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        verdict = st.pills("Verdict", VERDICTS, default="all", key=f"verdict-{run.id}")
        with st.popover("Filter and order", icon=":material/filter_list:"):
            class_name = _choice(run, "Class", boxes["class_name"], f"class-{run.id}")
            source = _choice(run, "Images are", images["source"], f"source-{run.id}")
            split = _choice(run, "Split", images["split"], f"split-{run.id}")
            tag = _choice(run, "Tag", images["tag"], f"tag-{run.id}", 1)
            label_source = _choice(run, "Boxes come from", boxes["source"], f"labels-{run.id}")
            prompt = _choice(run, "Prompt", _prompts(run.id, run.folder), f"prompt-{run.id}")
            confidence = _confidence(boxes, f"sure-{run.id}")
            orders = (AS_MADE, DISPUTED, CROWDED)
            order = st.radio("Order", orders, key=f"order-{run.id}", horizontal=True)
            alike = st.toggle(
                "Near-duplicates only",
                key=f"alike-{run.id}",
                help="Images that differ in little but size, brightness or compression. Different "
                "defects on one and the same background may count as such.",
            )
            overlays = st.pills(
                "Over the images",
                OVERLAYS if images["mask_path"].notna().any() else OVERLAYS[:1],
                selection_mode="multi",
                default="boxes",
                key=f"over-{run.id}",
            )
    return Filters(
        verdict=verdict or "all",
        class_name=class_name,
        source=source,
        split=split,
        tag=tag,
        label_source=label_source,
        prompt=prompt,
        confidence=confidence,
        duplicates=alike,
        order=order or AS_MADE,
        overlays=tuple(overlays),
    )


def _choice(run: Run, label: str, values: pd.Series, key: str, least: int = 2) -> str:
    """One of the values that occur, "" for any; not asked where there are fewer than `least`."""
    edits = runs.state_of(run.folder / runs.EDITS)
    found = _different(run.id, run.finished, edits, key, values)
    if len(found) < least:
        return ""
    chosen = st.selectbox(label, ["", *found], format_func=lambda v: v or "any", key=key)
    return chosen or ""


@st.cache_data(ttl=3600, max_entries=500, show_spinner=False)
def _different(
    run_id: str, finished: datetime | None, edits: runs.FileState, key: str, _values: pd.Series
) -> list[str]:
    """The values that occur, looked for once until people decide something anew."""
    return sorted({str(v) for v in _values.dropna().unique()} - {""})


def _confidence(boxes: pd.DataFrame, key: str) -> tuple[float, float]:
    """Between which confidences a box must lie; not asked where all are certain."""
    if not (boxes["confidence"] < 1).any():
        return EVERY
    low, high = st.slider("An image with a box of confidence", 0.0, 1.0, EVERY, key=key)
    return float(low), float(high)


def applied(run: Run, images: pd.DataFrame, boxes: pd.DataFrame, filters: Filters) -> pd.DataFrame:
    """The image rows that meet the filters, in order.

    Columns more: `certainty`, the lowest confidence of its boxes, NaN without one or where they are
    not in that order; `alike`, its group of near-duplicates, 0 where it has none or nobody asked.
    """
    rows = images.assign(alike=0, certainty=np.nan)
    if filters.order == DISPUTED:
        certainty = boxes.groupby("image")["confidence"].min()
        rows = rows.assign(certainty=rows["image"].map(certainty))
    if filters.duplicates:
        rows = rows.assign(alike=rows["image"].map(_groups(run.id, run.folder)))
        rows = rows[(rows["alike"] > 0) & rows.duplicated("alike", keep=False)]
    if filters.verdict != "all":
        rows = rows[rows["verdict"] == ("" if filters.verdict == UNDECIDED else filters.verdict)]
    for column in ("source", "split", "tag"):
        value = getattr(filters, column)
        rows = rows[rows[column] == value] if value else rows
    if filters.prompt:
        rows = rows[rows["image"].map(_prompts(run.id, run.folder)) == filters.prompt]
    if (filters.class_name, filters.label_source, filters.confidence) != ("", "", EVERY):
        rows = rows[rows["image"].isin(_meant(boxes, filters)["image"])]
    if filters.order == DISPUTED:
        rows = rows.sort_values("certainty", kind="stable")
    if filters.order == CROWDED:
        count = boxes.groupby("image").size()
        by = rows["image"].map(count).fillna(0).sort_values(ascending=False, kind="stable")
        rows = rows.loc[by.index]
    return rows.sort_values("alike", kind="stable") if filters.duplicates else rows


def _meant(boxes: pd.DataFrame, filters: Filters) -> pd.DataFrame:
    """The box rows that one and the same box must be among."""
    low, high = filters.confidence
    found = boxes[boxes["confidence"].fillna(1.0).between(low, high)]
    for column, value in (("class_name", filters.class_name), ("source", filters.label_source)):
        found = found[found[column] == value] if value else found
    return found


@st.cache_data(ttl=3600, max_entries=20, show_spinner="Comparing all images …")
def _groups(run_id: str, _folder: Path) -> dict[str, int]:
    """Image → its group of near-duplicates, 0 where it has none."""
    rows = facts.read(_folder, "images")
    found = duplicates.near_duplicates([_folder / path for path in rows["path"]])
    return dict(zip(rows["image"], found, strict=True))


@st.cache_data(ttl=3600, max_entries=20, show_spinner=False)
def _prompts(run_id: str, _folder: Path) -> pd.Series:
    """Image → the prompt it was made from, "" where there is none."""
    rows = facts.read(_folder, "images")
    found = [json.loads(text) if isinstance(text, str) else {} for text in rows["params"]]
    words = [str(params.get("prompt", "")) for params in found]
    return pd.Series(words, index=rows["image"], dtype=object)
