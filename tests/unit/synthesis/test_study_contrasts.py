"""What trials say: means, paired differences and sentences, against figures worked out by hand."""

from pathlib import Path

import numpy as np
import pytest

from backend.records import Box
from backend.synthesis.detecting import judging
from backend.synthesis.detecting.testset import LabelledImage
from backend.synthesis.studying import contrasts, verdicts
from backend.synthesis.studying.arms import Arm, Trial
from backend.synthesis.studying.contrasts import METRICS, Measured
from backend.synthesis.studying.trials import Outcome

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
    found = [measured(REAL, 0, [0.4, *[0.4] * 99]), measured(MORE, 0, up), measured(copied, 0, up)]
    rows = [r for r in contrasts.contrast(found, np.ones((99, 1)), 9, 9) if r["metric"] == AP50]
    assert [r["p"] for r in rows] == [pytest.approx(0.02)] * 2
    assert [r["p_holm"] for r in rows] == [pytest.approx(0.04)] * 2


def test_few_seeds_spread_as_widely_as_theory_says():
    values = np.array([0.1, 0.4, 0.7])
    drawn = (contrasts.seed_draws(3, 0, 20_000) * values).sum(1)
    assert drawn.var() == pytest.approx(values.var(ddof=1) / 3, rel=0.05)


def test_views_of_one_specimen_are_drawn_together():
    draws = contrasts.group_draws(np.array(["a", "b", "a", "c"]), 0, 50)
    assert (draws[:, 0] == draws[:, 2]).all()
    assert (draws[:, [0, 1, 3]].sum(1) == 3).all()


@pytest.fixture
def outcome() -> Outcome:
    """Two images with a box, one found at 0.9 and one at 0.4; an intact one with an alarm at 0.6,
    one with none."""
    truth = (Box("defect", (0, 0, 10, 10)),)
    images = [
        LabelledImage(name, Path(name), name, boxes, "real", 100, 100)
        for name, boxes in (("p", truth), ("q", truth), ("m", ()), ("n", ()))
    ]
    hit, stray = [0, 0, 10, 10], [50, 50, 60, 60]
    found = [
        np.array([[*hit, 0.9], [*stray, 0.1]]),
        np.array([[*hit, 0.4]]),
        np.array([[*stray, 0.6]]),
        np.zeros((0, 5)),
    ]
    return Outcome(Trial(MORE, 10, 0), judging.judge(images, found), {"confidence": 0.5})


def test_recall_and_alarms_are_taken_at_the_trials_confidence(outcome):
    one = contrasts.measure(outcome, np.array([[1, 1, 1, 1], [2, 0, 0, 2], [0, 2, 2, 0]]))
    assert one.values[RECALL] == 0.5
    assert one.values[ALARMS] == 0.5
    assert one.resampled[RECALL].tolist() == [0.5, 1.0, 0.0]
    assert one.resampled[ALARMS].tolist() == [0.5, 0.0, 1.0]


def test_leaving_out_faint_false_alarms_changes_no_ap50(outcome):
    draws = contrasts.group_draws(outcome.judged.groups, 1, 40)
    one = contrasts.measure(outcome, draws)
    whole = [outcome.judged.ap50(weight.astype(float)) for weight in draws]
    assert one.values[AP50] == pytest.approx(outcome.judged.ap50())
    np.testing.assert_allclose(one.resampled[AP50], whole, equal_nan=True)


COUNT = {"real": 10, "intact": 23, "synthetic": 200, "pasted": 0}


def contrast_row(metric: str, **values: object) -> dict[str, object]:
    return {
        **{"arm": "real+intact+a", "baseline": "real+intact", "real": 10, "metric": metric},
        **{"value": 0.1, "baseline_value": 0.21, "n_images": 157, "p_holm": 0.01},
        **values,
    }


def test_a_gain_beyond_chance_is_said_with_its_interval():
    rows = [
        contrast_row(AP50, difference=0.08, low=0.02, high=0.13),
        contrast_row(ALARMS, difference=-0.11, low=-0.2, high=-0.02),
    ]
    counts = {("real+intact+a", 10): COUNT, ("real+intact", 10): COUNT}
    assert verdicts.sentences(rows, [], counts) == (
        "With 10 real and 23 intact images, adding 200 synthetic ones (a) raises AP50 by 0.08 "
        "[0.02, 0.13]; intact images with an alarm: 0.21 → 0.10.",
    )


def test_two_kinds_of_synthetic_images_are_compared_in_words():
    values = {"arm": "b", "baseline": "a", "real": 0, "difference": 0.1, "low": 0.05, "high": 0.2}
    (words,) = verdicts.sentences([contrast_row(AP50, **values)], [], {})
    assert words == "Without any real image, b in place of a raises AP50 by 0.10 [0.05, 0.20]."


@pytest.mark.parametrize("values", [{"low": -0.03, "p_holm": 0.6}, {"low": 0.01, "p_holm": 0.2}])
def test_no_gain_is_claimed_where_chance_could_make_it(values):
    row = contrast_row(AP50, difference=0.02, high=0.05, **values)
    counts = {("real+intact+a", 10): COUNT, ("real+intact", 10): COUNT}
    (words,) = verdicts.sentences([row], [], counts)
    assert "no difference in AP50 can be shown with n = 157 images" in words


def test_synthetic_images_alone_are_set_against_the_most_real_ones():
    learning = [
        {"arm": "a", "real": 0, "metric": AP50, "value": 0.3, "low": 0.2, "high": 0.4},
        {"arm": "real", "real": 10, "metric": AP50, "value": 0.6, "low": 0.5, "high": 0.7},
    ]
    (words,) = verdicts.sentences([], learning, {("real", 10): COUNT, ("a", 0): COUNT})
    assert words == (
        "Without any real image, a reaches AP50 0.30 [0.20, 0.40], 50 % of what real reaches "
        "with 10 real images."
    )
