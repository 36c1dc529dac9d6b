"""The rules of a study's verdicts, on made-up figures: no evidence, no finding."""

from dataclasses import replace

import pytest

from backend.detection.study import verdicts
from backend.detection.study.verdicts import ALARMS, AP50, GAIN, Evidence, Findings

BASE, MORE = "real+intact", "real+intact+a"
UP = {"difference": 0.08, "low": 0.02, "high": 0.13}
DOWN = {"difference": -0.08, "low": -0.13, "high": -0.02}
FEWER = {"difference": -0.11, "low": -0.2, "high": -0.02}
MANY = {"difference": 0.3, "low": 0.2, "high": 0.4}


def contrast(metric: str = AP50, **values: object) -> dict[str, object]:
    return {
        **{"arm": MORE, "baseline": BASE, "real": 10, "metric": metric},
        **{"value": 0.1, "baseline_value": 0.21, "n_images": 157, "p_holm": 0.01},
        **values,
    }


def reached(arm: str, ap50: float, low: float, gain: tuple[float, float] | None = None, real=10):
    """Rows of `learning`; gain: value and lower bound beyond the constant box."""
    row = {"arm": arm, "real": real, "metric": AP50, "value": ap50, "low": low, "high": 2 * ap50}
    if gain is None:
        return [row]
    return [row, row | {"metric": GAIN, "value": gain[0], "low": gain[1]}]


def trial(arm: str, real: int = 10) -> dict[str, object]:
    counts = {"real_images": real, "intact_images": 23, "synthetic_images": 200}
    return {"arm": arm, "real": real, **counts}


GOOD = [*reached(BASE, 0.5, 0.4, (0.45, 0.35)), *reached(MORE, 0.6, 0.5, (0.55, 0.45))]
SOUND = Evidence(
    trials=[trial(BASE), trial(MORE)],
    learning=GOOD,
    contrasts=[contrast(**UP)],
    control=0.05,
    seeds=3,
    specimens=40,
)


def found(**changes: object) -> Findings:
    return verdicts.findings(replace(SOUND, **changes))


def test_a_gain_beyond_chance_helps_with_its_interval_and_chance():
    told = found(contrasts=[contrast(**UP), contrast(ALARMS, **FEWER)])
    assert told.headline == "Helps: a added to real+intact (10 real images)."
    assert told.sentences() == (
        "Helps: with 10 real and 23 good images, adding 200 synthetic ones (a) raises the "
        "detection score (AP50) by "
        "0.08 [0.02, 0.13], p = 0.01 after Holm; good parts with a false alarm: 0.21 → 0.10 (−0.11 "
        "[−0.20, −0.02], p = 0.01 after Holm).",
    )


def test_a_loss_beyond_chance_harms_and_is_said_as_plainly():
    told = found(contrasts=[contrast(**DOWN)])
    assert told.headline == "Harms: a added to real+intact (10 real images)."
    assert told.verdicts[0].word == "harms"
    assert (
        "lowers the detection score (AP50) by 0.08 [0.02, 0.13], p = 0.01 after Holm"
        in told.sentences()[0]
    )


def test_more_false_alarms_harm_whatever_ap50_does():
    chance = contrast(difference=0.02, low=-0.03, high=0.05, p_holm=0.6)
    (alone,) = found(contrasts=[chance, contrast(ALARMS, **MANY)]).verdicts
    (beside,) = found(contrasts=[contrast(**UP), contrast(ALARMS, **MANY)]).verdicts
    assert (alone.word, beside.word) == ("harms", "helps and harms")


@pytest.mark.parametrize(
    "values", [{"low": -0.03, "p_holm": 0.6}, {"low": 0.01, "p_holm": 0.2}, {"low": float("nan")}]
)
def test_nothing_is_told_where_chance_could_make_it(values):
    told = found(contrasts=[contrast(**({"difference": 0.02, "high": 0.05} | values))])
    assert told.headline == "Cannot be told: no difference is beyond chance in 1 comparison."
    assert told.conclusive
    assert told.sentences()[0].startswith("Cannot be told: with 10 real")
    assert not told.clear(contrast(**({"difference": 0.02, "high": 0.05} | values)))


@pytest.mark.parametrize(
    ("ap50", "low", "gain"),
    [
        (0.0, None, (0.0, None)),
        (0.02, 0.01, (0.02, 0.01)),  # beyond a control of 0, and yet of no use
        (0.12, 0.05, (0.03, -0.02)),  # not beyond the constant box
        (0.12, 0.04, None),  # of an earlier version: below the constant box's 0.05
    ],
)
def test_detectors_that_learned_nothing_give_no_conclusion(ap50, low, gain):
    rows = [*reached(BASE, ap50, low, gain), *reached(MORE, ap50, low, gain)]
    told = found(learning=rows, contrasts=[contrast(**UP), contrast(ALARMS, **MANY)])
    assert told.headline.startswith("These detectors learned nothing. No conclusion.")
    assert not told.conclusive
    assert [v.word for v in told.verdicts] == ["cannot be told"]
    assert "raises" not in " ".join(told.sentences())
    assert not told.clear(contrast(**UP))


