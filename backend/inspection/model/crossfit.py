"""GOOD maps as a model meets new parts: each whitened by a Gaussian that did not see it.

With some thirty parts a type, maps whitened by their own Gaussian have variance 0.4 where new
GOOD parts have 1.1, so nothing may be trained or calibrated on them. numpy only.

Shapes: N parts, D dimensions, G x G positions, T types.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from backend.inspection.model import scoring
from backend.inspection.model.scoring import Floats, Ints, Projection, Whitening

PIECES = 3


@dataclass(frozen=True)
class Split:
    """Parts to fit on and others to ask about: projected maps [N, D, G, G] and types [N]."""

    known: Floats
    known_types: Ints
    asked: Floats
    asked_types: Ints
    whitening: Whitening  # of `known`

    @property
    def n_types(self) -> int:
        return len(self.whitening.mean)

    @cached_property
    def known_white(self) -> Floats:
        return self.whitening(self.known, self.known_types)

    @cached_property
    def asked_white(self) -> Floats:
        return self.whitening(self.asked, self.asked_types)


@dataclass(frozen=True)
class Crossed:
    """GOOD parts three times split for cross-fitting, and once as the final model is fitted.

    Unseen GOOD parts are ordered as the `inner` splits ask for them, the held-out ones last.
    n_held: how many those are. The final split asks for these, then for the other parts.
    """

    projection: Projection
    inner: tuple[Split, ...]
    final: Split
    n_held: int

    @property
    def types(self) -> Ints:
        """Types [n_good] of the unseen GOOD parts."""
        held = self.final.asked_types[: self.n_held]
        return np.concatenate([s.asked_types for s in self.inner] + [held])

    @property
    def held_out(self) -> NDArray[np.bool_]:
        """[n_good] True for the parts kept for calibration."""
        n = len(self.types)
        return np.arange(n) >= n - self.n_held

    def ask(self, method: Callable[[Split], Floats]) -> tuple[Floats, Floats]:
        """What a method gives for the unseen GOOD parts [n_good, …], and for the other parts."""
        last = method(self.final)
        pieces = [method(split) for split in self.inner] + [last[: self.n_held]]
        return np.concatenate(pieces), last[self.n_held :]


def cross(
    maps: Floats,
    types: Ints,
    held_out: NDArray[np.bool_],
    n_types: int,
    others: tuple[Floats, Ints],
    *,
    dims: int,
    shrinkage: float,
    rank: int | None = None,
    seed: int = 0,
) -> Crossed:
    """Divide GOOD feature maps [N, C, G, G]; `others` [M, C, G, G] are only asked about.

    held_out: [N] True for the parts kept out of every fit, projection included.
    """
    projection = scoring.fit_projection(maps[~held_out], min(dims, maps.shape[1]))
    known, known_types = projection(maps[~held_out]), types[~held_out]
    piece = _pieces(known_types, n_types, seed)

    def split(fit: NDArray[np.bool_], asked: tuple[Floats, Ints]) -> Split:
        whitening = scoring.fit_whitening(
            known[fit], known_types[fit], n_types, shrinkage, rank=rank
        )
        return Split(known[fit], known_types[fit], *asked, whitening)

    inner = [split(piece != k, (known[piece == k], known_types[piece == k])) for k in range(PIECES)]
    last = np.concatenate([maps[held_out], others[0]]), np.concatenate([types[held_out], others[1]])
    final = split(np.ones(len(known), bool), (projection(last[0]), last[1]))
    return Crossed(projection, tuple(inner), final, int(held_out.sum()))


def _pieces(types: Ints, n_types: int, seed: int) -> Ints:
    """[N] 0 to 2: every type's parts dealt out evenly."""
    piece = np.empty(len(types), np.int64)
    rng = np.random.default_rng(seed)
    for t in range(n_types):
        mine = rng.permutation(np.flatnonzero(types == t))
        piece[mine] = np.arange(len(mine)) % PIECES
    return piece
