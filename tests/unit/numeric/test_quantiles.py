"""Percentiles with intervals of order statistics."""

import math

import numpy as np
import pytest

from backend.numeric import quantiles


def test_the_interval_of_a_median_is_the_tables():
    """Conover's and others' tables: ranks 40 and 61 of 100, 2 and 9 of 10."""
    assert quantiles.quantile(range(1, 101), 0.5) == (50.5, 40, 61)
    assert quantiles.quantile(range(1, 11), 0.5) == (5.5, 2, 9)


def test_a_bound_that_too_few_samples_support_is_not_invented():
    value, low, high = quantiles.quantile(range(200), 0.99)
    assert low < value and math.isnan(high)
    assert math.isnan(quantiles.quantile([3.0], 0.5)[1])


@pytest.mark.parametrize("share", [0.5, 0.95, 0.99])
def test_so_many_samples_are_needed_and_no_fewer(share):
    n = quantiles.needed(share)
    assert math.isfinite(quantiles.quantile(range(n), share)[2])
    assert math.isnan(quantiles.quantile(range(n - 1), share)[2])


@pytest.mark.parametrize("share", [0.5, 0.95])
@pytest.mark.parametrize("n", [80, 200])
def test_intervals_hold_the_truth_as_often_as_they_promise(share, n):
    """Log-normal samples: no normal theory would fit."""
    rng = np.random.default_rng(0)
    truth = math.exp(float(np.quantile(rng.standard_normal(4_000_000), share)))
    found = [quantiles.quantile(np.exp(rng.standard_normal(n)), share) for _ in range(2000)]
    held = np.mean([low <= truth <= high for _, low, high in found])
    assert 0.945 <= held <= 0.985


@pytest.mark.parametrize("values, share", [([], 0.5), ([1.0], 0), ([1.0], 1), ([[1.0]], 0.5)])
def test_what_has_no_quantile_is_refused(values, share):
    with pytest.raises(ValueError, match="need samples"):
        quantiles.quantile(values, share)