@pytest.mark.parametrize(("seeds", "words"), [(1, "One seed cannot tell"), (2, "2 seeds cannot")])
def test_too_few_seeds_give_no_conclusion_and_say_what_to_do(seeds, words):
    told = found(seeds=seeds)
    assert told.headline.startswith(words)
    assert "No conclusion." in told.headline
    assert "run 3 seeds or more" in told.headline
    assert told.verdicts[0].word == "cannot be told"
    assert not told.clear(contrast(**UP))


def test_too_few_test_specimens_give_no_conclusion():
    told = found(specimens=5)
    assert told.headline.startswith("5 test specimens with a defect cannot tell. No conclusion.")
    assert told.verdicts[0].word == "cannot be told"


def test_a_detector_that_learns_only_with_synthetic_images_is_helped():
    rows = [*reached(BASE, 0.01, 0.0, (0.0, -0.01)), *reached(MORE, 0.6, 0.5, (0.55, 0.45))]
    told = found(learning=rows, contrasts=[contrast(**UP), contrast(ALARMS, **MANY)])
    (verdict,) = told.verdicts
    assert verdict.word == "helps", "alarms of one that learned nothing are no measure"
    assert verdict.sentence.endswith("The detector of real+intact learned nothing.")
    assert told.clear(contrast(**UP))
    assert not told.clear(contrast(ALARMS, **MANY))


def test_a_detector_that_learns_only_without_them_is_harmed():
    rows = [*reached(BASE, 0.6, 0.5, (0.55, 0.45)), *reached(MORE, 0.01, 0.0, (0.0, -0.01))]
    (verdict,) = found(learning=rows, contrasts=[contrast(**DOWN)]).verdicts
    assert verdict.word == "harms"
    assert verdict.sentence.endswith("The detector of real+intact+a learned nothing.")


def test_one_that_learned_is_no_finding_where_the_difference_is_not():
    rows = [*reached(BASE, 0.01, 0.0, (0.0, -0.01)), *reached(MORE, 0.1, 0.06, (0.05, 0.01))]
    chance = contrast(difference=0.09, low=-0.01, high=0.2, p_holm=0.2)
    assert found(learning=rows, contrasts=[chance]).verdicts[0].word == "cannot be told"


def test_a_comparison_where_neither_learned_stays_open_beside_one_that_tells():
    rows = [
        *GOOD,
        *reached(BASE, 0.0, None, (0.0, None), real=5),
        *reached(MORE, 0.01, 0.0, (0.01, 0.0), real=5),
    ]
    told = found(
        learning=rows,
        contrasts=[contrast(**UP), contrast(**UP, real=5)],
        trials=[*SOUND.trials, trial(BASE, 5), trial(MORE, 5)],
    )
    assert told.headline == (
        "Helps: a added to real+intact (10 real images). Cannot be told in 1 of 2 comparisons."
    )
    assert told.sentences()[1].endswith("Neither detector learned anything.")


def test_perfect_detectors_have_learned_though_resampling_moves_nothing():
    rows = [*reached(BASE, 1.0, None, (0.95, None)), *reached(MORE, 1.0, None, (0.95, None))]
    assert found(learning=rows).learned == {(BASE, 10), (MORE, 10)}


def test_arms_without_a_pair_conclude_nothing():
    assert found(contrasts=[]).headline == "No two variants differ in one thing. No conclusion."


def test_two_kinds_of_synthetic_images_are_compared_in_words():
    rows = [
        *reached("a", 0.3, 0.2, (0.25, 0.15), real=0),
        *reached("b", 0.4, 0.3, (0.35, 0.25), real=0),
    ]
    pair = contrast(arm="b", baseline="a", real=0, difference=0.1, low=0.05, high=0.2)
    told = found(learning=rows, contrasts=[pair], trials=[trial("a", 0), trial("b", 0)])
    assert told.headline == "Helps: b in place of a (0 real images)."
    assert told.sentences()[0] == (
        "Helps: without any real image, b in place of a raises the detection score (AP50) by "
        "0.10 [0.05, 0.20], p = 0.01 after Holm."
    )


def test_synthetic_images_alone_stand_beside_the_most_real_ones_if_they_learned():
    real = reached("real", 0.6, 0.5, (0.55, 0.45))
    alone = reached("a", 0.3, 0.2, (0.25, 0.15), real=0)
    idle = reached("b", 0.0, None, (0.0, None), real=0)
    told = found(learning=[*real, *alone, *idle], trials=[trial("real"), *SOUND.trials])
    assert told.beside == (
        "Without any real image, a reaches a detection score (AP50) of 0.30 [0.20, 0.60]; real "
        "with 10 real images 0.60 [0.50, 1.20].",
        "Without any real image, b learned nothing.",
    )
    assert found(learning=[*real, *alone], seeds=1).beside == ()
