"""What people say of parts: a journal, a queue, rates, labels, new limits."""

import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from backend.actions import reviews
from backend.core import facts, jobs, projects, runs
from backend.core.audit import Actor, Way
from backend.core.desk import CommandLine
from backend.line import control, segments
from backend.line.part import Verdict
from backend.line.promise import recalibration, standing
from backend.line.promise.watcher import Watcher
from backend.line.review import decisions, draw, feed, labels, queue, rates
from backend.line.review.decisions import Said
from backend.line.review.queue import Wanted
from backend.records import UserError
from tests.unit.line import lived

ANN, BEN = Actor("Ann", Way.PAGE), Actor("Ben", Way.PAGE)


@pytest.fixture
def home(tmp_path):
    folder = tmp_path / "lines" / "press-3"
    folder.mkdir(parents=True)
    return folder


def test_parts_are_drawn_by_key_and_place_alone():
    one, other = b"a" * 32, b"b" * 32
    drawn = [draw.is_drawn(one, 1, k, 0.05) for k in range(20_000)]
    assert 0.04 < np.mean(drawn) < 0.06
    assert drawn == [draw.is_drawn(one, 1, k, 0.05) for k in range(20_000)]
    assert drawn != [draw.is_drawn(other, 1, k, 0.05) for k in range(20_000)]
    assert all(draw.is_drawn(one, 1, k, 1.0) for k in range(100))
    assert not any(draw.is_drawn(one, 1, k, 0.0) for k in range(100))


def test_the_key_is_made_once_and_kept_from_others(home):
    key = draw.key_of(home)
    assert len(key) == 32 and draw.key_of(home) == key
    assert (home / draw.KEY).stat().st_mode & 0o077 == 0


def test_a_decision_is_noted_and_taken_back_by_another_line(home):
    decisions.record(home, (1, 7), Said.GOOD, "Ann")
    decisions.record(home, (1, 8), Said.BAD, " Ann ")
    decisions.record(home, (1, 8), Said.GOOD, "Ben")
    gone = decisions.take_back(home, "Ann")
    assert (gone.place, gone.decision) == ((1, 8), "bad")
    assert [(one.place, one.who) for one in decisions.standing(home)] == [
        ((1, 7), "Ann"),
        ((1, 8), "Ben"),
    ]
    assert [one.number for one in decisions.history(home)] == [1, 2, 3, 4]
    decisions.take_back(home, "Ann")
    assert decisions.take_back(home, "Ann") is None


def test_a_decision_is_about_a_part_that_the_line_judged(storage):
    home, wish = lived.line(storage)
    judge = lived.judge_of(home, wish)
    with lived.opened(home) as box:
        lived.run_by(home, box, judge, [100, 108])
        segments.cut(home, box)
        assert box.drop(segments.cut_upto(home)) == 2, "the first two are in a segment alone"
        lived.run_by(home, box, judge, [100])
        for sequence in (1, 2, 3):
            assert reviews.decide(ANN, home, (1, sequence), Said.GOOD).place == (1, sequence)
        for place in ((1, 4), (2, 1), (1, 0), (-1, 1)):
            with pytest.raises(UserError, match="judged no part"):
                reviews.decide(ANN, home, place, Said.GOOD)
    assert len(decisions.standing(home)) == 3


@pytest.mark.parametrize(
    ("said", "who", "words"), [("fine", "Ann", "is no decision"), ("good", " ", "Who is missing")]
)
def test_what_is_no_decision_is_refused(home, said, who, words):
    with pytest.raises(UserError, match=words):
        decisions.record(home, (1, 1), said, who)
    assert decisions.history(home) == []


@pytest.mark.parametrize(
    ("votes", "truth"),
    [
        ({"a": "good"}, Said.GOOD),
        ({"a": "good", "b": "bad"}, Said.UNSURE),
        ({"a": "good", "b": "bad", "c": "bad"}, Said.BAD),
        ({"a": "bad", "b": "unsure"}, Said.BAD),
        ({"a": "unsure"}, Said.UNSURE),
    ],
)
def test_a_part_is_what_most_people_say(votes, truth):
    assert decisions.truth(votes) is truth


def test_the_database_takes_decisions_in(home, store):
    for k in range(3):
        decisions.record(home, (1, k), Said.GOOD, "Ann")
    storage = home.parent.parent
    store.feed(feed, storage)
    decisions.take_back(home, "Ann")
    store.feed(feed, storage)
    store.feed(feed, storage)
    rows = store.read("SELECT maker, number, decision, took_back FROM reviews ORDER BY number")
    assert rows["number"].tolist() == [1, 2, 3, 4]
    assert rows["took_back"].tolist() == [0, 0, 0, 3]
    assert [path.name for path in feed.kept(storage)] == [decisions.JOURNAL]


