"""How far people, or people and a program, agree on parts beyond what chance alone would give."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from backend.numeric.shares import bounds

# Fleiss, Statistical Methods for Rates and Proportions; also of the AIAG's reference manual on
# measurement systems analysis (MSA), 4th edition.
FINE, POOR = 0.75, 0.40


@dataclass(frozen=True)
class Kappa:
    """value: 1 where all agree, 0 as by chance, NaN where everybody only ever said one thing. low,
    high: 95 % interval. n: parts. agreed: share of pairs of judgements that agree; by_chance: that
    of people who would say as much of each kind at random."""

    value: float
    low: float
    high: float
    n: int
    agreed: float
    by_chance: float

    @property
    def known(self) -> bool:
        return not math.isnan(self.value)


def cohen(first: ArrayLike, second: ArrayLike) -> Kappa:
    """Cohen's kappa of two judgements [N] of each part (Educ. Psychol. Meas. 20, 1960)."""
    a, b = np.asarray(first, str), np.asarray(second, str)
    if a.shape != b.shape or a.ndim != 1:
        raise ValueError(f"judgements must be lists of one length: {a.shape}, {b.shape}")
    if not len(a):
        return _beyond_chance(math.nan, math.nan, 0)
    names = np.unique(np.concatenate([a, b]))
    shares_a, shares_b = ((said[:, None] == names).mean(0) for said in (a, b))
    return _beyond_chance(float((a == b).mean()), float(shares_a @ shares_b), len(a))


def fleiss(counts: ArrayLike) -> Kappa:
    """Fleiss' kappa (Psychol. Bull. 76, 1971). counts [N, K]: how many said each of K things of a
    part, two judgements at least; their number may differ from part to part."""
    table = np.asarray(counts, np.float64)
    if table.ndim != 2 or (len(table) and table.sum(1).min() < 2):
        raise ValueError("each part needs two judgements at least")
    if not len(table):
        return _beyond_chance(math.nan, math.nan, 0)
    judged = table.sum(1)
    alike = (table * (table - 1)).sum(1) / (judged * (judged - 1))
    shares = table.sum(0) / table.sum()
    return _beyond_chance(float(alike.mean()), float(shares @ shares), len(table))


def _beyond_chance(agreed: float, by_chance: float, n: int) -> Kappa:
    """Kappa with Cohen's own interval, in which agreement by chance counts as known; exact limits
    (Clopper and Pearson) of the share that agrees take the place of the normal ones, which shrink
    to nothing where all agree."""
    if not n or by_chance >= 1:
        return Kappa(math.nan, -1.0, 1.0, n, agreed, by_chance)
    shares = np.array([agreed, *bounds(agreed * n, n)])
    value, low, high = np.maximum(-1, (shares - by_chance) / (1 - by_chance)).tolist()
    return Kappa(value, low, high, n, agreed, by_chance)
