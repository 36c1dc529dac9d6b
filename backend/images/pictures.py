"""Pictures: tiled, annotated, resized."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from io import BytesIO

import numpy as np
from PIL import Image, ImageDraw, ImageFont

MASK_COLOUR, BOX_COLOUR = (213, 94, 0), "#E69F00"
HALO = "#14191C"  # about every line, so that it is seen on bright pictures too


def resized_mask(mask: np.ndarray, size: int) -> np.ndarray:
    """A mask uint8 [H, W] as bool [size, size]; a pixel counts where a quarter of it is defect."""
    small = Image.fromarray(mask).resize((size, size), Image.Resampling.BOX)
    return np.asarray(small) >= 64


def resized(pixels: np.ndarray, size: int) -> np.ndarray:
    """The image as size × size px, averaged where it shrinks."""
    if pixels.shape[:2] == (size, size):
        return pixels
    return np.asarray(Image.fromarray(pixels).resize((size, size), Image.Resampling.LANCZOS))


def fitted(pixels: np.ndarray, edge: int) -> np.ndarray:
    """The picture shrunk so that its longer edge is at most `edge` px; its shape is kept."""
    image = Image.fromarray(pixels)
    image.thumbnail((edge, edge))
    return np.asarray(image)


def scaled(pixels: np.ndarray, edge: int) -> np.ndarray:
    """The picture with a longer edge of `edge` px, larger too; its shape is kept."""
    height, width = pixels.shape[:2]
    share = edge / max(height, width)
    size = max(1, round(width * share)), max(1, round(height * share))
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS))


def like(pixels: np.ndarray, other: np.ndarray) -> np.ndarray:
    """The picture as wide and high as another."""
    return np.asarray(Image.fromarray(pixels).resize(other.shape[1::-1]))


def encoded(pixels: np.ndarray, kind: str = "jpeg", quality: int = 95) -> bytes:
    """uint8 [H, W, 3] as a file that a browser shows."""
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, kind, quality=quality)
    return buffer.getvalue()


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
    """A box to draw: xyxy in px, its colour, a word at its corner, and whether its line is broken,
    as that of a prediction."""

    xyxy: tuple[float, float, float, float]
    colour: str = BOX_COLOUR
    text: str = ""
    dashed: bool = False

    def scaled(self, across: float, down: float) -> "Mark":
        """The same in a picture so many times as wide and as high."""
        left, top, right, bottom = self.xyxy
        return replace(self, xyxy=(left * across, top * down, right * across, bottom * down))


def annotated(
    pixels: np.ndarray, marks: Sequence[Mark] = (), mask: np.ndarray | None = None
) -> np.ndarray:
    """A copy of uint8 [H, W, 3] with a mask bool [H, W] tinted in and boxes drawn."""
    shown = pixels.copy()
    if mask is not None:
        shown[mask] = (0.45 * shown[mask] + 0.55 * np.array(MASK_COLOUR)).astype(np.uint8)
    image = Image.fromarray(shown)
    draw = ImageDraw.Draw(image)
    width = max(1, max(pixels.shape[:2]) // 110)
    for mark in marks:
        _outline(draw, mark, width)
    for mark in marks:  # words last: no line runs through them
        if mark.text:
            _word(draw, mark, image.size)
    return np.asarray(image)


def _outline(draw: ImageDraw.ImageDraw, mark: Mark, width: int) -> None:
    left, top, right, bottom = mark.xyxy
    right, bottom = max(left, right), max(top, bottom)
    draw.rectangle((left - 1, top - 1, right + 1, bottom + 1), outline=HALO, width=width + 2)
    if not mark.dashed:
        draw.rectangle((left, top, right, bottom), outline=mark.colour, width=width)
        return
    dash = 4 * width
    for y in (top, bottom - width + 1):
        for x in np.arange(left, right, 2 * dash):
            draw.rectangle((x, y, min(x + dash, right), y + width - 1), fill=mark.colour)
    for x in (left, right - width + 1):
        for y in np.arange(top, bottom, 2 * dash):
            draw.rectangle((x, y, x + width - 1, min(y + dash, bottom)), fill=mark.colour)


def _word(draw: ImageDraw.ImageDraw, mark: Mark, size: tuple[int, int]) -> None:
    """The mark's word above its box, or inside where there is no room above."""
    font = ImageFont.load_default(max(10, max(size) // 28))
    _, _, wide, high = font.getbbox(mark.text)
    x = min(mark.xyxy[0], size[0] - wide - 2)
    y = mark.xyxy[1] - high - 3 if mark.xyxy[1] > high + 3 else mark.xyxy[1] + 2
    draw.text((x, y), mark.text, fill=mark.colour, font=font, stroke_width=2, stroke_fill=HALO)
