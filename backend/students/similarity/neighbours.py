"""How near samples come to the images a student learned from: does it invent or copy?

Images are compared as 32 × 32 px in colour, in all eight turns and mirrorings, for samples are
turned too. So small, a blurred copy is as near as a sharp one, and noise counts for nothing.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backend.images.measures import Images

EDGE = 32
TURNS = 8
QUANTILE = 0.01


@dataclass(frozen=True)
class Nearest:
    """For each sample [N]: root mean square distance to its nearest training image, grey levels;
    that image's place; and the turn (0…7, see `turned`) in which it lies nearest."""

    distance: NDArray[np.float64]
    place: NDArray[np.intp]
    turn: NDArray[np.intp]


def turned(pixels: NDArray[np.uint8], turn: int) -> NDArray[np.uint8]:
    """An image [H, W, …] turned by `turn` % 4 quarters, from 4 on mirrored too."""
    rotated = np.rot90(pixels, turn % 4)
    return rotated[:, ::-1] if turn >= 4 else rotated


def nearest(samples: Images, training: Images) -> Nearest:
    """The nearest training image of each sample. Both uint8 [N, S, S, 3], S a multiple of 32."""
    squares = _squares(samples, training)  # [8, N, M]
    flat = squares.min(0).argmin(1)
    rows = np.arange(len(samples))
    turn = squares[:, rows, flat].argmin(0)
    return Nearest(np.sqrt(squares[turn, rows, flat]), flat, turn)


def least_distances(training: Images) -> tuple[float, float]:
    """What counts as a copy, grey levels: the 1 % quantile of the distances of training images to
    the nearest other one, and that of the distances of all pairs of them (stricter)."""
    squares = _squares(training, training).min(0)
    np.fill_diagonal(squares, np.inf)
    pairs = np.sqrt(squares[np.triu_indices(len(training), 1)])
    return (
        float(np.quantile(np.sqrt(squares.min(1)), QUANTILE)),
        float(np.quantile(pairs, QUANTILE)),
    )


def _squares(first: Images, second: Images) -> NDArray[np.float64]:
    """Mean squared differences [8, N, M] of the small images, the second ones turned."""
    a, b = _small(first), _small(second)
    found = []
    for turn in range(TURNS):
        moved = np.rot90(b, turn % 4, axes=(1, 2))
        moved = moved[:, :, ::-1] if turn >= 4 else moved
        x, y = (v.reshape(len(v), -1) for v in (a, moved))
        squares = (x**2).sum(1)[:, None] + (y**2).sum(1)[None] - 2 * x @ y.T
        found.append(np.maximum(squares, 0) / x.shape[1])
    return np.stack(found)


def _small(images: Images) -> NDArray[np.float64]:
    count, edge = images.shape[:2]
    cell = edge // EDGE
    blocks = images.reshape(count, EDGE, cell, EDGE, cell, 3)
    return np.asarray(blocks.mean((2, 4), dtype=np.float64))
