"""Pictures in pages of a grid, with boxes and masks drawn over them on request."""

from pathlib import Path

import numpy as np
import pandas as pd
import streamlit as st
from PIL import Image, ImageDraw

from backend.runs import Run
from backend.synthesis import pictures
from pages.ui import charts, owner

PAGE_SIZE = 24
TRUTH, HIT, MISS = "#E69F00", "#56B4E9", "#D55E00"


def show_images(run: Run) -> None:
    """The images of a teacher or data set run, with a page, a source label and overlays."""
    images = owner.store().facts("images", run.id)
    boxes = owner.store().facts("boxes", run.id)
    result = run.result or {}
    entries = [(k.replace("_", " ").capitalize(), charts.words(v), "") for k, v in result.items()]
    charts.metrics(entries)
    names = " and ".join(sorted(set(images["source"].dropna())))
    overlays = ["boxes", "masks"] if images["mask_path"].notna().any() else ["boxes"]
    chosen = st.pills("Show over the images", overlays, selection_mode="multi", default=["boxes"])
    grid(run, images, boxes, f"{names} image", "boxes" in chosen, "masks" in chosen)
    charts.csv(boxes.drop(columns="run_id"), f"boxes-{run.id}")


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
            caption = f"{row.image} · {count} box{'' if count == 1 else 'es'}"
            st.image(pixels, caption=caption, width=160, alt=f"{words} {row.image}, {count} boxes")


def page_of(frame: pd.DataFrame, key: str, size: int = PAGE_SIZE) -> pd.DataFrame:
    """The rows of the page chosen with a pager; no pager where one page is enough."""
    pages = max(1, -(-len(frame) // size))
    page = 1
    if pages > 1:
        page = st.pagination(pages, key=key)
    return frame.iloc[(page - 1) * size : page * size]


@st.cache_data(ttl=600, max_entries=2000, show_spinner=False)
def _read(path: str, edge: int) -> np.ndarray:
    return pictures.resized(pictures.read_rgb(Path(path)), edge)


def overlaid(
    path: Path,
    mask_path: Path | None,
    boxes: pd.DataFrame | None,
    edge: int = 256,
    predictions: pd.DataFrame | None = None,
) -> Image.Image:
    """A square thumbnail with the mask tinted in, and true and predicted boxes over it."""
    with Image.open(path) as original:
        width, height = original.size
    pixels = _read(str(path), edge)
    if mask_path is not None:
        mask = _read(str(mask_path), edge)[..., :1] > 64
        pixels = np.where(mask, (0.45 * pixels + 0.55 * np.array([213, 94, 0])), pixels)
        pixels = pixels.astype(np.uint8)
    image = Image.fromarray(pixels)
    draw = ImageDraw.Draw(image)
    scale = (edge / width, edge / height)
    for frame, is_truth in ((boxes, True), (predictions, False)):
        for box in [] if frame is None else frame.itertuples():
            corners = [box.x1 * scale[0], box.y1 * scale[1], box.x2 * scale[0], box.y2 * scale[1]]
            colour = TRUTH if is_truth else HIT if box.correct else MISS
            draw.rectangle(corners, outline=colour, width=3 if is_truth else 2)
            if not is_truth:
                draw.text((corners[0] + 3, corners[1] + 2), f"{box.confidence:.2f}", fill=colour)
    return image
