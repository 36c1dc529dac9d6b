"""Which images of a run the contact sheet shows, and in which order."""

import json
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import streamlit as st

from backend.core import facts
from backend.core.runs import Run
from backend.images import duplicates

UNDECIDED = "undecided"
VERDICTS = ("all", UNDECIDED, "kept", "rejected")
AS_MADE, DISPUTED = "as made", "least certain first"


@dataclass(frozen=True)
class Filters:
    """What the sheet shows; "" and False are no condition."""

    verdict: str
    class_name: str
    source: str
    label_source: str
    prompt: str
    duplicates: bool
    disputed: bool
    overlays: tuple[str, ...]


def ask(run: Run, images: pd.DataFrame, boxes: pd.DataFrame) -> Filters:
    """The filters as they are set here. images, boxes: the run's rows as people left them."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        verdict = st.pills("Verdict", VERDICTS, default="all", key=f"verdict-{run.id}")
        with st.popover("Filter and order", icon=":material/filter_list:"):
            class_name = _choice("Class", boxes["class_name"], f"class-{run.id}")
            source = _choice("Images are", images["source"], f"source-{run.id}")
            label_source = _choice("Boxes come from", boxes["source"], f"labels-{run.id}")
            prompt = _choice("Prompt", _prompts(run.id, run.folder), f"prompt-{run.id}")
            order = st.radio("Order", (AS_MADE, DISPUTED), key=f"order-{run.id}", horizontal=True)
            alike = st.toggle(
                "Near-duplicates only",
                key=f"alike-{run.id}",
                help="Images that differ in little but size, brightness or compression. Different "
                "defects on one and the same background may count as such.",
            )
            overlays = st.pills(
                "Over the images",
                ("boxes", "masks"),
                selection_mode="multi",
                default="boxes",
                key=f"over-{run.id}",
            )
    return Filters(
        verdict=verdict or "all",
        class_name=class_name,
        source=source,
        label_source=label_source,
        prompt=prompt,
        duplicates=alike,
        disputed=order == DISPUTED,
        overlays=tuple(overlays),
    )


def _choice(label: str, values: pd.Series, key: str) -> str:
    """One of the values that occur, "" for any; not asked where there is nothing to choose."""
    found = sorted({str(v) for v in values.dropna()} - {""})
    if len(found) < 2:
        return ""
    chosen = st.selectbox(label, ["", *found], format_func=lambda v: v or "any", key=key)
    return chosen or ""


def applied(run: Run, images: pd.DataFrame, boxes: pd.DataFrame, filters: Filters) -> pd.DataFrame:
    """The image rows that meet the filters, in order.

    Columns more: `certainty`, the lowest confidence of its boxes, NaN without one; `alike`, its
    group of near-duplicates, 0 where it has none or nobody asked.
    """
    certainty = boxes.groupby("image")["confidence"].min()
    rows = images.assign(alike=0, certainty=images["image"].map(certainty))
    if filters.duplicates:
        rows = rows.assign(alike=rows["image"].map(_groups(run.id, run.folder)))
        rows = rows[(rows["alike"] > 0) & rows.duplicated("alike", keep=False)]
    if filters.verdict != "all":
        rows = rows[rows["verdict"] == ("" if filters.verdict == UNDECIDED else filters.verdict)]
    if filters.source:
        rows = rows[rows["source"] == filters.source]
    if filters.prompt:
        rows = rows[rows["image"].map(_prompts(run.id, run.folder)) == filters.prompt]
    for column, value in (("class_name", filters.class_name), ("source", filters.label_source)):
        rows = rows[rows["image"].isin(boxes[boxes[column] == value]["image"])] if value else rows
    if filters.disputed:
        rows = rows.sort_values("certainty", kind="stable")
    return rows.sort_values("alike", kind="stable") if filters.duplicates else rows


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
