"""Thresholds keep their promise: known order statistics, too few parts, and coverage by chance."""

import math

import numpy as np
import pytest
from scipy import stats

from backend.inspection.threshold import limits
from backend.inspection.threshold.limits import Promise
from backend.numeric import statistics
from tests.benchmarks import thresholds as simulation


def alone(n):
    return np.arange(n)


@pytest.mark.parametrize(
    ("rate", "confidence", "least"),
    [(0.05, 0, 19), (0.01, 0, 99), (0.1, 0, 9), (0.03, 0, 33), (0.05, 0.95, 59), (0.01, 0.95, 299)],
)
def test_the_fewest_parts_that_allow_a_limit(rate, confidence, least):
    assert limits.least_groups(rate, confidence) == least
    promise = Promise(rate, rate, confidence)
    enough = limits.find_limits(np.arange(least), alone(least), promise)
    short = limits.find_limits(np.arange(least - 1), alone(least - 1), promise)
    assert enough.alarm == least - 1, "the highest score"
    assert (enough.needed, short.needed) == (0, 1)
    assert short.alarm is None
    assert limits.least_rate(least, confidence) <= rate + 1e-9
    assert limits.least_rate(least - 1, confidence) > rate


def test_without_groups_it_is_the_order_statistic_of_split_conformal():
    rng = np.random.default_rng(0)
    for n, rate in ((19, 0.05), (40, 0.05), (137, 0.1), (500, 0.03)):
        scores = rng.normal(size=n)
        wanted = np.sort(scores)[math.ceil((n + 1) * (1 - rate) - 1e-9) - 1]
        assert limits.conformal_limit(scores, alone(n), rate) == wanted


def test_a_certified_limit_is_the_lowest_that_clopper_and_pearson_allow():
    rng = np.random.default_rng(1)
    for n in (59, 92, 93, 200, 700):
        scores = rng.normal(size=n)
        limit = limits.certified_limit(scores, alone(n), 0.05, 0.95)
        above = int((scores > limit).sum())
        assert statistics.clopper_pearson(above, n, side="upper")[1] <= 0.05
        assert statistics.clopper_pearson(above + 1, n, side="upper")[1] > 0.05


def test_many_parts_of_one_component_count_as_one():
    scores, groups = np.arange(400.0), np.repeat(np.arange(10), 40)
    found = limits.find_limits(scores, groups, Promise(0.05, 0.10))
    assert found.alarm is None
    assert (found.n_good, found.n_groups, found.needed) == (400, 10, 9)
    assert found.review is not None


def test_a_large_component_weighs_no_more_than_a_small_one():
    scores = np.concatenate([np.zeros(39), np.full(1000, 9.0)])
    groups = np.concatenate([np.arange(39), np.full(1000, 39)])
    assert limits.conformal_limit(scores, groups, 0.05) == 0, "1 of 41 may be above"


def test_the_review_limit_lies_below_the_alarm_limit():
    scores = np.random.default_rng(2).normal(size=300)
    found = limits.find_limits(scores, alone(300), Promise(0.01, 0.05))
    assert found.review < found.alarm
    verdicts = limits.verdicts(scores, found.alarm, found.review)
    assert (verdicts == "BAD").sum() <= 3
    assert 0 < (verdicts == "review").sum() <= 12


def test_without_a_promise_a_person_looks():
    scores = [0.0, 2.0, 9.0]
    assert list(limits.verdicts(scores, 3.0, 1.0)) == ["GOOD", "review", "BAD"]
    assert list(limits.verdicts(scores, None, 1.0)) == ["GOOD", "review", "review"]
    assert list(limits.verdicts(scores, None, None)) == ["review"] * 3
    assert list(limits.verdicts([1.0], 1.0, 1.0)) == ["GOOD"], "at the limit is not above it"


def test_a_shift_adds_up():
    shift = limits.expected_shift(1000, 0.1, Promise(0.05, 0.08), (6, 3, 1))
    assert (shift.false_alarms, shift.good_reviews) == pytest.approx((45, 27))
    assert (shift.caught, shift.bad_reviews, shift.missed) == pytest.approx((60, 30, 10))
    unknown = limits.expected_shift(1000, 0.1, Promise(), (0, 0, 0))
    assert unknown.caught is None
    assert unknown.missed is None


@pytest.mark.parametrize("bad", [[np.nan, 1.0], [[1.0, 2.0]]])
def test_scores_that_are_none_are_refused(bad):
    with pytest.raises(ValueError):
        limits.conformal_limit(bad, [0, 1], 0.05)


@pytest.mark.parametrize("groups", [1, 4])
def test_over_many_plants_the_promise_is_kept(groups):
    """Four crops of a component are alike (correlation 0.5); one crop each is the plain case."""
    rates = simulation.plants(400, Promise(0.05, 0.05), components=80, crops=groups, seed=3)
    error = rates.std() / math.sqrt(len(rates))
    assert rates.mean() <= 0.05 + 3 * error
    certified = simulation.plants(400, Promise(0.05, 0.05, 0.95), 80, groups, seed=4)
    misses = int((certified > 0.05).sum())
    assert stats.binomtest(misses, 400, 0.05, alternative="greater").pvalue > 0.01


def test_crops_taken_for_components_break_the_certificate():
    """The control: what grouping is for."""
    promise = Promise(0.05, 0.05, 0.95)
    rates = simulation.plants(400, promise, 40, 8, seed=5, ignore_groups=True)
    assert (rates > 0.05).mean() > 0.10
