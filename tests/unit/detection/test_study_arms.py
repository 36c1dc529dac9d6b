"""Arms of a study: what they hold, and that no test image or specimen gets into training."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.detection.study import arms, draw
from backend.detection.study.arms import Arm, Trial
from backend.images.labelled_image import LabelledImage
from backend.records import Box


def sample(name: str, source: str, group: str, boxes: int = 1) -> LabelledImage:
    found = (Box("defect", (1, 1, 9, 9)),) * boxes
    return LabelledImage(Path(name), source, found, name=name, group=group)


@pytest.fixture
def pool() -> dict[str, tuple[LabelledImage, ...]]:
    """Twenty specimens in two views, eight intact photographs, one of them of specimen g3."""
    real = [sample(f"r{k}", "real", f"g{k // 2}") for k in range(40)]
    intact = [sample(f"i{k}", "intact", "g3" if k == 0 else f"n{k}", 0) for k in range(8)]
    made = {name: [sample(f"{name}{k}", name, f"{name} {k}") for k in range(30)] for name in "ab"}
    return {"real": tuple(real), "intact": tuple(intact), **{n: tuple(s) for n, s in made.items()}}


def trial(name: str, amount: int, seed: int = 0, sources: tuple[str, ...] = ("a",)) -> Trial:
    return Trial(Arm(name, arms.parts_of(name)[0], sources), amount, seed)


IMAGES = st.lists(st.integers(0, 15), max_size=30)


@settings(max_examples=200, deadline=None)
@given(IMAGES, IMAGES, IMAGES, st.sampled_from(arms.ARMS), st.integers(0, 40), st.integers(0, 99))
def test_whatever_the_specimens_none_is_trained_on_and_held_back(
    real, intact, made, arm, amount, seed
):
    pool = {
        "real": tuple(sample(f"r{k}", "real", f"g{g}") for k, g in enumerate(real)),
        "intact": tuple(sample(f"i{k}", "intact", f"g{g}", 0) for k, g in enumerate(intact)),
        "a": tuple(sample(f"a{k}", "a", f"a {g}") for k, g in enumerate(made)),
    }
    drawn = draw.draw(pool, trial(arm, amount, seed), 5, seed)
    training, held = ({s.group for s in part} for part in (drawn.training, drawn.validation))
    assert not training & held
    assert len({s.path for s in drawn.training + drawn.validation}) == len(
        drawn.training + drawn.validation
    )


def test_synthetic_arms_come_once_a_source_and_mixed_on_request():
    def names(mixing: str, sources: tuple[str, ...] = ("a", "b")) -> list[str]:
        asked = ("real", "real+intact+synthetic")
        return [arm.name for arm in arms.expanded(asked, sources, mixing)]

    assert names("each") == ["real", "real+intact+a", "real+intact+b"]
    assert names("mixed") == ["real", "real+intact+mix"]
    assert names("both") == ["real", "real+intact+a", "real+intact+b", "real+intact+mix"]
    assert names("mixed", ("a",)) == ["real", "real+intact+a"]


def test_an_arm_is_compared_with_the_one_that_lacks_what_it_adds():
    found = arms.expanded(arms.ARMS, ("a",), "each")
    assert {arm.name: arm.baseline for arm in found} == {
        "real": "",
        "real+intact": "real",
        "a": "",
        "real+intact+a": "real+intact",
        "real+intact+a, half real": "real+intact",
        "real+intact+a, synthetic first": "real+intact",
        "real+intact+copy-paste": "real+intact",
        "real+a": "real",
    }


def test_arms_that_set_a_share_of_real_images_are_told_apart_and_need_some():
    found = arms.expanded(arms.ARMS, ("a half real", "a"), "each")
    planned = arms.planned(found, (0, 10), 1)
    assert len({one.key for one in planned}) == len(planned)
    shares = {one.arm.name: one.arm.mixing.at(0.0) for one in planned if one.arm.mixing.at(1.0)}
    assert shares == {
        **{f"real+intact+{source}, half real": 0.5 for source in ("a half real", "a")},
        **{f"real+intact+{source}, synthetic first": 0.0 for source in ("a half real", "a")},
    }
    assert {one.amount for one in planned if one.arm.name in shares} == {10}


def test_an_arm_that_was_there_before_means_what_it_meant():
    found = {arm.name: arm for arm in arms.expanded(arms.ARMS, ("a",), "each")}
    assert found["real+intact+a"] == Arm(
        "real+intact+a", ("real", "intact", "synthetic"), ("a",), "real+intact"
    )
    assert Trial(found["real+intact+a"], 10, 2).key == "real-intact-a-10-s2"


def test_synthetic_images_alone_are_compared_with_the_first_of_them():
    found = arms.expanded(("synthetic",), ("a", "b", "c"), "each")
    assert [(arm.name, arm.baseline) for arm in found] == [("a", ""), ("b", "a"), ("c", "a")]


def test_without_real_images_only_synthetic_arms_are_trained():
    planned = arms.planned(arms.expanded(arms.ARMS, ("a",), "each"), (10, 0), 2)
    none = [t.arm.name for t in planned if t.amount == 0 and t.seed == 1]
    assert none == ["a", "real+intact+a"]
    assert sum(t.arm.name == "a" for t in planned) == 2
    assert len({t.key for t in planned}) == len(planned)


@pytest.mark.parametrize("seed", range(3))
def test_smaller_amounts_are_part_of_larger_ones_and_specimens_stay_whole(pool, seed):
    small, large = (draw.real_images(pool["real"], n, seed) for n in (9, 20))
    assert len(small) == 10
    assert len(large) == 20
    assert set(small) < set(large)
    assert all(sum(s.group == t.group for t in large) == 2 for s in large)


def test_other_seeds_draw_other_images_and_too_large_an_amount_is_all(pool):
    assert draw.real_images(pool["real"], 10, 0) != draw.real_images(pool["real"], 10, 1)
    assert set(draw.real_images(pool["real"], 999, 0)) == set(pool["real"])


@pytest.mark.parametrize("amount", [4, 10, 40])
def test_what_is_held_back_shares_no_specimen_with_training(pool, amount):
    drawn = draw.draw(pool, trial("real+intact+synthetic", amount), 20, 0)
    training, held = ({s.group for s in side} for side in (drawn.training, drawn.validation))
    assert not training & held
    for source in ("real", "intact", "a"):
        assert any(s.source == source for s in drawn.validation)
    assert drawn.count("real") == amount
    assert drawn.count("intact") == 8
    assert drawn.count("a") == 20
    assert {s.source for s in drawn.training} == {"real", "intact", "a"}


def test_arms_of_a_seed_share_their_real_and_intact_images(pool):
    plain = draw.draw(pool, trial("real+intact", 10, 0, ()), 20, 0)
    more = draw.draw(pool, trial("real+intact+synthetic", 10), 20, 0)
    assert set(plain.training) < set(more.training)
    assert {s for s in more.training if s.source != "a"} == set(plain.training)


def test_mixed_sources_share_the_number_of_synthetic_images(pool):
    drawn = draw.draw(pool, trial("synthetic", 0, 0, ("a", "b")), 20, 0)
    assert (drawn.count("a"), drawn.count("b"), drawn.count("real")) == (10, 10, 0)


def composites(pool: dict) -> dict:
    """The pool with composites on its intact photographs in place of source a."""
    goods = pool["intact"]
    made = [sample(f"a{k}", "a", goods[k % len(goods)].group) for k in range(32)]
    return {**pool, "a": tuple(made)}


@pytest.mark.parametrize("arm", ["synthetic", "real+synthetic", "real+intact+synthetic"])
@pytest.mark.parametrize("seed", range(3))
def test_no_image_that_chooses_the_confidence_lies_below_one_trained_on(pool, arm, seed):
    drawn = draw.draw(composites(pool), trial(arm, 10, seed), 32, 0)
    trained = {s.group for s in drawn.training}
    held = (*drawn.validation, *drawn.intact)
    assert any(s.source == "a" for s in drawn.training)
    assert any(s.source == "intact" for s in held)
    assert not trained & {s.group for s in held}


def test_composites_leave_real_and_intact_images_where_they_are(pool):
    plain = draw.draw(pool, trial("real+intact", 10, 0, ()), 20, 0)
    more = draw.draw(composites(pool), trial("real+intact+synthetic", 10), 32, 0)
    assert {s for s in more.training if s.source != "a"} == set(plain.training)


def test_a_study_begun_before_draws_as_it_did(pool):
    arm = trial("real", 40, 0, ())
    assert draw.draw(pool, arm, 20, 0, unseen=False).intact == pool["intact"]
    before, now = (draw.draw(pool, trial("real+synthetic", 10), 20, 0, u) for u in (False, True))
    assert (before.training, before.validation) == (now.training, now.validation)


def test_an_arm_without_intact_photographs_keeps_all_of_them_for_its_confidence(pool):
    alone = draw.draw(pool, trial("synthetic", 0), 20, 0)
    assert alone.intact == pool["intact"]
    assert not any(s.source == "intact" for s in alone.training)
    assert draw.draw(pool, trial("real+intact", 10, 0, ()), 20, 0).intact == ()


def test_alarms_on_intact_photographs_raise_the_confidence_of_synthetic_images_alone(pool):
    """Half of the defects are found at 0.9, the others at 0.5; intact images alarm at 0.6."""
    from backend.detection.study import trials

    drawn = draw.draw(pool, trial("synthetic", 0), 20, 0)
    held = len(drawn.validation)
    found = [np.array([[1, 1, 9, 9, 0.9 if k % 2 else 0.5]], float) for k in range(held)]
    alarms = [np.array([[30, 30, 50, 50, 0.6]])] * len(drawn.intact)
    quiet = [np.zeros((0, 5))] * len(drawn.intact)
    assert trials.own_figures(drawn, found + quiet)["confidence"] == pytest.approx(0.5)
    assert trials.own_figures(drawn, found + alarms)["confidence"] == pytest.approx(0.9)
    told = trials.own_figures(drawn, found + alarms)
    assert told["own_images"] == held
    assert (told["held_intact"], told["held_alarmed"]) == (len(drawn.intact), 0)


def test_an_alarm_rate_raises_the_confidence_of_a_trial(pool):
    """A third of the intact images alarm at 0.6, and nearly all defects are found at 0.5."""
    from backend.detection.study import trials

    drawn = draw.draw(pool, trial("synthetic", 0), 20, 0)
    held = len(drawn.validation)
    found = [np.array([[1, 1, 9, 9, 0.5 if k else 0.9]], float) for k in range(held)]
    alarm = np.array([[30, 30, 50, 50, 0.6]])
    third = [np.zeros((0, 5)) if k % 3 else alarm for k in range(len(drawn.intact))]
    free, kept = (trials.own_figures(drawn, found + third, rate) for rate in (1.0, 0.1))
    assert (free["confidence"], kept["confidence"]) == (0.5, 0.9)
    assert free["held_alarmed"] > 0 == kept["held_alarmed"]


def test_a_training_that_falls_back_is_counted(pool):
    """Hits at 0.3 where 20 of 30 intact photographs alarm at 0.9: no confidence keeps to 0.1."""
    from backend.detection.study import job, trials

    goods = tuple(sample(f"n{k}", "intact", f"n{k}", 0) for k in range(30))
    drawn = draw.draw({**pool, "intact": goods}, trial("synthetic", 0), 20, 0)
    hits = [np.array([[1, 1, 9, 9, 0.3]])] * len(drawn.validation)
    alarms = [np.array([[30, 30, 50, 50, 0.9]])] * 20 + [np.zeros((0, 5))] * 10
    told = trials.own_figures(drawn, hits + alarms, 0.1)
    assert (told["confidence"], told["held_intact"], told["held_alarmed"]) == (0.3, 30, 20)
    assert job._failed(told, 0.1) and not job._failed(told, 1.0)
    none = [np.zeros((0, 5))] * len(drawn.validation)
    blind = trials.own_figures(drawn, none + alarms[20:] * 3, 0.1)
    assert (blind["held_alarmed"], blind["held_right"]) == (0, False) and job._failed(blind, 0.1)
    assert not job._failed({"held_intact": 30, "held_alarmed": 2}, 0.1), "an earlier record"
