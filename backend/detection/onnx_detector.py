"""A finished detector through ONNX Runtime: no PyTorch needed, so a page can use it.

The same steps as ultralytics' `predict`: the picture is fitted into a grey square, and of boxes
that overlap the surest is kept.
"""

import ast
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from backend.images.matching import box_iou
from backend.records import Box, UserError

NMS_IOU, MOST_BOXES, MOST_CANDIDATES = 0.7, 300, 3000
GREY = 114


@dataclass(frozen=True)
class Sighting:
    """What was found on a picture. milliseconds: from the picture to the boxes."""

    boxes: tuple[Box, ...]
    milliseconds: float


class OnnxDetector:
    """A detector's `artifacts/detector.onnx`. Raises UserError where it cannot be read."""

    def __init__(self, path: Path, threads: int = 1):
        from backend.numeric.onnx_session import open_session

        try:
            self.session = open_session(path, threads)
            about = self.session.get_modelmeta().custom_metadata_map
            self.names: dict[int, str] = ast.literal_eval(about["names"])
            self.size = int(self.session.get_inputs()[0].shape[-1])
        except Exception as error:
            raise UserError(
                f"The detector {path} cannot be read. Train it again to try it out."
            ) from error

    def find(self, pixels: np.ndarray, confidence: float) -> Sighting:
        """Boxes of at least this confidence on a picture uint8 [H, W, 3], surest first."""
        begun = time.perf_counter()
        fitted, scale, left, top = letterboxed(pixels, self.size)
        image = np.ascontiguousarray(fitted.transpose(2, 0, 1)[None], np.float32) / 255
        name = self.session.get_inputs()[0].name
        output = self.session.run(None, {name: image})[0]
        corners, sureness, classes = _decoded(output[0], confidence)
        kept = suppressed(corners, sureness, classes)
        height, width = pixels.shape[:2]
        placed = (corners[kept] - [left, top, left, top]) / scale
        placed = placed.clip(0, [width, height, width, height])
        boxes = tuple(
            Box(self.names[int(k)], (x1, y1, x2, y2), float(c), source="detector")
            for (x1, y1, x2, y2), c, k in zip(
                placed.tolist(), sureness[kept], classes[kept], strict=True
            )
        )
        return Sighting(boxes, (time.perf_counter() - begun) * 1000)


def _decoded(output: np.ndarray, confidence: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Corners [P, 4], confidence [P] and class [P] of the network's output [4 + classes, P]."""
    sureness = output[4:].max(0).astype(float)
    chosen = np.flatnonzero(sureness >= confidence)
    chosen = chosen[np.argsort(-sureness[chosen], kind="stable")][:MOST_CANDIDATES]
    x, y, width, height = output[:4, chosen]
    corners = np.stack([x - width / 2, y - height / 2, x + width / 2, y + height / 2], 1)
    return corners, sureness[chosen], output[4:, chosen].argmax(0)


def suppressed(
    corners: np.ndarray, sureness: np.ndarray, classes: np.ndarray, iou: float = NMS_IOU
) -> np.ndarray:
    """Places of the boxes that stay: none overlaps a surer one of its class by more than `iou`.

    The boxes come surest first; at most `MOST_BOXES` stay.
    """
    overlap = box_iou(corners, corners) * (classes[:, None] == classes[None])
    alive = np.ones(len(corners), dtype=bool)
    for place in range(len(corners)):
        if alive[place]:
            alive[place + 1 :] &= overlap[place, place + 1 :] <= iou
    return np.flatnonzero(alive)[:MOST_BOXES]


def letterboxed(pixels: np.ndarray, size: int) -> tuple[np.ndarray, float, int, int]:
    """The picture in the middle of a grey square: uint8 [size, size, 3], its scale, and how far
    it is from the left and the top, px."""
    height, width = pixels.shape[:2]
    scale = min(size / height, size / width)
    inner_height, inner_width = round(height * scale), round(width * scale)
    left = round((size - inner_width) / 2 - 0.1)
    top = round((size - inner_height) / 2 - 0.1)
    square = np.full((size, size, 3), GREY, np.uint8)
    inner = stretched(pixels, inner_height, inner_width)
    square[top : top + inner_height, left : left + inner_width] = inner
    return square, scale, left, top


def stretched(pixels: np.ndarray, height: int, width: int) -> np.ndarray:
    """The picture at another size, bilinear without smoothing, as OpenCV's INTER_LINEAR."""
    if pixels.shape[:2] == (height, width):
        return pixels
    above, below, down = _between(pixels.shape[0], height)
    before, after, right = _between(pixels.shape[1], width)
    rows = pixels[above] * (1 - down)[:, None, None] + pixels[below] * down[:, None, None]
    mixed = rows[:, before] * (1 - right)[:, None] + rows[:, after] * right[:, None]
    return np.floor(mixed + 0.5).astype(np.uint8)


def _between(old: int, new: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each new pixel the two old ones it lies between, and how near it is to the second."""
    place = ((np.arange(new, dtype=np.float32) + 0.5) * (old / new) - 0.5).clip(0, old - 1)
    first = np.floor(place).astype(int)
    return first, np.minimum(first + 1, old - 1), place - first
