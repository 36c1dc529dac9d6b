"""A defect's picture turned, mirrored, scaled, and put where it fits."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator

PLACES = 16
POINTS = 400


@dataclass(frozen=True)
class Freedom:
    """What may be done to a defect. least, most: its picture's size against the photograph's
    shorter side. turns, flips: whether it is turned by any angle and mirrored."""

    least: float
    most: float
    turns: bool
    flips: bool


def edge_of(random: Generator, freedom: Freedom, shape: tuple[int, ...]) -> float:
    """Edge length of a defect's picture for a photograph of this shape, px."""
    return float(random.uniform(freedom.least, freedom.most)) * min(shape[:2])


def turned(random: Generator, freedom: Freedom, layers: np.ndarray, scale: float) -> np.ndarray:
    """Layers float32 [h, w, C] scaled, mirrored and turned at random; 0 where nothing was.

    The layers must fade to 0 towards their border themselves.
    """
    if freedom.flips and random.random() < 0.5:
        layers = layers[:, ::-1]
    layers = np.rot90(layers, int(random.integers(4))) if freedom.flips else layers
    height, width = (max(4, round(n * scale)) for n in layers.shape[:2])
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    layers = cv2.resize(np.ascontiguousarray(layers), (width, height), interpolation=way)
    if not freedom.turns:
        return layers
    angle = float(random.uniform(-180, 180))
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), angle, 1.0)
    cos, sin = np.abs(matrix[0, :2])
    wide, high = int(np.ceil(height * sin + width * cos)), int(np.ceil(height * cos + width * sin))
    matrix[:, 2] += (wide - width) / 2, (high - height) / 2
    return np.asarray(cv2.warpAffine(layers, matrix, (wide, high), flags=cv2.INTER_LINEAR))


def put(
    random: Generator, drawn: np.ndarray, allowed: np.ndarray
) -> tuple[tuple[slice, slice], tuple[slice, slice]] | None:
    """Where a defect drawn in bool [h, w] goes so that most of it lies in `allowed` bool [H, W].

    Returns the window of the photograph and the part of the drawing that falls into it; None
    where less than a third of the defect would lie inside.
    """
    points = np.argwhere(drawn)
    inside = np.flatnonzero(allowed)
    if not len(points) or not len(inside):
        return None
    few = points[:: max(1, len(points) // POINTS)]
    spots = inside[random.integers(len(inside), size=PLACES)]
    targets = np.stack(np.divmod(spots, allowed.shape[1]), 1)
    handles = points[random.integers(len(points), size=PLACES)]
    corners = targets - handles
    at = few[None] + corners[:, None]
    full = np.array(allowed.shape)
    y, x = np.clip(at, 0, full - 1).transpose(2, 0, 1)
    shares = (allowed[y, x] & (at >= 0).all(2) & (at < full).all(2)).mean(1)
    best = int(shares.argmax())
    if shares[best] < 1 / 3:
        return None
    return windows(corners[best], drawn.shape, allowed.shape)


def windows(
    corner: np.ndarray, shape: tuple[int, ...], whole: tuple[int, ...]
) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """A picture of `shape` laid at `corner` (row, column) of one of shape `whole`: what they share,
    in the whole and in the picture."""
    outer, inner = [], []
    for start, length, full in zip(corner.tolist(), shape, whole, strict=False):
        low, high = max(0, start), min(full, start + length)
        outer.append(slice(low, high))
        inner.append(slice(low - start, high - start))
    return (outer[0], outer[1]), (inner[0], inner[1])
