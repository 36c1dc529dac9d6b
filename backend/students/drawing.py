"""How a sample is drawn from what a student learned: one rule, for those who use it, for the choice
of its best weights and for its critic.

A scene in the light of another, the defect of a third at a place where the whole of it fits, all
about as bright. numpy only, so that painting needs no PyTorch; `moved` takes tensors too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backend.students import camera_noise, lighting

EMPTY = 0.6  # codes this near to the code of nothing show no defect


@dataclass(frozen=True)
class Shift:
    """Where in a map of codes a defect lies, and where it is put."""

    source: tuple[slice, slice]
    target: tuple[slice, slice]


@dataclass(frozen=True)
class Pick:
    """The images that give a sample its scene, its defect and its light; None: the defect stays."""

    scene: int
    defect: int
    lit: int
    shift: Shift | None


@dataclass(frozen=True)
class Stock:
    """What there is to draw from: defects [N, D] are codes, one map an image, nothing [C] the code
    of a cell without any; students of earlier versions have none, and their defects stay.

    by_brightness [N]: places of the images, the darkest scene first. lights [N, 6] or none.
    """

    defects: NDArray[np.float32]
    nothing: NDArray[np.float32]
    by_brightness: NDArray[np.intp]
    lights: lighting.Light

    def pick(
        self,
        random: np.random.Generator,
        variation: float = 1.0,
        pool: NDArray[np.intp] | None = None,
    ) -> Pick:
        """One sample, of the images of a pool where one is given, the darkest scene first."""
        pool = self.by_brightness if pool is None else pool
        rank = int(random.integers(len(pool)))
        defect, lit = (_near(pool, rank, random) for _ in range(2))
        moves = len(self.nothing) and variation
        return Pick(int(pool[rank]), defect, lit, self._shift(defect, random) if moves else None)

    def shown(self, pick: Pick, variation: float = 1.0) -> lighting.Light:
        """The light [6] of a sample, the way from its scene's own to the other's."""
        return lighting.change(self.lights[pick.scene], self.lights[pick.lit], variation)

    def _shift(self, defect: int, random: np.random.Generator) -> Shift | None:
        """Another place, with nothing cut off; None where there is no defect in the codes."""
        codes = _map(self.defects[defect], len(self.nothing))
        covered = np.abs(codes - self.nothing[:, None, None]).max(0) > EMPTY
        if not covered.any():
            return None
        source, target = zip(*(_span(covered.any(axis), random) for axis in (1, 0)), strict=True)
        return Shift(source, target)


def _span(covered: NDArray[np.bool_], random: np.random.Generator) -> tuple[slice, slice]:
    """From the first to the last covered cell of an axis, and as many from a random one on."""
    first, last = (int(k) for k in np.flatnonzero(covered)[[0, -1]])
    to = int(random.integers(len(covered) - last + first))
    return slice(first, last + 1), slice(to, to + last - first + 1)


def _near(pool: NDArray[np.intp], rank: int, random: np.random.Generator) -> int:
    """An image of the pool whose scene is about as bright as the one at `rank`."""
    reach = lighting.reach(len(pool))
    other = rank + int(random.integers(-reach, reach + 1))
    return int(pool[min(max(other, 0), len(pool) - 1)])


def _map(codes: Any, channels: int) -> Any:
    """Codes [D] as a map [C, S/8, S/8]."""
    grid = round((len(codes) / channels) ** 0.5)
    return codes.reshape(channels, grid, grid)


def moved(codes: Any, nothing: Any, shift: Shift | None) -> Any:
    """A defect's codes [D] where the shift puts them; array or tensor, gradients go through."""
    if shift is None:
        return codes
    found = _map(codes, len(nothing))
    made = nothing[:, None, None] + 0 * found
    made[:, shift.target[0], shift.target[1]] = found[:, shift.source[0], shift.source[1]]
    return made.reshape(-1)


def finished(
    made: NDArray[np.float32], octaves: int, random: Sequence[np.random.Generator] | None
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """What a student painted [N, C, S, S] as images uint8 [N, S, S, 3] and masks [N, S, S].

    random: a generator an image, of which the camera's noise is drawn; None: clean images. Without
    a mask among the channels, the masks are zeros.
    """
    pixels = made.transpose(0, 2, 3, 1)
    has_mask = pixels.shape[3] > 3
    masks = pixels[..., 3] if has_mask else np.zeros(pixels.shape[:3], np.float32)
    images = pixels[..., :3]
    if random is not None and octaves:
        drawn = np.stack([camera_noise.drawn(one, pixels.shape[1])[:octaves] for one in random])
        strengths = pixels[..., 4 : 4 + octaves]
        images = (images + np.einsum("nhwo,nohwc->nhwc", strengths, drawn)).clip(0, 1)
    return (images * 255).round().astype(np.uint8), masks


def turn(images: np.ndarray, masks: np.ndarray, random: Sequence[np.random.Generator]) -> None:
    """Turn and mirror square pictures and their masks at random, in place."""
    for k, one in enumerate(random):
        turns, mirrored = int(one.integers(4)), bool(one.integers(2))
        images[k], masks[k] = (_turned(x, turns, mirrored) for x in (images[k], masks[k]))


def _turned(pixels: np.ndarray, quarter_turns: int, mirrored: bool) -> np.ndarray:
    turned = np.rot90(pixels, quarter_turns)
    return turned[:, ::-1] if mirrored else turned
