"""Shares of parts that a person found to be so: exact intervals, and one that may be watched."""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, stats
from scipy.special import betaln

Floats = NDArray[np.float64]
ALPHA = 0.05


@dataclass(frozen=True)
class Share:
    """k of n, of which `open` are not known to be either. value: among those known, NaN without
    any. low, high: the exact 95 % interval (Clopper and Pearson 1934); what is open counts as no
    for the one and as yes for the other. under: the share lies below it at 95 %, if one asks for
    this side alone: 1 % of 0 of 300."""

    k: int
    n: int
    open: int
    value: float
    low: float
    high: float
    under: float

    @property
    def width(self) -> float:
        return self.high - self.low


def share(k: int, n: int, unknown: int = 0, alpha: float = ALPHA) -> Share:
    """The share of k in n, of which `unknown` may belong to the k."""
    if not 0 <= k <= k + unknown <= n:
        raise ValueError(f"need 0 <= k <= k + unknown <= n: {k}, {unknown}, {n}")
    value = k / (n - unknown) if n > unknown else math.nan
    low, high = bounds(k, n, alpha)[0], bounds(k + unknown, n, alpha)[1]
    return Share(k, n, unknown, value, low, high, bounds(k + unknown, n, 2 * alpha)[1])


def drawn_share(hits: ArrayLike, unknown: ArrayLike, drawn: ArrayLike) -> Share:
    """The share of hits [n] among parts that were drawn with the shares `drawn` [n], so that each
    stands for 1 / drawn parts. unknown [n]: it is not known whether they are hits.

    As `share` where all were drawn alike; else with as many parts as say the same without weights
    (Korn and Graubard, Survey Methodology 24, 1998).
    """
    found, is_open = np.asarray(hits, bool), np.asarray(unknown, bool)
    counted = share(int(found.sum()), len(found), int(is_open.sum()))
    weights = 1 / np.asarray(drawn, np.float64)
    if not len(weights) or np.ptp(weights) <= 1e-9 * weights.max():
        return counted
    n, k = as_many(weights, found)
    _, most = as_many(weights, found | is_open)
    known = float(weights[~is_open].sum())
    return replace(
        counted,
        value=float((weights * found).sum()) / known if known else math.nan,
        low=bounds(k, n)[0],
        high=bounds(most, n)[1],
        under=bounds(most, n, 2 * ALPHA)[1],
    )


def as_many(weights: Floats, hits: NDArray[np.bool_]) -> tuple[float, float]:
    """How many parts, and hits among them, say the same without weights [n]."""
    n = float(weights.sum() ** 2 / (weights**2).sum())
    return n, float(n * (weights * hits).sum() / weights.sum())


def bounds(k: float, n: float, alpha: float = ALPHA) -> tuple[float, float]:
    """Clopper and Pearson's interval, also for a k and n that are no whole numbers."""
    if n <= 0:
        return 0.0, 1.0
    low = float(stats.beta.ppf(alpha / 2, k, n - k + 1)) if k > 0 else 0.0
    high = float(stats.beta.isf(alpha / 2, k + 1, n - k)) if k < n else 1.0
    return low, high


def more_to_halve(found: Share) -> int:
    """How many more parts would halve the interval, if they come out as those so far."""
    if not found.n:
        return math.ceil(math.log(ALPHA / 2) / math.log(0.5))
    rate, wanted = (found.k + found.open / 2) / found.n, found.width / 2

    def excess(n: float) -> float:
        low, high = bounds(rate * n, n)
        return high - low - wanted

    most = found.n * 2
    while excess(most) > 0:
        most *= 2
    return math.ceil(float(optimize.brentq(excess, found.n, most))) - found.n


def sequence(hits: ArrayLike, alpha: float = ALPHA) -> tuple[Floats, Floats]:
    """A confidence sequence of a share: low [n] and high [n] after each of n parts in their order.

    Betting (Waudby-Smith and Ramdas, JRSS B 86, 2024) with the bets of Krichevsky and Trofimov, of
    which the wealth has a closed form: with probability 1 - alpha the share lies within all of the
    bounds at once, so that one may look after each part and stop when one likes.
    """
    found = np.asarray(hits, bool)
    n = np.arange(1, len(found) + 1)
    k = np.cumsum(found)
    mixture = betaln(k + 0.5, n - k + 0.5) - betaln(0.5, 0.5)
    rows = list(zip(k.tolist(), n.tolist(), mixture.tolist(), strict=True))
    low = np.array([_edge(*row, alpha, upper=False) for row in rows])
    high = np.array([_edge(*row, alpha, upper=True) for row in rows])
    return np.maximum.accumulate(low), np.minimum.accumulate(high)


def _edge(k: int, n: int, mixture: float, alpha: float, upper: bool) -> float:
    """The farthest rate on one side of k / n against which less than 1 / alpha was won."""
    rate = k / n
    if (upper and k == n) or (not upper and k == 0):
        return float(upper)

    def short(other: float) -> float:
        lost = (k * math.log(other) if k else 0.0) + (n - k) * math.log1p(-other)
        return mixture - lost + math.log(alpha)

    inner, outer = (rate, 1 - 1e-12) if upper else (1e-12, rate)
    near, far = max(inner, 1e-12), min(outer, 1 - 1e-12)
    return float(optimize.brentq(short, near, far))
