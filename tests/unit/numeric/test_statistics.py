"""Golden numbers for the statistics of flow B: published examples, other libraries, brute force."""

import math

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve
from statsmodels.stats.proportion import proportion_confint

from backend.numeric import statistics as st

# Hanley & McNeil 1982, table 1: CT ratings 1-5 of 58 normal and 51 abnormal patients.
CT_NORMAL = np.repeat([1, 2, 3, 4, 5], [33, 6, 6, 11, 2])
CT_ABNORMAL = np.repeat([1, 2, 3, 4, 5], [3, 2, 2, 11, 33])


def tied_scores(n_good=40, n_bad=13, seed=0):
    """Two correlated scores of the same parts, rounded so that there are ties."""
    rng = np.random.default_rng(seed)
    y = np.repeat([0, 1], [n_good, n_bad])
    common = rng.normal(size=len(y))
    a = np.round(common + rng.normal(size=len(y)) + 1.4 * y, 1)
    b = np.round(common + rng.normal(size=len(y)) + 0.7 * y, 1)
    return y, a, b


def brute_placements(y, score):
    """DeLong's components straight from the definition: psi = 1 above, 1/2 tied, 0 below."""
    psi = np.array(
        [[(b > g) + 0.5 * (b == g) for g in score[y == 0]] for b in score[y == 1]], dtype=float
    )
    return psi.mean(axis=1), psi.mean(axis=0)


def test_auroc_agrees_with_sklearn_with_ties():
    y, a, _ = tied_scores()
    assert st.auroc(a[y == 0], a[y == 1]) == pytest.approx(roc_auc_score(y, a), abs=1e-12)


def test_published_ct_example():
    """Stata's manual, roctab on these ratings: area 0.8932, DeLong standard error 0.0307."""
    v_bad, v_good = st.placements(CT_NORMAL.astype(float), CT_ABNORMAL.astype(float))
    se = math.sqrt(st._delong_variance(v_bad.mean(), v_bad, v_good))
    assert v_bad.mean() == pytest.approx(0.8932, abs=5e-5)
    assert se == pytest.approx(0.0307, abs=5e-5)
    area, low, high = st.auroc_interval(CT_NORMAL, CT_ABNORMAL)
    half = 1.959964 * se / (area * (1 - area))
    assert math.log(high / (1 - high)) - math.log(low / (1 - low)) == pytest.approx(2 * half)
    assert low < area < high < 1


def test_midrank_placements_equal_brute_force():
    y, a, _ = tied_scores()
    fast = st.placements(a[y == 0], a[y == 1])
    for quick, slow in zip(fast, brute_placements(y, a), strict=True):
        np.testing.assert_allclose(quick, slow, atol=1e-12)


def test_delong_test_equals_brute_force_covariance():
    y, a, b = tied_scores()
    (bad_a, good_a), (bad_b, good_b) = brute_placements(y, a), brute_placements(y, b)
    covariance = np.cov(bad_a, bad_b) / len(bad_a) + np.cov(good_a, good_b) / len(good_a)
    contrast = np.array([1, -1])
    se = math.sqrt(contrast @ covariance @ contrast)
    expected = roc_auc_score(y, a) - roc_auc_score(y, b)
    difference, low, high, p = st.delong_test(y, a, b)
    assert difference == pytest.approx(expected)
    assert (high - low) / 2 == pytest.approx(1.959964 * se, rel=1e-6)
    assert p == pytest.approx(2 * stats.norm.sf(abs(expected) / se))


def test_delong_test_agrees_with_paired_bootstrap():
    y, a, b = tied_scores(120, 60)
    _, low, high, _ = st.delong_test(y, a, b)
    _, boot_low, boot_high = st.group_bootstrap(
        lambda i: roc_auc_score(y[i], a[i]) - roc_auc_score(y[i], b[i]), np.arange(len(y)), 300
    )
    assert (boot_low, boot_high) == pytest.approx((low, high), abs=0.02)


