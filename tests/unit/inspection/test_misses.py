"""Limits chosen by hand, and BAD parts missed: counted, said, and accepted before they count."""

import json

import pandas as pd
import pytest

from backend.core import facts, runs
from backend.inspection.threshold import active, misses
from backend.records import UserError
from tests.unit.inspection.test_threshold import make_inspected, make_threshold


@pytest.fixture
def root(storage):
    return storage.runs


def make_overlapping(root, group_size=1):
    """Two types: of dots 4 of 10 BAD parts score as low as GOOD ones, of edge1 none."""
    inspect_run = make_inspected(root, {"dots": (60, 10), "edge1": (60, 10)}, group_size)
    scores = facts.read(root / inspect_run, "scores")
    low = scores["part"].isin([f"dots-{k:03d}" for k in range(60, 64)])
    facts.write(root / inspect_run, "scores", scores.assign(score=scores["score"].mask(low, 1.0)))
    return inspect_run


def test_a_limit_chosen_by_hand_promises_nothing_and_says_what_it_does(root):
    run = make_threshold(root, make_overlapping(root), by_hand=["dots = 29.5"])
    rows = facts.read(run.folder, "thresholds").set_index("feature")
    assert rows.loc["dots", ["alarm_limit", "review_limit"]].tolist() == [29.5, 29.5]
    assert rows["by_hand"].tolist() == [True, False]
    assert rows.loc["edge1", "alarm_limit"] == 57, "the other type keeps its promise"
    assert run.result["by_hand"] == ["dots"] and run.result["ready"] == ["dots", "edge1"]
    content = runs.read_json(run.folder / active.FILE)
    assert [content["features"][n]["by_hand"] for n in ("dots", "edge1")] == [True, False]
    alarms = {one.subject: one for one in misses.false_alarms(run.folder)}["dots"]
    assert (alarms.hits, alarms.known) == (30, 60)
    assert (alarms.low, alarms.high) == pytest.approx((0.3681, 0.6319), abs=1e-3)


def test_a_limit_by_hand_stands_where_nothing_can_be_promised(root):
    run = make_threshold(root, make_inspected(root, {"dots": (5, 3)}), by_hand=["dots = 3"])
    row = facts.read(run.folder, "thresholds").iloc[0]
    assert row["alarm_limit"] == 3 and pd.isna(row["review_limit"])
    assert run.result["ready"] == ["dots"]


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["dots"], "not of the form"),
        (["dots = high"], "not of the form"),
        (["dots = nan"], "not of the form"),
        (["dots = 1", "dots=2"], "twice"),
        (["rings = 1"], "no type 'rings', only dots"),
    ],
)
def test_a_wrong_limit_by_hand_is_refused_in_words(root, lines, words):
    inspect_run = make_inspected(root, {"dots": (30, 0)})
    with pytest.raises(UserError, match=words):
        make_threshold(root, inspect_run, by_hand=lines)


def test_a_version_that_misses_a_third_is_put_in_force_only_when_accepted(root, storage):
    run = make_threshold(root, make_overlapping(root))
    assert run.result["missed"] == 4 and "4 of 20 known BAD parts" in run.result["misses"]
    assert "dots 4 of 10, 40% [12%, 74%]" in run.result["misses"]
    assert "edge1" not in run.result["misses"]
    with pytest.raises(UserError, match="dots 4 of 10"):
        active.activate(storage.storage, run.folder, "Ada", "")
    assert active.current(storage.storage) is None
    chosen = active.activate(storage.storage, run.folder, "Ada", "", accept_misses=True)
    assert chosen.misses == run.result["misses"]
    assert active.current(storage.storage) == chosen


def test_parts_that_share_groups_widen_the_interval(root):
    single, grouped = (
        misses.missed(make_threshold(root, make_overlapping(root, n)).folder) for n in (1, 5)
    )
    for one, other in zip(single, grouped, strict=True):
        assert (one.hits, one.known) == (other.hits, other.known)
        assert other.high - other.low > one.high - one.low


def test_misses_of_an_older_version_are_known_from_its_counts(root, storage):
    run = make_threshold(root, make_overlapping(root))
    wanted = misses.misses(run.folder)
    facts.path(run.folder, "figures").unlink()
    table = facts.read(run.folder, "thresholds").drop(columns="by_hand")
    facts.write(run.folder, "thresholds", table)
    assert misses.misses(run.folder) == wanted
    with pytest.raises(UserError, match="confirm that you accept"):
        active.activate(storage.storage, run.folder, "Ada", "")


@pytest.mark.parametrize(
    ("hits", "known", "many"), [(0, 0, False), (0, 1, False), (1, 3, True), (3, 10, False)]
)
def test_a_third_is_many(hits, known, many):
    assert misses.Share("dots", hits, known, 0, 1).too_many is many


def test_a_line_of_an_older_version_is_read(storage):
    line = {"run_id": "x", "inspect_run": "y", "version": 1, "who": "Ada", "why": "", "time": "t"}
    storage.storage.mkdir(exist_ok=True)
    (storage.storage / active.JOURNAL).write_text(json.dumps(line) + "\n")
    assert active.current(storage.storage).misses == ""
