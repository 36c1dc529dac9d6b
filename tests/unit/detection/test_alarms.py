"""How many good parts may raise a false alarm, and what is said about it."""

import numpy as np
import pytest

from backend.core import specs
from backend.detection import alarms
from backend.detection.alarms import Held, said
from backend.detection.detector.spec import Spec as Detector
from backend.detection.study.spec import Spec as Study


@pytest.mark.parametrize(("rate", "least"), [(0.05, 19), (0.1, 9), (0.2, 4), (0.5, 1)])
def test_the_first_image_that_may_alarm_needs_twice_as_many(rate, least):
    assert alarms.needed(rate) == least
    assert [alarms.may_alarm(n, rate) for n in (0, least, 2 * least, 2 * least + 1)] == [0, 0, 0, 1]
    assert alarms.may_alarm(7, 1.0) == 7


@pytest.mark.parametrize("rate", [0.05, 0.1, 0.3])
def test_new_good_parts_alarm_at_most_so_often_on_average(rate):
    random = np.random.default_rng(0)
    n = alarms.needed(rate) + 7
    drawn = -np.sort(-random.random((20_000, n)), axis=1)
    above = drawn[:, alarms.may_alarm(n, rate)]  # the lowest confidence is just above this one
    assert (1 - above).mean() <= rate + 0.005


def test_what_is_said_depends_on_how_many_good_parts_there_were():
    assert said(Held(1.0, 20, 8)) == said(Held(0.1, None, None)) == ""
    assert "No image held back shows a good part" in said(Held(0.1, 0, 0))
    few = said(Held(0.1, 4, 0))
    assert "takes 9 good parts" in few
    assert "0 of 4 good parts held back with a false alarm, 0.00 [0.00, 0.60]." in few
    enough = said(Held(0.1, 30, 2, 0.4, 0.55, 31))
    assert "on average" in enough and "0.07 [0.01, 0.22]" in enough
    wanted = "Of 31 defects held back it finds 0.40 there, and 0.55 at its best F1"
    assert wanted in enough and enough.endswith(alarms.FLATTERED)
    assert "At no confidence" in said(Held(0.1, 30, 20))


def test_where_no_box_is_right_nothing_is_promised():
    words = said(Held(0.1, 30, 0, 0.0, 0.0, 31))
    assert words.startswith("No box on the images held back is right") and "Set for" not in words


def test_where_real_images_alone_chose_it_the_cure_is_photographs():
    words = said(Held(0.1, 0, 0, 0.4, 0.4, 31, real=True))
    assert words.startswith("No real image held back shows a good part")
    assert "Add photographs of good parts" in words and "validation runs" in words


def test_a_study_says_so_once_for_all_its_trainings():
    assert alarms.said_of_trainings(1.0, 4) == alarms.said_of_trainings(0.1, None) == ""
    assert "one of these trainings has 4" in alarms.said_of_trainings(0.1, 4)
    assert "on average" in alarms.said_of_trainings(0.1, 23)
    assert alarms.said_of_trainings(0.1, 23, 0, 12) == alarms.said_of_trainings(0.1, 23)


def test_a_study_says_how_many_of_its_trainings_keep_to_no_rate():
    some = alarms.said_of_trainings(0.1, 30, 3, 12)
    assert "Confidences are set" in some and "3 of 12 trainings find none" in some
    every = alarms.said_of_trainings(0.1, 30, 12, 12)
    assert every.startswith("None of these trainings") and "are set" not in every


def test_runs_of_before_knew_no_rate_and_the_paper_asks_for_none():
    assert specs.stored(Detector, {"dataset_run": "a"}).alarm_rate == 1.0
    assert specs.stored(Study, {"real_folder": "a"}).alarm_rate == 1.0
    assert Detector().may_alarm() == Study().alarm_rate == alarms.RATE
    assert Detector(preset="paper").may_alarm() == 1.0