def table(verdicts, truths, blind=0.01, who="Ann"):
    """Rows of parts and what one person said of each, "" for nothing."""
    n = len(verdicts)
    rows = pd.DataFrame(
        {
            "epoch": 1,
            "sequence": range(n),
            "verdict": verdicts,
            "blind": blind,
            "thresholds": 1,
            "kept": True,
            "time": pd.Timestamp("2026-03-02"),
        }
    )
    said = [
        decisions.Decision(k + 1, 1, k, truth, who, 0.0) for k, truth in enumerate(truths) if truth
    ]
    return rows, said


def test_none_of_300_is_said_as_under_one_percent():
    rows, said = table(["GOOD"] * 310, ["good"] * 300 + [""] * 10)
    found = rates.of(rows, said)
    assert rates.words(found.escapes) == "0 of 300: under 1 % at 95 %"
    assert (found.drawn, found.looked) == (310, 300)
    assert rates.words(rates.of(rows, []).escapes) == "no part was looked at yet"


def test_rates_rest_on_the_parts_drawn_by_lot_alone():
    verdicts = ["GOOD"] * 50 + ["BAD"] * 10 + ["REVIEW"] * 20
    truths = ["good"] * 48 + ["bad"] * 2 + ["good"] * 4 + ["bad"] * 5 + ["unsure"] + ["good"] * 20
    rows, said = table(verdicts, truths)
    rows.loc[70:, "blind"] = 0.0
    found = rates.of(rows, said)
    assert (found.escapes.k, found.escapes.n) == (2, 50)
    alarms = found.false_alarms
    assert (alarms.k, alarms.n, alarms.open) == (4, 48 + 4 + 10 + 1, 1)
    sequence = rates.sequence(rows, said, thresholds=1)
    assert len(sequence) == 48 + 4 + 10
    assert sequence["low"].iloc[-1] < 4 / 62 < sequence["high"].iloc[-1]
    assert rates.by_week(rows, said)["rate"].tolist() == ["escapes", "false alarms"]


def test_the_escape_rate_of_drawn_parts_covers_the_lines_own():
    """A line of 20,000 parts, of which its key draws 2 %: 200 keys."""
    rng = np.random.default_rng(1)
    bad = rng.random(20_000) < 0.03
    covered = []
    for _ in range(200):
        drawn = rng.random(20_000) < 0.02
        rows, said = table(
            ["GOOD"] * drawn.sum(), np.where(bad[drawn], "bad", "good").tolist(), 0.02
        )
        found = rates.of(rows, said).escapes
        covered.append(found.low <= bad.mean() <= found.high)
    assert np.mean(covered) >= 0.93


def test_the_queue_asks_each_person_for_what_is_theirs():
    rows, said = table(["GOOD", "REVIEW", "BAD", "REVIEW"], ["good", "", "bad", ""])
    rows.loc[3, "kept"] = False
    rows.loc[1, "blind"] = 0.0
    said.append(decisions.Decision(9, 1, 2, "good", "Ben", 0.0))
    assert queue.waiting(rows, said, Wanted(), "Ann") == [(1, 1)]
    assert queue.waiting(rows, said, Wanted(queue.BLIND), "Ann") == []
    assert queue.waiting(rows, said, Wanted(opinion=queue.SECOND), "Ann") == []
    assert queue.waiting(rows, said, Wanted(opinion=queue.SECOND), "Ben") == [(1, 0)]
    assert queue.waiting(rows, said, Wanted(opinion=queue.SECOND), "Cem") == [(1, 2), (1, 0)]


@pytest.fixture
def reviewed(storage, store):
    """A line whose scores drifted, its reviewed parts, and what looks after it."""
    home, wish = lived.line(storage)
    judge = lived.judge_of(home, wish)
    rng = np.random.default_rng(2)
    now = time.time()
    with lived.opened(home) as box:
        watcher = Watcher(home, box)
        watcher.follow(wish, judge.versions["package"])
        lived.run_by(home, box, judge, rng.normal(108, 4, 200), captured=now)
        watcher.look()
        lived.run_by(home, box, judge, rng.normal(108, 4, 60), captured=now)
        segments.cut(home, box)
    store.feed(segments, storage.storage)
    rows = queue.parts(store, home, now)
    for place in queue.places(rows.tail(60)):
        decisions.record(home, place, Said.GOOD, "Ann")
    bad = queue.places(rows.tail(2))[0]
    decisions.record(home, bad, Said.BAD, "Ann")
    return SimpleNamespace(home=home, wish=wish, rows=rows, bad=bad)