def test_delong_test_swaps_sign_and_rejects_at_its_level():
    y, a, b = tied_scores()
    difference, low, high, p = st.delong_test(y, a, b)
    assert st.delong_test(y, b, a) == pytest.approx((-difference, -high, -low, p))
    rng = np.random.default_rng(1)
    y = np.repeat([0, 1], [60, 30])
    rejected = 0
    for _ in range(400):
        part = rng.normal(size=90) + y
        one, two = part + rng.normal(size=(2, 90))
        rejected += st.delong_test(y, one, two)[3] < 0.05
    assert 0.02 < rejected / 400 < 0.09


def test_delong_test_degenerate():
    y = np.array([0, 0, 0, 1, 1])
    score = np.array([1.0, 2, 3, 4, 5])
    assert st.delong_test(y, score, 10 * score) == (0.0, 0.0, 0.0, 1.0)
    assert st.delong_test(y, score, -score) == (1.0, -1.0, 1.0, 1.0)
    assert st.delong_test([0, 0, 1], [1, 3, 2], [1, 2, 3])[1:] == (-1.0, 1.0, 1.0)
    with pytest.raises(ValueError, match="both classes: 3 GOOD, 0 BAD"):
        st.delong_test([0, 0, 0], [1, 2, 3], [1, 2, 3])
    with pytest.raises(ValueError, match="shape"):
        st.delong_test([0, 1], [1, 2, 3], [1, 2, 3])


def test_auroc_interval_covers_the_truth():
    """AUROC 0.9 from 60 GOOD and 15 BAD normal scores: about 95 % of the intervals hold it."""
    rng = np.random.default_rng(0)
    shift = math.sqrt(2) * stats.norm.ppf(0.9)
    inside = 0
    for _ in range(600):
        _, low, high = st.auroc_interval(rng.normal(size=60), rng.normal(shift, size=15))
        inside += low <= 0.9 <= high
    assert 0.925 <= inside / 600 <= 0.985


def test_auroc_interval_when_separation_is_perfect():
    area, low, high = st.auroc_interval(np.arange(100), 100 + np.arange(12))
    assert (area, high) == (1.0, 1.0)
    assert low == pytest.approx(0.05 ** (1 / 12))
    assert low == pytest.approx(st.clopper_pearson(12, 12, side="lower")[0])
    assert st.auroc_interval(100 + np.arange(12), np.arange(100)) == pytest.approx(
        (0.0, 0.0, 1 - low)
    )


def test_auroc_interval_degenerate():
    assert all(math.isnan(v) for v in st.auroc_interval([1.0, 2.0], []))
    assert all(math.isnan(v) for v in st.auroc_interval([], [1.0]))
    area, low, high = st.auroc_interval([1.0] * 30, [1.0] * 10)
    assert area == 0.5 and low < 0.25 and high > 0.75
    area, low, high = st.auroc_interval([1.0, 3.0, 2.0, 0.0], [2.5])
    assert area == 0.75 and 0 < low < 0.3 and 0.9 < high < 1
    with pytest.raises(ValueError, match="good_scores holds NaN at index 1"):
        st.auroc_interval([1.0, math.nan], [2.0])


def test_smaller_alpha_gives_the_wider_interval():
    y, a, _ = tied_scores()
    narrow, wide = (st.auroc_interval(a[y == 0], a[y == 1], alpha) for alpha in (0.1, 0.01))
    assert wide[1] < narrow[1] < narrow[2] < wide[2]


def test_group_bootstrap_is_seeded_and_wider_than_parts_alone():
    rng = np.random.default_rng(3)
    groups = np.repeat(np.arange(30), 5)
    values = np.repeat(rng.normal(size=30), 5) + 0.1 * rng.normal(size=150)

    def mean(index):
        return float(values[index].mean())

    grouped = st.group_bootstrap(mean, groups)
    assert grouped == st.group_bootstrap(mean, [f"c{g}" for g in groups + 100])
    assert grouped != st.group_bootstrap(mean, groups, seed=1)
    assert grouped[0] == pytest.approx(values.mean())
    alone = st.group_bootstrap(mean, np.arange(150))
    assert grouped[2] - grouped[1] > 1.7 * (alone[2] - alone[1])
    se = values.reshape(30, 5).mean(axis=1).std(ddof=1) / math.sqrt(30)
    assert (grouped[2] - grouped[1]) / 2 == pytest.approx(1.96 * se, rel=0.15)


