"""What trials say: means and paired differences, against figures worked out by hand."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from backend.detection import evaluation
from backend.detection.study import contrasts
from backend.detection.study.arms import Arm, Trial
from backend.detection.study.contrasts import METRICS, Measured
from backend.detection.study.trials import Outcome
from backend.detection.study.verdicts import GAIN
from backend.images.labelled_image import LabelledImage
from backend.numeric.statistics import group_draws
from backend.records import Box

PIXELS = np.zeros((100, 100, 3), np.uint8)
AP50, ALARMS, RECALL = METRICS
REAL = Arm("real+intact", ("real", "intact"), (), "real")
MORE = Arm("real+intact+a", ("real", "intact", "synthetic"), ("a",), "real+intact")


def measured(arm: Arm, seed: int, values: list[float]) -> Measured:
    """A trial whose metrics are all the first value, and the others in the resamples."""
    drawn = {name: np.array(values[1:]) for name in METRICS}
    return Measured(Trial(arm, 10, seed), dict.fromkeys(METRICS, values[0]), drawn)


def test_a_difference_is_paired_within_each_resample():
    found = [
        measured(REAL, 0, [0.4, 0.3, 0.5]),
        measured(REAL, 1, [0.6, 0.5, 0.7]),
        measured(MORE, 0, [0.5, 0.4, 0.6]),
        measured(MORE, 1, [0.8, 0.7, 0.9]),
    ]
    first_seed_then_second = np.array([[1.0, 0.0], [0.0, 1.0]])
    rows = contrasts.contrast(found, first_seed_then_second, 12, 6)
    row = next(r for r in rows if r["metric"] == AP50)
    assert (row["arm"], row["baseline"], row["real"]) == ("real+intact+a", "real+intact", 10)
    assert row["difference"] == pytest.approx(0.15)
    assert (row["value"], row["baseline_value"]) == (pytest.approx(0.65), pytest.approx(0.5))
    low, high = np.quantile([0.1, 0.2], [0.025, 0.975])
    assert (row["low"], row["high"]) == (pytest.approx(low), pytest.approx(high))
    assert row["p"] == pytest.approx(2 * (0 + 1) / (2 + 1))
    assert row["n_images"] == 12


def test_an_arm_without_its_baseline_has_no_contrast_but_a_mean():
    found = [measured(MORE, 0, [0.5, 0.4, 0.6])]
    assert contrasts.contrast(found, np.ones((2, 1)), 12, 6) == []
    assert {r["value"] for r in contrasts.learning(found, np.ones((2, 1)))} == {0.5}


def test_p_values_are_adjusted_within_each_metric():
    copied = Arm("real+intact+copy-paste", ("real", "intact", "copy-paste"), (), "real+intact")
    up = [0.6, *np.linspace(0.55, 0.65, 99)]
    flat = [0.4] * 100
    found = [
        measured(arm, seed, values)
        for arm, values in ((REAL, flat), (MORE, up), (copied, up))
        for seed in range(3)
    ]
    weights = np.full((99, 3), 1 / 3)
    rows = [r for r in contrasts.contrast(found, weights, 9, 9) if r["metric"] == AP50]
    assert [r["p"] for r in rows] == [pytest.approx(0.02)] * 2
    assert [r["p_holm"] for r in rows] == [pytest.approx(0.04)] * 2


def test_a_single_seed_has_no_chance_to_show_a_difference():
    up = [0.6, *np.linspace(0.55, 0.65, 99)]
    found = [measured(REAL, 0, [0.4] * 100), measured(MORE, 0, up)]
    rows = contrasts.contrast(found, np.ones((99, 1)), 9, 9)
    assert {r["p"] for r in rows} == {1.0}


def test_with_few_seeds_chance_is_that_of_t_between_them():
    """Nothing varies between specimens, so it is the t-test of three differences."""
    gaps = np.array([0.1, 0.15, 0.2])
    resampled = contrasts.seed_draws(3, 0, 20_000) @ gaps
    assert (resampled > 0).all(), "the bootstrap alone would be sure"
    expected = stats.ttest_1samp(gaps, 0).pvalue
    assert contrasts.few_seeds(gaps, resampled, 50) == pytest.approx(expected, rel=0.1)


def test_differences_without_effect_are_rarely_shown_with_three_seeds():
    """Seeds differ far more than specimens: one in twenty may look like a difference."""
    random = np.random.default_rng(0)
    draws = contrasts.seed_draws(3, 0, 400)
    found = [contrasts.few_seeds(g, draws @ g, 50) < 0.05 for g in random.normal(size=(600, 3))]
    assert np.mean(found) < 0.08


def test_the_gain_over_the_constant_box_is_paired_within_each_resample(outcome):
    draws = group_draws(outcome.judged.groups, 1, 40)
    image = LabelledImage(PIXELS, "real", (Box("defect", (0, 0, 10, 10)),), name="p", group="p")
    others = [replace(image, name=n, group=n, boxes=()) for n in "qmn"]
    box = evaluation.constant_box([image, *others])
    (one,) = contrasts.beyond([contrasts.measure(outcome, draws)], box, draws)
    assert one.values[GAIN] == pytest.approx(outcome.judged.ap50() - box.ap50())
    whole = [outcome.judged.ap50(w) - box.ap50(w) for w in draws.astype(float)]
    np.testing.assert_allclose(one.resampled[GAIN], whole, equal_nan=True)
    (row,) = (r for r in contrasts.learning([one], np.ones((40, 1))) if r["metric"] == GAIN)
    assert row["low"] <= row["value"] <= row["high"]


def test_few_seeds_spread_as_widely_as_theory_says():
    values = np.array([0.1, 0.4, 0.7])
    drawn = (contrasts.seed_draws(3, 0, 20_000) * values).sum(1)
    assert drawn.var() == pytest.approx(values.var(ddof=1) / 3, rel=0.05)


def test_views_of_one_specimen_are_drawn_together():
    draws = group_draws(np.array(["a", "b", "a", "c"]), 0, 50)
    assert (draws[:, 0] == draws[:, 2]).all()
    assert (draws[:, [0, 1, 3]].sum(1) == 3).all()


@pytest.fixture
def outcome() -> Outcome:
    """Two images with a box, one found at 0.9 and one at 0.4; an intact one with an alarm at 0.6,
    one with none."""
    truth = (Box("defect", (0, 0, 10, 10)),)
    images = [
        LabelledImage(PIXELS, "real", boxes, name=name, group=name)
        for name, boxes in (("p", truth), ("q", truth), ("m", ()), ("n", ()))
    ]
    hit, stray = [0, 0, 10, 10], [50, 50, 60, 60]
    found = [
        np.array([[*hit, 0.9], [*stray, 0.1]]),
        np.array([[*hit, 0.4]]),
        np.array([[*stray, 0.6]]),
        np.zeros((0, 5)),
    ]
    return Outcome(Trial(MORE, 10, 0), evaluation.judge(images, found), {"confidence": 0.5})


def test_recall_and_alarms_are_taken_at_the_trials_confidence(outcome):
    one = contrasts.measure(outcome, np.array([[1, 1, 1, 1], [2, 0, 0, 2], [0, 2, 2, 0]]))
    assert one.values[RECALL] == 0.5
    assert one.values[ALARMS] == 0.5
    assert one.resampled[RECALL].tolist() == [0.5, 1.0, 0.0]
    assert one.resampled[ALARMS].tolist() == [0.5, 0.0, 1.0]


def test_leaving_out_faint_false_alarms_changes_no_ap50(outcome):
    draws = group_draws(outcome.judged.groups, 1, 40)
    one = contrasts.measure(outcome, draws)
    whole = [outcome.judged.ap50(weight.astype(float)) for weight in draws]
    assert one.values[AP50] == pytest.approx(outcome.judged.ap50())
    np.testing.assert_allclose(one.resampled[AP50], whole, equal_nan=True)
