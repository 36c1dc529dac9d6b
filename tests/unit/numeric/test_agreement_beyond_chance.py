"""Kappa against statsmodels and textbooks; its interval by simulation."""

import math

import numpy as np
import pytest
from statsmodels.stats import inter_rater

from backend.numeric import agreement

# Rows of psychological judgements of 14 raters in five categories (Fleiss' method, worked example).
FOURTEEN = [
    *([0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1]),
    *([7, 7, 0, 0, 0], [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7]),
]


def judged(table):
    """Both judgements of each part, from a table of counts [2, 2]."""
    pairs = [(i, j) for i in (0, 1) for j in (0, 1) for _ in range(table[i][j])]
    return zip(*pairs, strict=True)


@pytest.mark.parametrize(
    ("table", "kappa"),
    [
        ([[44, 6], [3, 97]], 0.86),  # appraisers A and B of the AIAG's attribute study
        ([[42, 5], [9, 94]], 0.79),  # B and C
        ([[43, 7], [8, 92]], 0.78),  # A and C
        ([[20, 5], [10, 15]], 0.40),
    ],
)
def test_cohens_kappa_is_that_of_textbooks_and_of_statsmodels(table, kappa):
    found = agreement.cohen(*judged(table))
    reference = inter_rater.cohens_kappa(np.array(table))
    assert round(found.value, 2) == kappa
    assert found.value == pytest.approx(reference.kappa)
    assert found.low < found.value < found.high
    assert found.low == pytest.approx(reference.kappa_low, abs=0.06)
    assert found.high == pytest.approx(reference.kappa_upp, abs=0.06)


def test_cohens_kappa_of_three_words_is_that_of_statsmodels():
    rng = np.random.default_rng(0)
    a = rng.choice(["good", "bad", "unsure"], 200, p=[0.6, 0.3, 0.1])
    b = np.where(rng.random(200) < 0.7, a, rng.permutation(a))
    table = inter_rater.to_table(np.unique(np.stack([a, b], 1), return_inverse=True)[1])[0]
    reference = inter_rater.cohens_kappa(table).kappa
    assert agreement.cohen(a, b).value == pytest.approx(reference)


def test_fleiss_kappa_is_that_of_the_worked_example_and_of_statsmodels():
    found = agreement.fleiss(FOURTEEN)
    assert round(found.value, 3) == 0.210
    assert found.value == pytest.approx(inter_rater.fleiss_kappa(np.array(FOURTEEN)))


def test_fleiss_kappa_takes_parts_that_more_or_fewer_judged():
    twice, thrice = agreement.fleiss([[2, 0], [0, 2]]), agreement.fleiss([[3, 0], [0, 2]])
    assert twice.value == thrice.value == 1
    with pytest.raises(ValueError, match="two judgements"):
        agreement.fleiss([[1, 0]])


def test_where_all_agree_the_interval_is_still_one():
    found = agreement.cohen(["good"] * 10 + ["bad"] * 10, ["good"] * 10 + ["bad"] * 10)
    assert found.value == found.high == 1 and 0.6 < found.low < 0.9


@pytest.mark.parametrize("words", [[], ["good"] * 30])
def test_what_cannot_be_told_is_not(words):
    found = agreement.cohen(words, words)
    assert not found.known and (found.low, found.high) == (-1, 1)
    assert not math.isnan(found.low)


@pytest.mark.parametrize(("right", "bad", "n"), [(0.9, 0.4, 30), (0.98, 0.3, 50), (0.8, 0.5, 100)])
def test_the_interval_covers_the_true_kappa(right, bad, n):
    """Two people who are each right so often, on parts of which so many are BAD."""
    rng = np.random.default_rng(1)
    says = bad * right + (1 - bad) * (1 - right)
    alike, chance = right**2 + (1 - right) ** 2, says**2 + (1 - says) ** 2
    true = (alike - chance) / (1 - chance)
    covered = []
    for _ in range(400):
        truth = rng.random(n) < bad
        a, b = (truth ^ (rng.random(n) > right) for _ in range(2))
        found = agreement.cohen(a, b)
        covered.append(found.low <= true <= found.high)
    assert np.mean(covered) >= 0.93
