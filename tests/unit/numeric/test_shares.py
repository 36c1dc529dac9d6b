"""Shares with exact intervals, checked against their definition by simulation."""

import math

import numpy as np
import pytest
from scipy.special import beta

from backend.numeric import shares
from backend.numeric.statistics import clopper_pearson

DRAWS = 10_000
CHANCE = 3 * math.sqrt(0.05 * 0.95 / DRAWS)  # of a share of so many draws


def test_none_of_300_is_under_one_percent():
    found = shares.share(0, 300)
    assert found.under == pytest.approx(1 - 0.05 ** (1 / 300))
    assert found.under < 0.01
    assert (found.low, found.value) == (0.0, 0.0)


@pytest.mark.parametrize(("k", "n"), [(0, 7), (3, 50), (50, 50), (12, 1000)])
def test_the_interval_is_the_exact_one(k, n):
    found = shares.share(k, n)
    assert (found.low, found.high) == pytest.approx(clopper_pearson(k, n))
    assert found.under == pytest.approx(clopper_pearson(k, n, side="upper")[1])


def test_what_is_open_widens_the_interval_to_both_sides():
    found = shares.share(2, 100, unknown=3)
    assert found.low == shares.share(2, 100).low
    assert found.high == shares.share(5, 100).high
    assert found.value == 2 / 97


def test_without_a_part_nothing_is_known():
    found = shares.share(0, 0)
    assert (found.low, found.high) == (0.0, 1.0)
    assert math.isnan(found.value)
    with pytest.raises(ValueError, match="k <= k"):
        shares.share(3, 2)


@pytest.mark.parametrize(("k", "n"), [(0, 0), (0, 300), (2, 40), (30, 400)])
def test_so_many_more_parts_halve_the_interval(k, n):
    now = shares.share(k, n)
    more = shares.more_to_halve(now)
    rate = k / n if n else 0.0
    assert np.ptp(shares.bounds(rate * (n + more), n + more)) <= now.width / 2 + 1e-9
    assert np.ptp(shares.bounds(rate * (n + more - 1), n + more - 1)) > now.width / 2


@pytest.mark.parametrize("rate", [0.002, 0.01, 0.08])
def test_the_interval_of_the_escape_rate_covers_in_95_of_100(rate):
    hits = np.random.default_rng(8).binomial(300, rate, DRAWS)
    by_count = {k: shares.share(int(k), 300) for k in np.unique(hits)}
    covered = np.mean([by_count[k].low <= rate <= by_count[k].high for k in hits])
    under = np.mean([rate < by_count[k].under for k in hits])
    assert covered >= 0.95 - CHANCE
    assert under >= 0.95 - CHANCE


@pytest.mark.parametrize("rate", [0.005, 0.05, 0.3])
def test_the_confidence_sequence_covers_at_all_times_in_95_of_100(rate):
    hits = np.random.default_rng(4).random((120, 120)) < rate
    bounds = [shares.sequence(one) for one in hits]
    assert np.mean([low[-1] <= rate <= high[-1] for low, high in bounds]) >= 0.95


def test_the_sequence_is_where_the_bets_have_not_won():
    hits = np.random.default_rng(5).random(200) < 0.04
    low, high = shares.sequence(hits)
    k, n = hits.sum(), len(hits)
    assert 0 < low[-1] < k / n < high[-1] < 0.2
    assert (np.diff(low) >= 0).all() and (np.diff(high) <= 0).all()
    beyond = high[-1] * 1.001
    won = beta(k + 0.5, n - k + 0.5) / math.pi / (beyond**k * (1 - beyond) ** (n - k))
    assert won >= 20
    assert [len(edge) for edge in shares.sequence([])] == [0, 0]


def test_parts_drawn_with_other_shares_count_for_as_many_as_they_stand_for():
    hits = np.array([True] * 5 + [False] * 95 + [False] * 100)
    open_ones, alike = np.zeros(200, bool), np.full(200, 0.01)
    assert shares.drawn_share(hits, open_ones, alike) == shares.share(5, 200)
    rarely_first = np.repeat([0.01, 0.02], 100)
    found = shares.drawn_share(hits, open_ones, rarely_first)
    assert found.value == pytest.approx(5 * 100 / (100 * 100 + 100 * 50))
    assert (found.k, found.n) == (5, 200)
    assert found.low < found.value < found.high < found.value + 0.06
    assert math.isnan(shares.drawn_share([], [], []).value)


def test_an_interval_of_parts_drawn_with_two_shares_covers():
    rng, rate, n = np.random.default_rng(6), 0.05, 150
    drawn, unknown = np.repeat([0.01, 0.05], n), np.zeros(2 * n, bool)
    hits = rng.random((400, 2 * n)) < rate
    found = [shares.drawn_share(one, unknown, drawn) for one in hits]
    assert np.mean([one.low <= rate <= one.high for one in found]) >= 0.93
