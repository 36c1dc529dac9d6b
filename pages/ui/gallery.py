"""Pictures in pages of a grid, with boxes and masks drawn over them on request."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from backend.core import registry, runs
from backend.core.runs import Run
from backend.images import curation, imagefiles, pictures
from backend.records import UserError
from pages.ui import caveats, charts

PAGE_SIZE = 24
HIT, MISS = "#56B4E9", "#CC79A7"


def show_images(run: Run) -> None:
    """The images of a run as people left them, with a page, a source label and overlays."""
    images, boxes = curation.images(run.folder), curation.boxes(run.folder)
    result = vars(runs.result(run, registry.get(run.kind).result_type))
    caveats.noted(result.get("notes", ()))
    charts.metrics([_tile(k, v) for k, v in result.items() if _is_figure(v)])
    told = [f"{_named(k)}: {v}" for k, v in result.items() if isinstance(v, str) and v]
    if told:
        st.caption(charts.plain(". ".join(told) + "."))
    names = " and ".join(sorted(set(images["source"].dropna())))
    overlays = ["boxes", "masks"] if images["mask_path"].notna().any() else ["boxes"]
    chosen = st.pills("Show over the images", overlays, selection_mode="multi", default=["boxes"])
    grid(run, images, boxes, f"{names} image", "boxes" in chosen, "masks" in chosen)
    charts.csv(boxes, f"boxes-{run.id}")


def _is_figure(value: Any) -> bool:
    """A number, and a known one."""
    return isinstance(value, (int, float)) and value == value


def _named(key: str) -> str:
    return key.replace("_", " ").capitalize()


def _tile(key: str, value: float) -> tuple[str, str, str]:
    """A figure of a run of images: its name, its value with its unit, and what it means."""
    known = {
        "mask_share": ("Area in masks", f"{value:.1%}", "Mean share of an image that is defect"),
        "size": ("Size", f"{value:.0f} px", "Edge of each image"),
        "without": ("Without a box", str(value), "Images in which nothing was found"),
        "mean_confidence": ("Confidence", f"{value:.2f}", "Mean of the boxes: how sure, 0 to 1"),
        "intact": ("Intact", str(value), "Images without a defect"),
    }
    return known.get(key, (_named(key), charts.words(value), ""))


def grid(
    run: Run,
    images: pd.DataFrame,
    boxes: pd.DataFrame,
    words: str,
    with_boxes: bool,
    with_masks: bool,
) -> None:
    """One page of thumbnails. words: what the pictures are, for their captions and alt text."""
    rows = page_of(images, f"page-{run.id}")
    by_image = dict(list(boxes.groupby("image")))
    with st.container(horizontal=True):
        for row in rows.itertuples():
            path = run.folder / row.path
            pixels = overlaid(
                path,
                run.folder / row.mask_path
                if with_masks and isinstance(row.mask_path, str)
                else None,
                by_image.get(row.image) if with_boxes else None,
            )
            count = len(by_image.get(row.image, ()))
            caption = f"{row.image.rsplit('/', 1)[-1]} · {_state(row, count)}"
            st.image(pixels, caption=caption, width=160, alt=f"{words} {row.image}, {count} boxes")


def _state(row: Any, boxes: int) -> str:
    """What is known about an image, in a few words."""
    if row.verdict == "rejected":
        return "rejected"
    if not row.labelled:
        return "not labelled"
    return f"{boxes} box{'' if boxes == 1 else 'es'}" if boxes else "intact"


def page_of(frame: pd.DataFrame, key: str, size: int = PAGE_SIZE) -> pd.DataFrame:
    """The rows of the page chosen with a pager; no pager where one page is enough."""
    pages = max(1, -(-len(frame) // size))
    page = 1
    if pages > 1:
        page = st.pagination(pages, key=key)
    return frame.iloc[(page - 1) * size : page * size]


@st.cache_data(ttl=600, max_entries=2000, show_spinner=False)
def _read(path: str, edge: int) -> tuple[np.ndarray, tuple[int, int]]:
    """The picture as edge × edge px, and its own height and width; grey where it cannot be read."""
    try:
        pixels = imagefiles.read_rgb(Path(path))
    except UserError:
        return np.full((edge, edge, 3), 128, np.uint8), (edge, edge)
    return pictures.resized(pixels, edge), pixels.shape[:2]


def overlaid(
    path: Path,
    mask_path: Path | None,
    boxes: pd.DataFrame | None,
    edge: int = 256,
    predictions: pd.DataFrame | None = None,
) -> np.ndarray:
    """A square thumbnail with the mask tinted in, and true and predicted boxes over it."""
    mask = None if mask_path is None else _read(str(mask_path), edge)[0][..., 0] > 64
    pixels, (height, width) = _read(str(path), edge)
    scale = edge / width, edge / height
    marks = (
        [] if boxes is None else [_mark(b, scale, pictures.BOX_COLOUR) for b in boxes.itertuples()]
    )
    for box in [] if predictions is None else predictions.itertuples():
        marks.append(_mark(box, scale, HIT if box.correct else MISS, f"{box.confidence:.2f}"))
    return pictures.annotated(pixels, marks, mask)


def _mark(box: Any, scale: tuple[float, float], colour: str, text: str = "") -> pictures.Mark:
    x, y = scale
    return pictures.Mark((box.x1 * x, box.y1 * y, box.x2 * x, box.y2 * y), colour, text)
