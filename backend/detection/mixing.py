"""How real and synthetic images take turns in a training: how many of each in a batch, and when.

Real images are photographs, those of intact parts among them; all others are synthetic. A few real
ones drown among many synthetic ones where all come as often as each other.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

REAL = ("real", "real intact", "intact")  # sources of images
MIXED, FIRST, LEFT_OUT = "mixed in", "first", "left out"
WAYS = (MIXED, FIRST, LEFT_OUT)
FIRST_SHARE = 0.5  # of the epochs that synthetic images have for themselves, where they come first


@dataclass(frozen=True)
class Mixing:
    """way: what becomes of synthetic images, of WAYS. share: least share of real images in a
    batch where they are mixed in; 0: as they come."""

    way: str = MIXED
    share: float = 0.0

    def at(self, done: float) -> float:
        """Least share of real images in a batch of the epoch that ends when `done` of all epochs,
        a share, are over.

        Steps and learning rate are the same for all: where synthetic images come first, the rate
        has fallen by half when the real ones follow, and falls on.
        """
        if self.way == MIXED:
            return self.share
        return float(self.way == LEFT_OUT or done > FIRST_SHARE)

    @property
    def words(self) -> str:
        """What becomes of synthetic images, as in "synthetic images mixed in"."""
        if self.way != MIXED:
            return f"synthetic images {self.way}"
        least = f"at least {100 * self.share:.0f} % of each batch real"
        share = least if self.share else "as they come"
        return f"synthetic images mixed in, {share}"


AS_THEY_COME = Mixing()


class Order:
    """Places of the training images, epoch by epoch, as a loader's sampler.

    Each batch has the real images that `mixing` wants, rounded up; each kind goes through all its
    images in a new order before any comes again. All come as they are where that gives at least the
    share anyway, or where there is one kind alone. An epoch's places follow from the seed and its
    number, so a resumed training goes on with them.

    real: which images are, bool [N]. length: images an epoch. epoch: tells which one is asked for.
    """

    def __init__(
        self,
        real: Sequence[bool],
        mixing: Mixing,
        batch: int,
        length: int,
        epochs: int,
        seed: int,
        epoch: Callable[[], int],
    ):
        self.real = np.asarray(real, bool)
        self.mixing, self.batch, self.length = mixing, batch, length
        self.epochs, self.seed, self.epoch = epochs, seed, epoch
        enough = mixing.way == MIXED and self.real.mean() >= mixing.share
        self.as_they_come = bool(enough or self.real.all() or not self.real.any())
        self._begin()

    def _begin(self) -> None:
        self.drawn = 0
        self.whole = _cycled(np.arange(len(self.real)), [self.seed, 11])
        self.photographs = _cycled(np.flatnonzero(self.real), [self.seed, 12])
        self.synthetic = _cycled(np.flatnonzero(~self.real), [self.seed, 13])

    def __len__(self) -> int:
        return self.length

    def __iter__(self) -> Iterator[int]:
        yield from self.places(self.epoch())

    def places(self, epoch: int) -> list[int]:
        """Those of an epoch, from 0, batch by batch."""
        if epoch < self.drawn:
            self._begin()
        found: list[int] = []
        while self.drawn <= epoch:
            found = self._next()
            self.drawn += 1
        return found

    def _next(self) -> list[int]:
        if self.as_they_come:
            return list(islice(self.whole, self.length))
        share = self.mixing.at((self.drawn + 1) / self.epochs)
        found: list[int] = []
        while len(found) < self.length:
            size = min(self.batch, self.length - len(found))
            wanted = math.ceil(round(share * size, 6))
            found += islice(self.photographs, wanted)
            found += islice(self.synthetic, size - wanted)
        return found


def _cycled(places: np.ndarray, seed: list[int]) -> Iterator[int]:
    """The places without end, all of them in a new order before any comes again."""
    random = np.random.default_rng(seed)
    while len(places):
        yield from places[random.permutation(len(places))][::-1].tolist()