def test_group_bootstrap_keeps_groups_whole_and_skips_undefined_draws():
    groups = np.array(["a", "b", "a", "c", "b"])
    seen = []

    def record(index):
        seen.append(np.bincount(index, minlength=5))
        return math.nan if seen[-1][3] == 0 else 1.0

    assert st.group_bootstrap(record, groups, n_resamples=200)[0] == 1.0
    counts = np.array(seen)
    assert (counts[:, 0] == counts[:, 2]).all() and (counts[:, 1] == counts[:, 4]).all()
    _, low, high = st.group_bootstrap(lambda index: math.nan, groups, n_resamples=20)
    assert math.isnan(low) and math.isnan(high)


def test_nadeau_bengio_by_hand():
    """Differences 1, 2, 3, 4, 5 %: mean 3, s^2 2.5; n_test/n_train = 1/4 -> se sqrt(0.45 * 2.5)."""
    mean, low, high, p = st.nadeau_bengio([0.01, 0.02, 0.03, 0.04, 0.05], 80, 20)
    assert mean == pytest.approx(0.03)
    assert (high - mean) == pytest.approx(2.776445 * 0.010606602, rel=1e-6)
    assert (mean - low) == pytest.approx(high - mean)
    assert p == pytest.approx(2 * stats.t.sf(2.8284271, 4), rel=1e-6)
    assert p > stats.ttest_1samp([0.01, 0.02, 0.03, 0.04, 0.05], 0).pvalue


def test_nadeau_bengio_degenerate():
    assert st.nadeau_bengio([0.0, 0.0], 8, 2) == (0.0, 0.0, 0.0, 1.0)
    assert st.nadeau_bengio([0.1, 0.1, 0.1], 8, 2)[3] == 0.0
    with pytest.raises(ValueError, match="2 differences"):
        st.nadeau_bengio([0.1], 8, 2)


def test_holm_by_hand():
    adjusted = st.holm({"dots": 0.04, "edge1": 0.01, "dist6": 0.03})
    assert adjusted == pytest.approx({"dots": 0.06, "edge1": 0.03, "dist6": 0.06})
    assert list(adjusted) == ["dots", "edge1", "dist6"]
    assert st.holm({}) == {}
    with pytest.raises(ValueError, match="leave out: angle"):
        st.holm({"angle": math.nan, "dots": 0.2})


def test_clopper_pearson_known_values():
    """0 of 59 certifies 5 % at 95 % confidence, 0 of 58 does not; two-sided as statsmodels."""
    assert st.clopper_pearson(0, 59, side="upper")[1] == pytest.approx(1 - 0.05 ** (1 / 59))
    assert st.clopper_pearson(0, 59, side="upper")[1] < 0.05
    assert st.clopper_pearson(0, 58, side="upper")[1] > 0.05
    assert st.clopper_pearson(0, 10) == pytest.approx((0, 0.3084971))
    assert st.clopper_pearson(5, 10) == pytest.approx((0.1870860, 0.8129140), abs=1e-6)
    assert st.clopper_pearson(7, 90, 0.1) == pytest.approx(
        proportion_confint(7, 90, 0.1, method="beta")
    )
    assert st.clopper_pearson(3, 20, side="lower")[1] == 1
    assert st.clopper_pearson(0, 0) == (0.0, 1.0)
    with pytest.raises(ValueError, match="k = 3, n = 2"):
        st.clopper_pearson(3, 2)


def test_detectable_difference_has_the_power_it_promises():
    d = st.smallest_detectable_difference(0.8, 120, 45)
    assert 0.05 < d < 0.15
    assert st.power(0.8 + d, 0.8, 120, 45) == pytest.approx(0.8, abs=1e-3)
    assert st.smallest_detectable_difference(0.8, 480, 180) < 0.6 * d
    assert st.smallest_detectable_difference(0.8, 120, 45, correlation=0.8) < d
    assert st.power(0.8, 0.8, 120, 45) == pytest.approx(0.05)
    se = st.hanley_mcneil_se(0.8, 120, 45)
    assert st._difference_se(0.8, 0.8, 120, 45, 0.5) == pytest.approx(se)
    assert st._difference_se(0.8, 0.8, 120, 45, 1.0) == 0
    assert math.isnan(st.smallest_detectable_difference(0.95, 116, 12))