def test_every_kept_part_is_in_the_queue(reviewed):
    assert len(reviewed.rows) == 260
    assert reviewed.rows["kept"].all()
    assert (reviewed.rows["blind"] == 1.0).all()


def test_decisions_become_parts_with_their_provenance(storage, reviewed):
    desk = CommandLine(storage)
    run = reviews.make_parts(ANN, desk, reviewed.home, reviewed.rows)
    assert jobs.start(storage, run.folder).wait(300) == 0
    parts = facts.read(run.folder, "parts")
    assert len(parts) == 60
    assert parts["label"].value_counts().to_dict() == {1: 59, 0: 1}
    name = f"press-3-{reviewed.bad[0]}-{reviewed.bad[1]}"
    assert parts.loc[parts["label"] == 0, "part"].item().startswith(name)
    said = pd.read_csv(Path(run.spec["folder"]) / labels.REVIEWS)
    assert set(said["who"]) == {"Ann"} and len(said) == 61


def test_labels_without_a_good_part_are_refused(storage, reviewed):
    (reviewed.home / decisions.JOURNAL).unlink()
    with pytest.raises(UserError, match="found GOOD"):
        reviews.make_parts(ANN, CommandLine(storage), reviewed.home, reviewed.rows)


def test_one_press_makes_new_limits_by_which_the_line_goes(storage, reviewed):
    home, desk = reviewed.home, CommandLine(storage)
    assert set(standing.read(home).suspended) == {"dot", "edge"}
    run = reviews.recalibrate(ANN, desk, home, reviewed.rows)
    assert recalibration.pending(home) == run.id
    assert recalibration.take(home) == "" and control.wish(home) == reviewed.wish
    assert jobs.start(storage, run.folder).wait(300) == 0
    assert recalibration.take(home) == ""
    assert control.wish(home).threshold_run == run.id
    limits = runs.read_json(run.folder / "artifacts" / "thresholds.json")
    assert limits["version"] == 2
    assert limits["features"]["dot"]["limit"] > 0.8 + 0.4, "of parts of score 0.8 ± 0.4"
    judge = lived.judge_of(home, control.wish(home))
    with lived.opened(home) as box:
        watcher = Watcher(home, box)
        watcher.follow(control.wish(home), judge.versions["package"])
        assert watcher.suspended == frozenset()
        rng = np.random.default_rng(3)
        judged = lived.run_by(home, box, judge, rng.normal(108, 4, 200))
        watcher.look()
        assert watcher.suspended == frozenset()
        good = np.mean([said.verdict is Verdict.GOOD for _, said in judged])
    assert good > 0.8


def test_too_few_reviewed_parts_make_no_limits(storage, reviewed):
    for _ in range(45):
        decisions.take_back(reviewed.home, "Ann")
    with pytest.raises(UserError, match="Too few reviewed GOOD parts"):
        reviews.recalibrate(ANN, CommandLine(storage), reviewed.home, reviewed.rows)
    with pytest.raises(UserError, match="Who is missing"):
        reviews.recalibrate(Actor("", Way.PAGE), CommandLine(storage), reviewed.home, reviewed.rows)


def test_no_table_for_new_limits_is_written_where_they_cannot_be_asked_for(storage, reviewed):
    """The project of the line's runs is archived, or they lie in another than what is asked for."""
    there, other = (projects.add(storage.storage, name) for name in ("Pens", "Lids"))
    for folder in runs.folders(storage.runs):
        runs.move(folder, there.id)
    elsewhere = CommandLine(storage, project=other.id)
    with pytest.raises(UserError, match="belongs to the project 'Pens'"):
        reviews.recalibrate(ANN, elsewhere, reviewed.home, reviewed.rows)
    projects.set_archived(storage.storage, there.id, True)
    with pytest.raises(UserError, match="is archived"):
        reviews.recalibrate(ANN, CommandLine(storage), reviewed.home, reviewed.rows)
    assert not (reviewed.home / recalibration.FOLDER).exists()


def test_limits_that_were_not_made_are_told(storage, reviewed):
    recalibration.take_when_done(reviewed.home, "20260101T000000-threshold-000000")
    assert "were not made" in recalibration.take(reviewed.home)
    assert recalibration.pending(reviewed.home) == ""
