"""Has what is measured drifted from a reference? A betting test that may be looked at any time.

A conformal test martingale against a fixed reference (arXiv 2602.13848): each new value is ranked
among the n of the reference, and bets are laid on its rank. While new values come as the reference
came, the wealth of the bets has no tendency to grow, whatever the distribution, and by Ville's
inequality exceeds 1 / alpha ever with probability alpha at most, however often one looks.

The reference is itself drawn by chance. The shares of new values that fall into its n + 1 gaps are
Dirichlet(1, …, 1), so the mean of a bet over them has an exact Chernoff bound, by which each bet is
divided: half of the stated probability is spent on it. Up to a stated share of the new values
may be anything (parts that are BAD). Capital is kept back and laid out in blocks, so that a drift
is found however late it comes (a mixture over its beginning, as in e-detectors, arXiv 2203.03532).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize

Floats = NDArray[np.float64]

ALPHA = 0.01  # probability of ever raising an alarm without drift
STRANGE = 0.02  # share of the new values that may be anything
BLOCK = 50  # new values between two layings out of capital
LEAST = 20  # values that make a reference
ALARM = 2 / ALPHA  # wealth that raises an alarm: half of ALPHA is Ville's
MOST = 1e300  # wealth is counted up to here
TAIL = 0.9  # of the reference, above which the third kind of bet wins


@dataclass(frozen=True)
class Kind:
    """A bet 1 + slope · gain(u) on the place u in (0, 1) of a value in the reference.

    most: the largest gain. Gains have mean 0 over u, and are -1 at least.
    """

    gain: Callable[[Floats], Floats]
    most: float
    slopes: tuple[float, ...]


KINDS = (
    Kind(lambda u: 2 * u - 1, 1.0, (0.1, 0.25, 0.5, 0.9)),
    Kind(lambda u: 1 - 2 * u, 1.0, (0.1, 0.25, 0.5, 0.9)),
    Kind(lambda u: np.where(u > TAIL, 1 / (1 - TAIL), 0.0) - 1, 1 / (1 - TAIL) - 1, (0.03, 0.1)),
)
BETS = sum(len(kind.slopes) for kind in KINDS)


def mean_bound(gains: ArrayLike, delta: float) -> float:
    """What the mean of gains [m] under weights from Dirichlet(1, …, 1) exceeds with probability
    delta at most: Chernoff's bound, with the weights as exponential variables over their sum."""
    values = np.asarray(gains, np.float64)
    top = float(values.max())

    def excess(bound: float) -> float:
        apart = values - bound
        widest = 1 / max(float(apart.max()), 1e-12)
        found = optimize.minimize_scalar(
            lambda s: -float(np.log1p(-s * apart).sum()),
            bounds=(0.0, widest * (1 - 1e-9)),
            method="bounded",
            options={"xatol": widest * 1e-6},
        )
        return float(found.fun) - math.log(delta)

    low = float(values.mean())
    return float(optimize.brentq(excess, low, top - 1e-9 * (top - low), xtol=1e-6))


class Reference:
    """The reference of one quantity. values [n], n ≥ LEAST, in any order. strange: the share of new
    values that may be anything."""

    def __init__(self, values: ArrayLike, strange: float = STRANGE) -> None:
        self.values = np.sort(np.asarray(values, np.float64))
        n = len(self.values)
        if n < LEAST or not np.isfinite(self.values).all():
            raise ValueError(f"a reference needs {LEAST} finite values, not {n}")
        places = (np.arange(n + 1) + 0.5) / (n + 1)
        self.log_bets = np.log(np.column_stack([_bets(kind, places, strange) for kind in KINDS]))

    def gaps(self, values: ArrayLike, seed: int) -> NDArray[np.int64]:
        """Into which of the n + 1 gaps each value [m] falls; among equal ones by lot."""
        found = np.asarray(values, np.float64)
        first = np.searchsorted(self.values, found, "left")
        last = np.searchsorted(self.values, found, "right")
        drawn = np.random.default_rng(seed).random(len(found))
        return np.asarray(first + np.floor(drawn * (last - first + 1)), np.int64)


def _bets(kind: Kind, places: Floats, strange: float) -> Floats:
    """What each slope's bet of a kind pays at each place [n + 1, slopes]: at most 1 in the mean
    without drift, but for a reference drawn with probability ALPHA / 2 for all kinds together."""
    gains = kind.gain(places)
    mean = max(0.0, mean_bound(gains, ALPHA / 2 / len(KINDS)))
    slopes = np.asarray(kind.slopes)
    worst = (1 - strange) * mean + strange * kind.most
    return np.asarray((1 + np.outer(gains, slopes)) / (1 + slopes * worst))


def kept_back(block: int) -> float:
    """The share of the capital that is not laid out before a block, counted from 0."""
    return 1 / (1 + math.log2(1 + block))


@dataclass
class Wealth:
    """How the bets on one stream of values stand.

    n: values so far. bets: capital in each [BETS]. highest: of the whole wealth so far. alarm: the
    number of the value at which it first passed ALARM, None before.
    """

    n: int = 0
    bets: list[float] = field(default_factory=lambda: [0.0] * BETS)
    highest: float = 1.0
    alarm: int | None = None

    @property
    def now(self) -> float:
        """The whole wealth, of 1 at first."""
        return kept_back(-(-self.n // BLOCK)) + sum(self.bets)

    def add(self, reference: Reference, gaps: NDArray[np.int64]) -> None:
        """Count values by their gaps, in their order."""
        place = 0
        while place < len(gaps):
            block, within = divmod(self.n, BLOCK)
            if not within:
                laid = (kept_back(block) - kept_back(block + 1)) / BETS
                self.bets = [min(MOST, capital + laid) for capital in self.bets]
            piece = gaps[place : place + BLOCK - within]
            grown = np.exp(reference.log_bets[piece].sum(0))
            self.bets = np.minimum(MOST, np.asarray(self.bets) * grown).tolist()
            self.n += len(piece)
            place += len(piece)
            self.highest = max(self.highest, self.now)
            if self.alarm is None and self.now >= ALARM:
                self.alarm = self.n
