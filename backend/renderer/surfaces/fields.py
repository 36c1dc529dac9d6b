"""Random fields that surfaces are made of: streaks, speckle, ragged outlines, soft lines."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.random import Generator

from backend.renderer.paint import noise_field

ANGLES = 128  # of an outline


def axes(size: int, angle: float) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates along a direction and across it, float32 [size, size] px from the middle."""
    axis = np.arange(size, dtype=np.float32) - np.float32(size / 2)
    cos, sin = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    return axis[None, :] * cos + axis[:, None] * sin, axis[:, None] * cos - axis[None, :] * sin


def streaks(rng: Generator, size: int, angle: float, long: float, wide: float) -> np.ndarray:
    """Normal noise float32 [size, size], alike over `long` px along `angle`, `wide` px across."""
    reach = 1.5 * size
    shape = int(reach / wide) + 4, int(reach / long) + 4
    grid = rng.standard_normal(shape, np.float32)
    cos, sin = np.cos(angle), np.sin(angle)
    middle = size / 2
    turn = np.array([[cos / long, sin / long, 0], [-sin / wide, cos / wide, 0]])
    turn[:, 2] = np.array([shape[1], shape[0]]) / 2 + rng.uniform(-0.5, 0.5, 2)
    turn[:, 2] -= turn[:, :2] @ [middle, middle]
    way = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(grid, turn, (size, size), flags=way, borderMode=cv2.BORDER_REFLECT)


def speckle(rng: Generator, size: int, sigma: float) -> np.ndarray:
    """Normal noise float32 [size, size] of unit deviation, bumps about `sigma` px."""
    field: np.ndarray = rng.standard_normal((size, size), np.float32)
    if sigma < 0.35:
        return field
    field = cv2.GaussianBlur(field, (0, 0), sigma)
    return field / np.float32(cv2.meanStdDev(field)[1][0, 0] + 1e-6)


def cells(rng: Generator, size: int, wide: float) -> np.ndarray:
    """Smooth bumps of about `wide` px, float32 [size, size], about -1..1."""
    return noise_field(rng, size, max(1.0, size / wide))


def crystals(rng: Generator, size: int, wide: float) -> np.ndarray:
    """Numbers of crystals about `wide` px large, int32 [size, size]: the nearest of many seeds."""
    seeds = np.full((size, size), 255, np.uint8)
    xs, ys = rng.integers(0, size, (2, max(3, int((size / wide) ** 2))))
    seeds[ys, xs] = 0
    _, labels = cv2.distanceTransformWithLabels(
        seeds, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    return np.asarray(labels)


def step(field: np.ndarray, least: float, soft: float) -> np.ndarray:
    """0 below `least`, 1 from `soft` above it on."""
    return np.clip((field - np.float32(least)) / np.float32(soft), 0, 1)


def outline(
    rng: Generator,
    offsets: np.ndarray,
    radius: float,
    ragged: float,
    slim: float,
    angle: float,
    corners: int = 0,
) -> np.ndarray:
    """Distance from the middle of a ragged oval, in its own radii, float32 [h, w]: 1 at its rim.

    offsets: [2, h, w] px from the middle. slim: width over length. angle of its length, rad.
    corners: of a broken outline, which has them instead of waves.
    """
    cos, sin = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    along = offsets[0] * cos + offsets[1] * sin
    across = (offsets[1] * cos - offsets[0] * sin) / np.float32(slim)
    turn = np.arctan2(across, along) * np.float32(ANGLES / (2 * np.pi))
    table = (_broken(rng, ragged, corners) if corners else _rim(rng, ragged)) * radius
    return np.hypot(along, across) / table[turn.astype(np.int16) % ANGLES]


def _rim(rng: Generator, ragged: float) -> np.ndarray:
    """Radius of an outline over ANGLES directions, float32, about 1."""
    turn = np.arange(ANGLES) * (2 * np.pi / ANGLES)
    waves = np.arange(1, 9)[:, None]
    size = rng.normal(0, ragged, (8, 1)) / waves**1.1
    rim = 1 + (size * np.cos(waves * turn + rng.uniform(0, 2 * np.pi, (8, 1)))).sum(0)
    return np.clip(rim, 0.35, 1.8).astype(np.float32)


def _broken(rng: Generator, ragged: float, corners: int) -> np.ndarray:
    """The rim of what broke: straight from corner to corner."""
    turn = np.sort(rng.uniform(0, ANGLES, corners))
    far = np.clip(rng.normal(1, ragged, corners), 0.45, 1.7)
    place = np.arange(ANGLES)
    coarse = np.interp(place, turn, far, period=ANGLES)
    knots = 4 * corners
    chips = np.interp(
        place, np.linspace(0, ANGLES, knots), rng.normal(0, 0.3 * ragged, knots), period=ANGLES
    )
    return np.asarray(coarse + chips, np.float32)


def inside(depth: np.ndarray, radius: float, soft: float) -> np.ndarray:
    """0..1 float32: 1 within the rim of an `outline`, over a border of `soft` px."""
    return np.clip((1 - depth) * np.float32(radius / max(soft, 0.3)) + 0.5, 0, 1)


def lines(
    size: int,
    paths: Sequence[np.ndarray],
    widths: Sequence[float] | np.ndarray,
    values: Sequence[float] | np.ndarray,
) -> np.ndarray:
    """Polylines [n, 2] px drawn antialiased, each of its width (px) and value (0..1); float32.

    A line below one px is drawn paler, not thinner.
    """
    scale = 2 if size <= 512 else 1
    canvas = np.zeros((size * scale, size * scale), np.uint8)
    for path, width, value in zip(paths, widths, values, strict=True):
        wide = width * scale
        tone = float(value) * min(1.0, max(wide, 0.15)) * 255
        place = np.clip(path * (scale * 16), -(2**20), 2**20).astype(np.int32)
        cv2.polylines(canvas, [place], False, tone, max(1, round(wide)), cv2.LINE_AA, 4)
    small = cv2.resize(canvas, (size, size), interpolation=cv2.INTER_AREA)
    return np.multiply(small, np.float32(1 / 255), dtype=np.float32)


def dots(rng: Generator, size: int, count: int, radius: float, slim: float = 1.0) -> np.ndarray:
    """Small discs anywhere, float32 [size, size] 0..1; radius: their mean, px."""
    layer = np.zeros((size, size), np.uint8)
    radii = rng.exponential(radius, count) + 0.25
    for (x, y), own in zip(rng.uniform(0, size, (count, 2)) * 16, radii, strict=True):
        value = int(rng.uniform(90, 255) * min(1.0, own * 1.6))
        reach = max(int(own * 16), 8), max(int(own * slim * 16), 8)
        turn = rng.uniform(0, 180)
        cv2.ellipse(layer, (int(x), int(y)), reach, turn, 0, 360, value, -1, cv2.LINE_AA, 4)
    return np.multiply(layer, np.float32(1 / 255), dtype=np.float32)


def blurred(layer: np.ndarray, sigma: float) -> np.ndarray:
    """Gaussian blur; a sigma too small to matter leaves the layer as it is."""
    return cv2.GaussianBlur(layer, (0, 0), sigma) if sigma >= 0.3 else layer
