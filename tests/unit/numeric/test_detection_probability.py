"""a90 and its bounds: against statsmodels, and by simulation."""

import math

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats

from backend.numeric import detection_probability
from backend.records import UserError

TRUE_A90, SLOPE = 2.0, 3.0


def plant(rng, n=80, low=0.4, high=6.0):
    """Defects of these sizes, of which 90 % are found at TRUE_A90."""
    sizes = np.exp(rng.uniform(np.log(low), np.log(high), n))
    eta = math.log(9) + SLOPE * np.log(sizes / TRUE_A90)
    return sizes, rng.random(n) < 1 / (1 + np.exp(-eta))


def fitted(rng, **more):
    sizes, found = plant(rng, **more)
    return detection_probability.fit(sizes, found, np.arange(len(sizes)))


def test_the_curve_is_that_of_a_logistic_regression():
    curve = fitted(np.random.default_rng(3))
    glm = sm.GLM(
        curve.found.astype(float), sm.add_constant(curve.x), family=sm.families.Binomial()
    ).fit()
    assert [curve.intercept, curve.slope] == pytest.approx(glm.params, rel=1e-5)
    assert curve.probability(curve.size(0.9)) == pytest.approx(0.9)
    assert curve.probability(curve.size(0.5)) == pytest.approx(0.5)


def test_a_bound_lies_where_the_corrected_root_of_the_deviance_is_its_quantile():
    """Held against a regression of statsmodels that has to pass 90 % at the bound."""
    curve = fitted(np.random.default_rng(4))
    glm = sm.GLM(
        curve.found.astype(float), sm.add_constant(curve.x), family=sm.families.Binomial()
    ).fit()
    low, high = curve.interval()
    bounds = {low: 0.025, high: 0.025, curve.upper(): 0.05}
    assert low < curve.size() < curve.upper() < high
    for bound, alpha in bounds.items():
        away = (curve.x - math.log(bound))[:, None]
        offset = np.full(len(away), math.log(9))
        held = sm.GLM(
            curve.found.astype(float), away, family=sm.families.Binomial(), offset=offset
        ).fit()
        root = math.sqrt(held.deviance - glm.deviance)
        apart = abs(glm.params @ [1, math.log(bound)] - math.log(9))
        q = apart * math.sqrt(held.cov_params()[0, 0] / np.linalg.det(glm.cov_params()))
        assert root + math.log(q / root) / root == pytest.approx(stats.norm.isf(alpha), abs=1e-3)


def test_a90_95_lies_above_the_true_size_as_often_as_it_says():
    rng = np.random.default_rng(5)
    curves = [fitted(rng, n=60) for _ in range(300)]
    assert np.mean([curve.upper() >= TRUE_A90 for curve in curves]) >= 0.94
    inside = [low <= TRUE_A90 <= high for low, high in (curve.interval() for curve in curves)]
    assert np.mean(inside) >= 0.94


def test_parts_of_one_group_count_as_one():
    rng = np.random.default_rng(6)
    sizes, found = plant(rng)
    alone = detection_probability.fit(sizes, found, np.arange(80))
    grouped = detection_probability.fit(sizes, found, np.arange(80) // 4)
    assert grouped.size() == alone.size() and grouped.upper() > alone.upper()


def test_where_size_tells_little_there_is_no_bound():
    rng = np.random.default_rng(0)
    sizes, found = rng.uniform(1, 2, 12), np.array([True, False] * 6)
    found[np.argmax(sizes)] = True
    try:
        curve = detection_probability.fit(sizes, found, np.arange(12))
    except UserError as error:
        assert "not found more often" in str(error)
    else:
        assert curve.upper() == math.inf


@pytest.mark.parametrize(
    ("sizes", "found", "words"),
    [
        ([], [], "no size"),
        ([1, 2, 3], [True] * 3, "all of them found"),
        ([1, 2, 3], [False] * 3, "none of them found"),
        ([1, 2, 3, 4], [False, False, True, True], "a90 lies between that and 3"),
        ([1, 2, 3, 4], [True, True, False, False], "not found more often"),
    ],
)
def test_what_gives_no_curve_says_what_is_needed(sizes, found, words):
    with pytest.raises(UserError, match=words):
        detection_probability.fit(sizes, found, np.arange(len(sizes)))
