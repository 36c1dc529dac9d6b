"""Percentiles of samples, with intervals that assume no distribution.

An interval runs from one sample to another: how many of n samples lie below the true quantile is
binomial, whatever they are samples of (David and Nagaraja, Order Statistics, 2003, 7.1).
"""

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from backend.numeric.statistics import Interval


def quantile(values: ArrayLike, share: float, alpha: float = 0.05) -> Interval:
    """The quantile and its interval; a bound is NaN where too few samples lie beyond it.

    values [n], n >= 1; share in (0, 1). The interval holds the true quantile at least 1 - alpha of
    the time where the samples are independent; each bound fails at most alpha / 2 of the time.
    """
    found = np.sort(np.asarray(values, dtype=np.float64))
    if found.ndim != 1 or not len(found) or not 0 < share < 1:
        raise ValueError(f"need samples and a share in (0, 1): {found.shape}, {share}")
    n = len(found)
    low = int(stats.binom.ppf(alpha / 2, n, share))  # counted from 1
    high = int(stats.binom.ppf(1 - alpha / 2, n, share)) + 1
    return (
        float(np.quantile(found, share)),
        float(found[low - 1]) if low >= 1 else math.nan,
        float(found[high - 1]) if high <= n else math.nan,
    )


def needed(share: float, alpha: float = 0.05) -> int:
    """How many samples give the quantile's interval an upper bound."""
    return math.ceil(math.log(alpha / 2) / math.log(share))
