"""Thresholds that keep a promise about false alarms, from the scores of GOOD parts alone.

A part raises an alarm where its score is above the limit. Two promises can be asked for:

- on average (split-conformal, Papadopoulos 2002; arXiv 2104.08279): over many plants that set
  their limit this way, the share of GOOD parts that raise an alarm is at most the promised rate.
  One plant may have bad luck with its calibration parts.
- certified (tolerance limits, Wilks 1941; Clopper and Pearson 1934): with the stated confidence,
  this plant's own share is at most the promised rate.

Parts of one group (a component, a batch) are alike, so thirty crops of one component say little
more than one. On average, each group has the same weight however many parts it has, and the group
still to come counts as one more (hierarchical conformal prediction, arXiv 2306.06342): exact
where groups are exchangeable. Certified, a group is one trial that fails if any of its parts is
above the limit: exact for the share of groups with an alarm, and so on the safe side for parts.
Both need groups, not parts: 19 of them for 5 % on average, 59 for 5 % at 95 % confidence.
"""

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import bdtr

Floats = NDArray[np.float64]
GOOD, REVIEW, BAD = "GOOD", "review", "BAD"


@dataclass(frozen=True)
class Promise:
    """alarm_rate: share of GOOD parts above the limit, at most. review_rate: share of GOOD parts
    that a person sees or that raise an alarm, at most. confidence: 0 promises on average only.
    """

    alarm_rate: float = 0.05
    review_rate: float = 0.10
    confidence: float = 0.0


@dataclass(frozen=True)
class Limits:
    """alarm, review: limits of the score, None where there are too few groups of GOOD parts.

    needed, review_needed: how many groups are still missing for either, 0 where enough.
    """

    alarm: float | None
    review: float | None
    n_good: int
    n_groups: int
    needed: int
    review_needed: int


@dataclass(frozen=True)
class Shift:
    """Parts expected in a shift, by what they are and what becomes of them.

    The last three are None where no BAD part is known to judge by.
    """

    parts: float
    false_alarms: float
    good_reviews: float
    caught: float | None
    bad_reviews: float | None
    missed: float | None


def least_groups(rate: float, confidence: float = 0.0) -> int:
    """Fewest groups of GOOD parts that allow a limit: 19 for 5 %, 59 for 5 % at 95 %.

    Raises ValueError for a rate or confidence outside of (0, 1); confidence 0 is on average.
    """
    if not 0 < rate < 1 or not 0 <= confidence < 1:
        raise ValueError(f"rate and confidence must lie in (0, 1): {rate}, {confidence}")
    if confidence == 0:
        return math.ceil(1 / rate - 1e-9) - 1
    return math.ceil(math.log(1 - confidence) / math.log(1 - rate) - 1e-9)


def least_rate(n_groups: int, confidence: float = 0.0) -> float:
    """The smallest rate that so many groups of GOOD parts allow to promise; 1 without any."""
    if confidence == 0:
        return 1 / (n_groups + 1)
    return 1 - (1 - confidence) ** (1 / n_groups) if n_groups else 1.0


def conformal_limit(scores: ArrayLike, groups: ArrayLike, rate: float) -> float | None:
    """The smallest score that at most the share `rate` of new GOOD parts exceeds, on average.

    scores, groups: [n] of the GOOD calibration parts. Without groups, that is with each part in
    its own, the ⌈(n + 1)(1 - rate)⌉-th smallest score. None where there are too few groups.
    """
    values, index, sizes = _grouped(scores, groups)
    if len(sizes) < least_groups(rate):
        return None
    weight = 1 / (sizes[index] * (len(sizes) + 1))
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weight[order]) >= 1 - rate - 1e-9
    return float(values[order][int(reached.argmax())])


def certified_limit(
    scores: ArrayLike, groups: ArrayLike, rate: float, confidence: float
) -> float | None:
    """The smallest score of which it is certain, at `confidence`, that at most the share `rate`
    of new groups has a GOOD part above it. None where there are too few groups.

    Of G groups, r may lie above the limit, the largest r with P(Binomial(G, rate) ≤ r) at most
    1 - confidence: the limit is the (r + 1)-th largest of the groups' highest scores.
    """
    values, index, sizes = _grouped(scores, groups)
    if len(sizes) < least_groups(rate, confidence):
        return None
    highest = np.full(len(sizes), -np.inf)
    np.maximum.at(highest, index, values)
    allowed = bdtr(np.arange(len(sizes)), len(sizes), rate) <= 1 - confidence + 1e-12
    return float(np.sort(highest)[::-1][int(allowed.sum()) - 1])


def _grouped(scores: ArrayLike, groups: ArrayLike) -> tuple[Floats, NDArray[np.intp], Floats]:
    """Scores [n], the number of each one's group [n], and how many parts each group has [G]."""
    values, names = np.asarray(scores, np.float64), np.asarray(groups)
    if values.ndim != 1 or values.shape != names.shape:
        raise ValueError(f"scores and groups must be lists of one length: {values.shape}")
    if not np.isfinite(values).all():
        raise ValueError("a score is not a finite number")
    _, index, sizes = np.unique(names, return_inverse=True, return_counts=True)
    return values, index, sizes.astype(np.float64)


def find_limits(scores: ArrayLike, groups: ArrayLike, promise: Promise) -> Limits:
    """Both limits of one feature type, from its GOOD calibration scores [n] and groups [n]."""

    def limit(rate: float) -> float | None:
        if promise.confidence:
            return certified_limit(scores, groups, rate, promise.confidence)
        return conformal_limit(scores, groups, rate)

    n_groups = len(np.unique(np.asarray(groups)))
    rates = promise.alarm_rate, promise.review_rate
    needed, review_needed = (
        max(0, least_groups(rate, promise.confidence) - n_groups) for rate in rates
    )
    n_good = len(np.asarray(scores))
    return Limits(limit(rates[0]), limit(rates[1]), n_good, n_groups, needed, review_needed)


def with_alarm(limits: Limits, chosen: float | None) -> Limits:
    """The limits with an alarm limit that a person chose, unchanged for None.

    The promised review limit stays where it is not above it. Without one it stays away: a person
    looks at what raises no alarm.
    """
    if chosen is None:
        return limits
    review = None if limits.review is None else min(limits.review, chosen)
    return replace(limits, alarm=chosen, review=review)


def verdicts(scores: ArrayLike, alarm: float | None, review: float | None) -> NDArray[np.str_]:
    """GOOD, review or BAD for each score [n].

    Without an alarm limit nothing is called BAD, without a review limit nothing GOOD: a person
    looks at what the program cannot promise about.
    """
    values = np.asarray(scores, np.float64)
    is_bad = values > alarm if alarm is not None else np.zeros(values.shape, bool)
    is_good = values <= review if review is not None else np.zeros(values.shape, bool)
    return np.where(is_bad, BAD, np.where(is_good, GOOD, REVIEW))


def expected_shift(
    parts: float, bad_share: float, promise: Promise, bad_counts: tuple[int, int, int]
) -> Shift:
    """What to expect of a shift of so many parts, of which `bad_share` are BAD.

    GOOD parts count with the promised rates, so theirs are upper figures. bad_counts: how many of
    the known BAD parts were called BAD, review and GOOD.
    """
    good, bad, known = parts * (1 - bad_share), parts * bad_share, sum(bad_counts)
    shares: list[Any] = [bad * count / known if known else None for count in bad_counts]
    reviewed = promise.review_rate - promise.alarm_rate
    return Shift(parts, good * promise.alarm_rate, good * reviewed, *shares)