def exponential_scores(rng, area, n_good=120, n_bad=45):
    """Scores with the given true AUROC under the model behind Hanley-McNeil's formula."""
    return rng.exponential(size=n_good), rng.exponential(area / (1 - area), size=n_bad)


def test_hanley_mcneil_is_exact_for_exponential_scores():
    rng = np.random.default_rng(0)
    areas = [st.auroc(*exponential_scores(rng, 0.9)) for _ in range(2000)]
    assert np.mean(areas) == pytest.approx(0.9, abs=0.003)
    assert np.std(areas) == pytest.approx(st.hanley_mcneil_se(0.9, 120, 45), rel=0.05)
    with pytest.raises(ValueError, match="both classes"):
        st.hanley_mcneil_se(0.9, 120, 0)


def test_power_agrees_with_simulation():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], [120, 45])
    found = 0
    for _ in range(500):
        a, b = (np.concatenate(exponential_scores(rng, area)) for area in (0.9, 0.78))
        found += st.delong_test(y, a, b)[3] < 0.05
    assert found / 500 == pytest.approx(st.power(0.9, 0.78, 120, 45, correlation=0), abs=0.06)


@pytest.mark.parametrize("tpr", [0.5, 0.9, 0.95, 1.0])
def test_fpr_at_tpr_agrees_with_the_roc_curve(tpr):
    y, a, _ = tied_scores(80, 20)
    fpr, recall, _ = roc_curve(y, a, drop_intermediate=False)
    expected = fpr[recall >= tpr - 1e-12].min()
    assert st.fpr_at_tpr(a[y == 0], a[y == 1], tpr) == pytest.approx(expected)


def test_average_precision_and_empty_classes():
    y, a, _ = tied_scores()
    expected = average_precision_score(y, a)
    assert st.average_precision(a[y == 0], a[y == 1]) == pytest.approx(expected)
    assert math.isnan(st.average_precision([1.0], []))
    assert math.isnan(st.fpr_at_tpr([], [1.0]))
    assert math.isnan(st.auroc([], [1.0]))


def test_reliable_from_ten_bad():
    assert [st.reliable(n) for n in (0, 9, 10, 12)] == [False, False, True, True]


