"""How likely a defect is found, by its size: the hit/miss model of MIL-HDBK-1823A.

logit POD(a) = b0 + b1 log a. Bounds are those of the likelihood ratio, as the handbook takes them
(Cheng and Iles, Technometrics 25, 1983): sizes that the data do not rule out as the one that is
found with a given probability. The root of that ratio is corrected for few defects
(Barndorff-Nielsen, Biometrika 73, 1986; for logistic curves Brazzale, Davison and Reid, Applied
Asymptotics, 2007), without which a bound holds less often than it says. a90 is found with 90 %;
a90/95 is its upper bound at 95 %.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, stats

from backend.records import UserError

Floats = NDArray[np.float64]
LEVEL, ALPHA = 0.9, 0.05
ADVISED = 60  # defects that the handbook asks for
STEEPEST = 1e4  # slope that stands for an edge
NEAR = 1e-3  # roots below this are as good as 0
FARTHEST = 40.0  # log sizes beyond which a bound counts as none
FLAT = (
    "Larger defects are not found more often than smaller ones here, so no size stands for a "
    "probability. Look at what is missed, and bring defects of more different sizes."
)


@dataclass(frozen=True)
class HitMiss:
    """A fitted curve. x: log sizes [N]; found [N]. weight: what a part counts where parts of one
    group are alike: groups over parts."""

    x: Floats
    found: NDArray[np.bool_]
    weight: float
    intercept: float
    slope: float

    @property
    def n(self) -> int:
        return len(self.x)

    def probability(self, sizes: ArrayLike) -> Floats:
        """POD of sizes [M]."""
        eta = self.intercept + self.slope * np.log(np.asarray(sizes, np.float64))
        return np.asarray(1 / (1 + np.exp(-eta)))

    def size(self, level: float = LEVEL) -> float:
        """The size that is found with this probability."""
        return math.exp((_logit(level) - self.intercept) / self.slope)

    def interval(self, level: float = LEVEL, alpha: float = ALPHA) -> tuple[float, float]:
        """Two-sided bounds of `size`; 0 or infinity where the data give none."""
        cut = float(stats.norm.isf(alpha / 2))
        return tuple(self._bound(level, cut, side) for side in (-1, 1))  # type: ignore[return-value]

    def upper(self, level: float = LEVEL, alpha: float = ALPHA) -> float:
        """One-sided upper bound of `size`: a90/95 as it stands."""
        return self._bound(level, float(stats.norm.isf(alpha)), 1)

    def _bound(self, level: float, cut: float, side: int) -> float:
        """The farthest size on one side whose `_root` stays below the cut, a normal quantile."""
        middle = math.log(self.size(level))

        def beyond(distance: float) -> float:
            return self._root(middle + side * distance, level) - cut

        reach = 0.05
        while beyond(reach) < 0:
            reach *= 2
            if reach > FARTHEST:
                return math.inf if side > 0 else 0.0
        return math.exp(middle + side * float(optimize.brentq(beyond, 0, reach, xtol=1e-6)))

    def _root(self, at: float, level: float) -> float:
        """How many standard normal deviations this log size lies from the one that is found with
        the probability `level`: the root r of the likelihood ratio, as r + log(q / r) / r."""
        along = self._along(at, level)
        ratio = 2 * self.weight * (self._best - _log_likelihood(along, self.found))
        root = math.sqrt(max(0.0, ratio))
        if root < NEAR:
            return root
        away = self.x - at
        spread = float(_information(along) @ away**2)
        if not spread:
            return math.inf
        apart = abs(self.intercept + self.slope * at - _logit(level))
        wald = apart * math.sqrt(self.weight * self._determinant / spread)
        return root + math.log(wald / root) / root

    @cached_property
    def _best(self) -> float:
        return _log_likelihood(self.intercept + self.slope * self.x, self.found)

    @cached_property
    def _determinant(self) -> float:
        """Of the information on intercept and slope, for a weight of 1."""
        each = _information(self.intercept + self.slope * self.x)
        return float(each.sum() * (each @ self.x**2) - (each @ self.x) ** 2)

    def _along(self, at: float, level: float) -> Floats:
        """Log odds [N] of the likeliest curve that passes `level` at this log size."""
        away, offset = self.x - at, _logit(level)

        def rise(slope: float) -> float:
            return float(away @ (self.found - 1 / (1 + np.exp(-(offset + slope * away)))))

        with np.errstate(over="ignore"):
            if rise(0.0) <= 0:
                slope = 0.0
            elif rise(STEEPEST) >= 0:
                slope = STEEPEST
            else:
                slope = float(optimize.brentq(rise, 0.0, STEEPEST, xtol=1e-7))
        return offset + slope * away


def fit(sizes: ArrayLike, found: ArrayLike, groups: ArrayLike) -> HitMiss:
    """The curve of defects of these sizes [N] > 0, found or not [N], of these groups [N].

    Raises UserError, with what is needed, where no curve can be fitted.
    """
    from statsmodels.api import Logit, add_constant  # half a second, and few ask

    values, hits = np.asarray(sizes, np.float64), np.asarray(found, bool)
    _refuse(values, hits)
    x = np.log(values)
    fitted: Any = Logit(hits.astype(float), add_constant(x)).fit(disp=0, maxiter=200)
    intercept, slope = (float(value) for value in fitted.params)
    if slope <= 0:
        raise UserError(FLAT)
    weight = len(np.unique(np.asarray(groups))) / len(values)
    return HitMiss(x, hits, weight, intercept, slope)


def _refuse(sizes: Floats, hits: NDArray[np.bool_]) -> None:
    """Raises UserError where a curve is not to be had from these."""
    if len(sizes) and not (np.isfinite(sizes).all() and sizes.min() > 0):
        raise ValueError("sizes must be above 0")
    if not len(sizes) or hits.all() or not hits.any():
        of_all = "none of them" if len(sizes) and not hits.any() else "all of them"
        told = f"{len(sizes)} BAD parts with a size, {of_all} found" if len(sizes) else "no size"
        raise UserError(
            f"A curve needs defects that are found and some that are missed: {told}. Bring "
            f"{ADVISED} BAD parts, their sizes from far too small to plain."
        )
    if sizes[hits].max() <= sizes[~hits].min():
        raise UserError(FLAT)
    if sizes[hits].min() >= sizes[~hits].max():
        raise UserError(
            f"Every defect above {sizes[~hits].max():.3g} is found and every smaller one missed: "
            f"a90 lies between that and {sizes[hits].min():.3g}, but a curve needs sizes at which "
            "some are found and some missed. Bring more BAD parts of sizes around it."
        )


def _logit(p: float) -> float:
    return math.log(p / (1 - p))


def _information(eta: Floats) -> Floats:
    """p (1 - p) of log odds [N]."""
    return np.asarray(np.exp(-np.logaddexp(0, eta) - np.logaddexp(0, -eta)))


def _log_likelihood(eta: Floats, found: NDArray[np.bool_]) -> float:
    return float(-np.logaddexp(0, np.where(found, -eta, eta)).sum())
