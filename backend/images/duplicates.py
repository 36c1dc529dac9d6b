"""Near-duplicates: images that show the same scene but for size, compression or brightness.

Two images are near-duplicates where their perceptual hashes differ in few bits and their small
grey pictures agree. The hash alone calls plain backgrounds alike; the pixels alone call pictures
under the same light alike.

Every job that reads images imports this, and few look for near-duplicates: SciPy is
imported where it is needed.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from backend.images import imagefiles

HASH_EDGE, SMALL_EDGE = 32, 16
# Of the 79,800 pairs of 400 rendered images none is as near as this (14 bits, 0.979 the nearest);
# of their copies all resized ones are, 99 % of the brighter, 96 % with noise, 94 % of JPEG 50.
MOST_BITS, LEAST_CORRELATION = 10, 0.98
BLOCK = 512


def near_duplicates(
    paths: Sequence[Path], progress: Callable[[float], None] | None = None
) -> list[int]:
    """The group of each image, in order: 0 where nothing is like it, else 1, 2, … by first image.

    Groups are closed: what is like a member belongs to the group. Raises UserError for a file
    that is no readable image.
    """
    greys = np.zeros((len(paths), HASH_EDGE, HASH_EDGE), np.float32)
    for k, path in enumerate(paths):
        greys[k] = grey(imagefiles.read_rgb(path))
        if progress:
            progress((k + 1) / len(paths))
    return groups(greys)


def digest(pixels: np.ndarray) -> str:
    """SHA-256 of the pixels, so that a copy saved in another format is found."""
    return hashlib.sha256(f"{pixels.shape}".encode() + pixels.tobytes()).hexdigest()


def grey(pixels: np.ndarray) -> np.ndarray:
    """A picture uint8 [H, W, 3] as near-duplicates are found by: grey float32 [32, 32]."""
    small = Image.fromarray(pixels).convert("L")
    small = small.resize((HASH_EDGE, HASH_EDGE), Image.Resampling.BOX)
    return np.asarray(small, dtype=np.float32)


@dataclass(frozen=True)
class Prints:
    """What pictures are compared by. hashes: uint64 [N]. small: [N, 256], see `_standardised`."""

    hashes: np.ndarray
    small: np.ndarray

    @classmethod
    def of(cls, greys: np.ndarray) -> "Prints":
        """Of grey pictures [N, 32, 32]."""
        return cls(hashes_of(greys), _standardised(greys))

    def __getitem__(self, place: slice) -> "Prints":
        return Prints(self.hashes[place], self.small[place])

    def alike(self, other: "Prints") -> np.ndarray:
        """Which of these are near-duplicates of which of the others: bool [N, M]."""
        bits = np.bitwise_count(self.hashes[:, None] ^ other.hashes)
        return (bits <= MOST_BITS) & (self.small @ other.small.T >= LEAST_CORRELATION)


def groups(greys: np.ndarray) -> list[int]:
    """As `near_duplicates`, for grey pictures [N, 32, 32]."""
    n = len(greys)
    if n < 2:
        return [0] * n
    prints = Prints.of(greys)
    component = np.arange(n)
    for start in range(0, n, BLOCK):
        rows, columns = (
            np.array(np.nonzero(prints[start : start + BLOCK].alike(prints[start:]))) + start
        )
        component = linked(n, component[rows], component[columns])[component]
    return _numbered(component)


def hashes_of(greys: np.ndarray) -> np.ndarray:
    """64-bit hashes [N] of grey pictures [N, 32, 32]: signs of low DCT coefficients.

    C. Zauner, Implementation and benchmarking of perceptual image hash functions, 2010: of the
    DCT of a 32 × 32 picture, 8 × 8 coefficients without the first row and column, each a bit
    that says whether it is above their median.
    """
    from scipy import fft

    low = fft.dctn(greys, axes=(1, 2), norm="ortho")[:, 1:9, 1:9].reshape(len(greys), 64)
    above = low > np.median(low, axis=1, keepdims=True)
    return np.packbits(above, axis=1).view(np.uint64)[:, 0]


def _standardised(greys: np.ndarray) -> np.ndarray:
    """Pictures of 16 × 16 px as vectors [N, 256] whose products are their correlations."""
    n, edge, step = len(greys), SMALL_EDGE, HASH_EDGE // SMALL_EDGE
    flat = greys.reshape(n, edge, step, edge, step).mean(axis=(2, 4)).reshape(n, edge * edge)
    flat = flat - flat.mean(axis=1, keepdims=True)
    return flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-6)


def linked(count: int, first: Sequence[int], second: Sequence[int]) -> np.ndarray:
    """The number of the group of each of `count` things, once those of each pair are in one."""
    from scipy import sparse
    from scipy.sparse import csgraph

    table = sparse.coo_array((np.ones(len(first), bool), (first, second)), shape=(count, count))
    return csgraph.connected_components(table, directed=False)[1]


def _numbered(component: np.ndarray) -> list[int]:
    """0 for components of one, the others 1, 2, … by their first member."""
    shared = np.bincount(component)[component] > 1
    numbers: dict[int, int] = {}
    return [
        numbers.setdefault(int(c), len(numbers) + 1) if s else 0
        for c, s in zip(component, shared, strict=True)
    ]