def test_weighted_aurocs_are_scikit_learns_of_repeated_parts_ties_and_all():
    rng = np.random.default_rng(4)
    bad, scores = rng.random(40) < 0.3, np.round(rng.normal(size=40), 1)
    weights = st.bootstrap_weights(np.arange(40) // 2, 0, 5)
    assert weights.shape == (6, 40) and (weights[0] == 1).all()
    found = st.weighted_aurocs(bad, scores, weights)
    for each, value in zip(weights, found, strict=True):
        assert value == pytest.approx(roc_auc_score(bad.repeat(each), scores.repeat(each)))
    assert np.isnan(st.weighted_aurocs(bad, scores, np.ones((1, 40)) * bad)).all()


def test_an_interval_needs_half_of_its_draws():
    nan = float("nan")
    value, low, high = st.bootstrap_interval([0.5, 0.4, 0.6, nan, nan])
    assert (value, low, high) == pytest.approx((0.5, 0.405, 0.595))
    assert np.isnan(st.bootstrap_interval([0.5, 0.4, nan, nan])[1:]).all()


def paired(seed=0, n=80):
    """Scores of two kinds of part, 20 GOOD and 20 BAD each, a part a group."""
    rng = np.random.default_rng(seed)
    bad = np.tile(np.repeat([False, True], n // 4), 2)
    kinds = np.repeat(["dots", "edge"], n // 2)
    return bad, kinds, rng.normal(0, 1, n) + 1.5 * bad, np.arange(n)


def test_a_paired_auroc_difference_is_the_mean_over_kinds():
    bad, kinds, a, groups = paired()
    b = a + np.random.default_rng(1).normal(0, 0.3, len(a))
    value, low, high = st.mean_auroc_difference(bad, kinds, a, b, groups)
    each = [
        roc_auc_score(bad[kinds == k], b[kinds == k])
        - roc_auc_score(bad[kinds == k], a[kinds == k])
        for k in ("dots", "edge")
    ]
    assert value == pytest.approx(np.mean(each))
    assert low < value < high and high - low < 0.2


def test_the_interval_of_a_paired_auroc_difference_holds_the_truth():
    """Noise on one of two scores costs a known AUROC: from many parts, then from few."""
    bad, kinds, a, groups = paired(n=20_000)
    rng = np.random.default_rng(2)
    truth = st.mean_auroc_difference(
        bad, kinds, a, a + rng.normal(0, 0.7, len(a)), groups, n_resamples=2
    )[0]
    inside = 0
    for seed in range(60):
        bad, kinds, a, groups = paired(seed)
        b = a + np.random.default_rng(1000 + seed).normal(0, 0.7, len(a))
        _, low, high = st.mean_auroc_difference(bad, kinds, a, b, groups, seed, 400)
        inside += low <= truth <= high
    assert inside >= 52, "of 60, at 95 %"


def test_where_no_part_changes_places_smoothed_scores_tell_how_near_it_came():
    bad = np.repeat([False, True], 15)
    a = np.concatenate([np.linspace(0, 1, 15), np.linspace(2, 3, 15)])
    kinds, groups = np.zeros(30), np.arange(30)
    same = st.mean_auroc_difference(bad, kinds, a, a, groups)
    assert same == (0, 0, 0)
    near = st.mean_auroc_difference(bad, kinds, a, np.where(bad, a - 0.9, a), groups)
    little = st.mean_auroc_difference(bad, kinds, a, np.where(bad, a - 0.1, a), groups)
    assert near[0] == little[0] == 0
    assert near[1] < little[1] < 0, "scores that came nearer to each other may change places"


def test_an_auroc_difference_needs_both_classes():
    assert np.isnan(
        st.mean_auroc_difference([False] * 4, [0] * 4, [1, 2, 3, 4], [1, 2, 3, 4], range(4))
    ).all()


def test_a_difference_that_no_draw_changes_has_the_exact_bound():
    assert st.difference_interval([0.0] * 50, 36)[2] == pytest.approx(0.0974, abs=1e-3)
    assert st.difference_interval([0.1, 0.0, 0.2, 0.1], 36)[0] == 0.1


def test_times_as_fast_is_the_median_ratio_in_pairs():
    rng = np.random.default_rng(0)
    busy = np.repeat(rng.lognormal(0, 0.6, 20), 10)  # the computer, for ten calls at a time
    before, after = 10 * busy * rng.normal(1, 0.02, 200), 5 * busy * rng.normal(1, 0.02, 200)
    value, low, high = st.times_as_fast(before, after)
    assert 1.97 < low < value < high < 2.03


def test_an_interval_over_groups_is_exact_where_they_are_equal_and_wider_where_not():
    hits, alone = np.arange(30) < 6, np.arange(30)
    assert st.as_many_groups(alone) == 30
    assert st.grouped_share(hits, alone) == (0.2, *st.bounds(6, 30))
    assert st.as_many_groups(np.repeat(alone, 4)) == pytest.approx(30)
    unequal = np.repeat(alone, [40] + [1] * 29)
    assert st.as_many_groups(unequal) == pytest.approx(69**2 / (1600 + 29))


@pytest.mark.parametrize("sizes", [(1,) * 30, (20,) * 3 + (2,) * 27])
def test_an_interval_over_groups_holds_as_often_as_it_says(sizes):
    """Parts all alike within a group; with as many trials as groups too few of the second's do."""
    random, groups = np.random.default_rng(0), np.repeat(np.arange(len(sizes)), sizes)
    held = 0
    for _ in range(400):
        hits = (random.random(len(sizes)) < 0.3)[groups]
        _, low, high = st.grouped_share(hits, groups)
        held += low <= 0.3 <= high
    assert held / 400 >= 0.94
