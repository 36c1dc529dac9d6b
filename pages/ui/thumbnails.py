"""Images on their way to the browser: thumbnails with boxes over them, and the editor's picture."""

from pathlib import Path

import numpy as np
import pandas as pd
import streamlit as st
from PIL import Image

from backend.images import imagefiles, pictures
from backend.records import UserError
from pages.ui.components import mounting

THUMB, LARGE = 200, 1400  # px of the longer edge
MISSING = np.full((THUMB, THUMB, 3), 128, np.uint8)
Corners = tuple[tuple[float, float, float, float], ...]


def thumbnail(path: Path, boxes: pd.DataFrame | None, mask_path: Path | None = None) -> str:
    """The picture as a small data URL, its boxes and mask drawn in; grey if it is unreadable."""
    corners = (
        () if boxes is None else tuple(map(tuple, boxes[["x1", "y1", "x2", "y2"]].to_numpy(float)))
    )
    return _thumbnail(str(path), corners, str(mask_path or ""))


@st.cache_data(ttl=600, max_entries=3000, show_spinner=False)
def _thumbnail(path: str, corners: Corners, mask_path: str) -> str:
    try:
        pixels = imagefiles.read_rgb(Path(path))
        mask = imagefiles.read_rgb(Path(mask_path)) if mask_path else None
    except UserError:
        return mounting.data_url(MISSING)
    small = fitted(pixels, THUMB)
    y, x = small.shape[0] / pixels.shape[0], small.shape[1] / pixels.shape[1]
    marks = [pictures.Mark((a * x, b * y, c * x - 1, d * y - 1)) for a, b, c, d in corners]
    tint = None if mask is None else _like(mask, small)[..., 0] > 64
    return mounting.data_url(pictures.annotated(small, marks, tint))


@st.cache_data(ttl=600, max_entries=20, show_spinner=False)
def large(path: str) -> tuple[str, int, int]:
    """A picture as a data URL, and its own width and height, px. Raises UserError."""
    pixels = imagefiles.read_rgb(Path(path))
    height, width = pixels.shape[:2]
    kind = "png" if max(height, width) <= 512 else "jpeg"
    return mounting.data_url(fitted(pixels, LARGE), kind), width, height


def fitted(pixels: np.ndarray, edge: int) -> np.ndarray:
    """The picture shrunk so that its longer edge is at most `edge` px; its shape is kept."""
    image = Image.fromarray(pixels)
    image.thumbnail((edge, edge))
    return np.asarray(image)


def _like(pixels: np.ndarray, other: np.ndarray) -> np.ndarray:
    return np.asarray(Image.fromarray(pixels).resize(other.shape[1::-1]))
