"""Pixels of an industrial camera as a PNG, by their names in the Pixel Format Naming Convention."""

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.records import UserError


@dataclass(frozen=True)
class Format:
    """channels: values a pixel. to_bgr: OpenCV's conversion, None where there is nothing to do.
    deep: two bytes a value."""

    channels: int = 1
    to_bgr: int | None = None
    deep: bool = False


# The naming convention names a mosaic by its first row's first two pixels, as OpenCV's long names
# do; OpenCV's short names go by the second row.
FORMATS: Mapping[str, Format] = {
    "Mono8": Format(),
    **{f"Mono{bits}": Format(deep=True) for bits in (10, 12, 14, 16)},
    "BayerRG8": Format(1, cv2.COLOR_BayerRGGB2BGR),
    "BayerGR8": Format(1, cv2.COLOR_BayerGRBG2BGR),
    "BayerGB8": Format(1, cv2.COLOR_BayerGBRG2BGR),
    "BayerBG8": Format(1, cv2.COLOR_BayerBGGR2BGR),
    "RGB8": Format(3, cv2.COLOR_RGB2BGR),
    "BGR8": Format(3),
    "RGBa8": Format(4, cv2.COLOR_RGBA2BGR),
    "BGRa8": Format(4, cv2.COLOR_BGRA2BGR),
}


def png(values: NDArray[np.uint8 | np.uint16], height: int, width: int, name: str) -> bytes:
    """A frame as PNG, grey or in colour. values: all of it in one row; what a camera puts behind
    each line of the picture to fill it up is passed over. Raises UserError for a format that is
    none of FORMATS, or fewer values than its picture has."""
    known = format_of(name)
    if known.deep:
        values = values.view(np.uint16)
    if not height or values.size % height or values.size // height < width * known.channels:
        raise UserError(f"{values.size} values are no picture of {width} × {height} px in {name}.")
    lines = values.reshape(height, -1)[:, : width * known.channels]
    shape = (height, width) if known.channels == 1 else (height, width, known.channels)
    flat = np.ascontiguousarray(lines).reshape(shape)
    pixels = flat if known.to_bgr is None else cv2.cvtColor(flat, known.to_bgr)
    return cv2.imencode(".png", pixels)[1].tobytes()


def format_of(name: str) -> Format:
    """Raises UserError for a format that is none of FORMATS."""
    if name not in FORMATS:
        raise UserError(
            f"Pixel format: '{name}' is not read here. Choose one of {', '.join(FORMATS)}, such as "
            "with --pixel-format Mono8."
        )
    return FORMATS[name]
