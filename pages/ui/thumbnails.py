"""Images on their way to the browser: thumbnails with boxes over them, and the editor's picture."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import streamlit as st

from backend.images import imagefiles, marks, pictures
from backend.records import UserError
from pages.ui.components import mounting

THUMB, LARGE = 200, 1400  # px of the longer edge
MISSING = np.full((THUMB, THUMB, 3), 128, np.uint8)
Marks = tuple[tuple[float, float, float, float, str], ...]


def thumbnail(
    path: Path,
    boxes: pd.DataFrame | None,
    mask_path: Path | None = None,
    colours: Mapping[str, str] | None = None,
    most: int | None = marks.MOST,
) -> str:
    """The picture as a small data URL, its boxes and mask drawn in; grey if it is unreadable.

    colours: class → colour. most: boxes drawn, None for all.
    """
    drawn: Marks = ()
    if boxes is not None:
        drawn = tuple(
            (*mark.xyxy, mark.colour)
            for mark in marks.of_boxes(boxes, colours or {}, (1.0, 1.0), most)
        )
    return _thumbnail(str(path), drawn, str(mask_path or ""))


@st.cache_data(ttl=600, max_entries=3000, show_spinner=False)
def _thumbnail(path: str, drawn: Marks, mask_path: str) -> str:
    try:
        pixels = imagefiles.read_rgb(Path(path))
        mask = imagefiles.read_rgb(Path(mask_path)) if mask_path else None
    except UserError:
        return mounting.data_url(MISSING)
    small = pictures.fitted(pixels, THUMB)
    y, x = small.shape[0] / pixels.shape[0], small.shape[1] / pixels.shape[1]
    boxes = [
        pictures.Mark((a * x, b * y, c * x - 1, d * y - 1), colour) for a, b, c, d, colour in drawn
    ]
    tint = None if mask is None else pictures.like(mask, small)[..., 0] > 64
    return mounting.data_url(pictures.annotated(small, boxes, tint))


@st.cache_data(ttl=600, max_entries=20, show_spinner=False)
def large(path: str) -> tuple[str, int, int]:
    """A picture as a data URL, and its own width and height, px. Raises UserError."""
    pixels = imagefiles.read_rgb(Path(path))
    height, width = pixels.shape[:2]
    kind = "png" if max(height, width) <= 512 else "jpeg"
    return mounting.data_url(pictures.fitted(pixels, LARGE), kind), width, height
