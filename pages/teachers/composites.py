"""Composites: defects on photographs of good parts, before and after."""

import json
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from backend.composites import region
from backend.composites.spec import Result
from backend.core import runs
from backend.core.runs import Run
from backend.images import curation, imagefiles, pictures
from backend.records import Box, RunState, UserError
from backend.wording import counted
from pages.ui import charts, gallery, resources, run_choice, thumbnails, verdict
from pages.ui.components import box_editor
from pages.ui.run_view import kind_page

AMPLIFIED = 8
EDGE = 512
HIDDEN = ("class", "try", "seed")


def show(run: Run) -> None:
    result = runs.result(run, Result)
    words = (
        f"{counted(result.images, 'image')} from {counted(result.photographs, 'photograph')} of "
        f"good parts, with {counted(result.boxes, 'drawn defect')}. Compare a few with their "
        "photographs below, then learn from them."
    )
    verdict.told(words, run, ("dataset", "Make a data set with these images"))
    gallery.show_images(run)
    _compare(run)


def _compare(run: Run) -> None:
    """One image beside its photograph, with what was changed."""
    images = resources.facts("images", run)
    boxes = resources.facts("boxes", run)
    images = images[images["background_path"].notna() & images["image"].isin(set(boxes["image"]))]
    st.subheader("Before and after", anchor=False)
    if images.empty:
        st.caption(
            "No image of this run has a defect. Lower the share without a defect, and make others."
        )
        return
    rows = {row["image"]: row for row in images.to_dict("records")}
    name = st.selectbox("Image", list(rows), key=f"compare-{run.id}")
    row = rows[name]
    after, before = (_opened(run, row, column) for column in ("path", "background_path"))
    mask = _opened(run, row, "mask_path")[..., 0] >= 128
    views = (
        ("Photograph", before),
        ("With the defect", after),
        ("Mask", pictures.annotated(after, mask=mask)),
        (f"Difference × {AMPLIFIED}", _difference(before, after)),
    )
    for column, (words, pixels) in zip(st.columns(4), views, strict=True):
        column.image(pixels, caption=words, width="stretch", alt=f"{words}, image {name}")
    _say_how(json.loads(row["params"] or "{}"))


def _opened(run: Run, row: dict[Any, Any], column: str) -> np.ndarray:
    """A picture of the run, at most 512 px a side."""
    pixels = imagefiles.read_rgb(run.folder / row[column])
    step = -(-max(pixels.shape[:2]) // EDGE)
    return pixels[::step, ::step]


def _difference(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """What was added (bright) and taken (dark), about mid grey, uint8 [H, W, 3]."""
    change = after.astype(np.int16) - before.astype(np.int16)
    return np.clip(128 + AMPLIFIED * change, 0, 255).astype(np.uint8)


def _say_how(params: dict[str, Any]) -> None:
    """Where an image comes from, and a row for each of its defects."""
    left_out = params.get("left_out", 0)
    words = f"Photograph {charts.plain(params.get('photograph', ''))}."
    if left_out:
        words += f" {left_out} more would not have shown and {'was' if left_out == 1 else 'were'}"
        words += " left out."
    st.caption(words)
    found = [
        {"defect": defect["class"], **{k: v for k, v in defect.items() if k not in HIDDEN}}
        for defect in params.get("defects", [])
    ]
    help_text = {
        "contrast": st.column_config.NumberColumn(
            format="%.2f", help="Difference from the photograph, of full scale"
        ),
        "gain": st.column_config.NumberColumn(
            format="%.1f", help="How much the defect was strengthened so that it shows"
        ),
    }
    st.dataframe(pd.DataFrame(found), hide_index=True, column_config=help_text)


def _mark_region(form: str) -> None:
    """Draw the region on a photograph; it goes into the field of the form with that key."""
    field = f"{form}-region"
    names = run_choice.ended("generate", RunState.COMPLETED)
    if not names or not st.toggle("Mark on a photograph where defects may lie"):
        return
    chosen = st.selectbox("Photographs", list(names), format_func=names.__getitem__)
    run = resources.supervisor().find(chosen)
    images = curation.kept(run.folder)[0]
    if images.empty:
        st.caption("No image of this run was kept. Choose other photographs.")
        return
    row = images.iloc[0]
    src, width, height = thumbnails.large(str(run.folder / row["path"]))
    sight = box_editor.Sight(row["image"], src, width, height, "")
    box_editor.box_editor(
        sight,
        _drawn(st.session_state.get(field, ""), width, height),
        ["region"],
        {"region": pictures.BOX_COLOUR},
        f"region-{chosen}",
        lambda action: _take_region(action, field, width, height),
    )
    st.caption("Draw one box and save: it goes into the field Region of the form.")


def _drawn(text: str, width: int, height: int) -> list[Box]:
    """The region that the form holds now, as a box."""
    try:
        x1, y1, x2, y2 = region.parse(text)
    except UserError:
        return []
    corners = (x1 * width, y1 * height, x2 * width, y2 * height)
    return [Box("region", corners, source="hand")] if text else []


def _take_region(action: dict[str, Any], field: str, width: int, height: int) -> None:
    if not action["boxes"]:
        return
    x1, y1, x2, y2 = box_editor.boxes_of(action["boxes"])[-1].xyxy
    fractions = (x1 / width, y1 / height, x2 / width, y2 / height)
    st.session_state[field] = " ".join(f"{v:.3f}" for v in fractions)


kind_page(
    "composite",
    "Put defects on your own photographs of good parts. Each image keeps the untouched photograph "
    "beside it; the mask is what visibly differs.",
    show,
    _mark_region,
)
