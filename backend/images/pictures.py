"""Pictures: tiled, annotated, resized."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from backend.images.imagefiles import read_rgb

MASK_COLOUR, BOX_COLOUR = (213, 94, 0), "#E69F00"


def read_mask(path: Path, size: int) -> np.ndarray:
    """A mask as bool [size, size]; a pixel counts where a quarter of it is defect."""
    small = Image.fromarray(read_rgb(path)[..., 0]).resize((size, size), Image.Resampling.BOX)
    return np.asarray(small) >= 64


def resized(pixels: np.ndarray, size: int) -> np.ndarray:
    """The image as size × size px, averaged where it shrinks."""
    if pixels.shape[:2] == (size, size):
        return pixels
    return np.asarray(Image.fromarray(pixels).resize((size, size), Image.Resampling.LANCZOS))


def sheet(images: Sequence[np.ndarray], columns: int = 0, gap: int = 2) -> np.ndarray:
    """Images of one size tiled on white: uint8 [rows, columns, 3]."""
    columns = columns or math.ceil(math.sqrt(len(images)))
    rows = math.ceil(len(images) / columns)
    height, width = images[0].shape[:2]
    canvas = np.full(
        (rows * (height + gap) - gap, columns * (width + gap) - gap, 3), 255, dtype=np.uint8
    )
    for index, image in enumerate(images):
        top, left = (index // columns) * (height + gap), (index % columns) * (width + gap)
        canvas[top : top + height, left : left + width] = image
    return canvas


@dataclass(frozen=True)
class Mark:
    """A box to draw: xyxy in px, its colour, and a word at its corner."""

    xyxy: tuple[float, float, float, float]
    colour: str = BOX_COLOUR
    text: str = ""


def annotated(
    pixels: np.ndarray, marks: Sequence[Mark] = (), mask: np.ndarray | None = None
) -> np.ndarray:
    """A copy of uint8 [H, W, 3] with a mask bool [H, W] tinted in and boxes drawn."""
    shown = pixels.copy()
    if mask is not None:
        shown[mask] = (0.45 * shown[mask] + 0.55 * np.array(MASK_COLOUR)).astype(np.uint8)
    image = Image.fromarray(shown)
    draw = ImageDraw.Draw(image)
    for mark in marks:
        draw.rectangle(mark.xyxy, outline=mark.colour, width=max(1, len(pixels) // 100))
        draw.text((mark.xyxy[0] + 3, mark.xyxy[1] + 2), mark.text, fill=mark.colour)
    return np.asarray(image)
