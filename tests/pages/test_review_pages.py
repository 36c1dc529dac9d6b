"""Review queue and Promise: a person judges parts, sees what gets through, recalibrates."""

import time

import numpy as np
import pytest
import streamlit as st

from backend.core import runs
from backend.line import control, segments
from backend.line.promise import recalibration, standing
from backend.line.promise.watcher import Watcher
from backend.line.review import decisions, feed
from pages.ui import resources
from tests.pages.test_forms import press
from tests.pages.test_line_pages import texts
from tests.pages.test_pages import is_well, open_page
from tests.unit.line import lived

REVIEW, PROMISE = "pages/line/review.py", "pages/line/promise.py"


@pytest.fixture
def home(empty_dashboard, storage):
    """A line whose scores drifted, with 60 parts since; all were drawn by lot."""
    st.cache_data.clear()
    made, wish = lived.line(storage)
    judge = lived.judge_of(made, wish)
    rng = np.random.default_rng(2)
    with lived.opened(made) as box:
        watcher = Watcher(made, box)
        watcher.follow(wish, judge.versions["package"])
        lived.run_by(made, box, judge, rng.normal(108, 4, 200), captured=time.time())
        watcher.look()
        lived.run_by(made, box, judge, rng.normal(108, 4, 60), captured=time.time())
        segments.cut(made, box)
    resources.store().feed(segments, storage.storage)
    yield made
    st.cache_data.clear()


def said(app, label):
    return next(b for b in app.button if b.label == label)


def named(app, key, name="Ann"):
    app.text_input(key=key).set_value(name).run()
    return app


def test_a_person_judges_one_part_after_the_other(home):
    app = open_page(REVIEW)
    is_well(app)
    assert "Enter your name" in texts(app)
    assert said(app, "Good").disabled
    named(app, "review-who")
    for label in ("Good", "Bad", "Unsure"):
        press(app, label)
    is_well(app)
    assert [one.decision for one in decisions.standing(home)] == ["good", "bad", "unsure"]
    assert len({one.place for one in decisions.standing(home)}) == 3
    assert {one.who for one in decisions.standing(home)} == {"Ann"}
    app.button(key="take-back").click().run()
    assert [one.decision for one in decisions.standing(home)] == ["good", "bad"]
    assert "part 1-" in texts(app)


def test_the_verdict_is_not_shown_before_a_person_spoke(home):
    app = named(open_page(REVIEW), "review-who")
    shown = texts(app)
    for verdict in ("GOOD", "BAD", "REVIEW"):
        assert f"badge[:material/check: {verdict}" not in shown
    assert "score" not in shown.lower()


def test_a_second_person_gives_a_second_opinion(home):
    app = named(open_page(REVIEW), "review-who")
    press(app, "Good")
    named(app, "review-who", "Ben")
    opinion = next(c for c in app.segmented_control if "Looked" in c.label)
    opinion.set_value("second opinion").run()
    press(app, "Bad")
    first, second = decisions.standing(home)
    assert first.place == second.place and (first.who, second.who) == ("Ann", "Ben")
    assert "Nothing is left here" in texts(app)


def test_reviewed_parts_become_a_run_of_parts(home):
    app = named(open_page(REVIEW), "review-who")
    press(app, "Good")
    press(app, "Make labels of 1 GOOD and 0 BAD")
    [run] = [one for one in resources.supervisor().active() if one.kind == "parts"]
    assert run.name == "reviewed on press-3"
    assert "for the next training" in texts(app)


def test_a_drift_is_told_with_its_cause_and_ends_with_one_press(home):
    app = open_page(PROMISE)
    is_well_but_suspended(app)
    told = "\n".join(error.value for error in app.error)
    assert "dot, edge: the promise is suspended" in told and "lamp" in told
    assert "focus" not in told
    assert said(app, "Recalibrate").disabled
    rows = list(_places(home))[-60:]
    for place in rows:
        decisions.record(home, place, "good", "Ann")
    st.cache_data.clear()
    app = named(open_page(PROMISE), "promise-who")
    press(app, "Recalibrate")
    assert "New limits are being made" in texts(app)
    waited = recalibration.pending(home)
    assert runs.read(control.runs_of(home) / waited).name == "press-3 after a drift"
    resources.store().feed(feed, home.parent.parent)
    assert len(resources.store().read("SELECT * FROM reviews")) == 60


def test_what_was_put_right_lets_the_line_count_anew(home):
    app = named(open_page(PROMISE), "promise-who")
    press(app, "It is put right")
    assert (home / standing.ANEW).exists()
    with lived.opened(home) as box:
        watcher = Watcher(home, box)
        watcher.follow(control.wish(home), "hash")
        assert watcher.suspended == {"dot", "edge"}
        watcher.look()
        assert watcher.suspended == frozenset()
        assert not (home / standing.ANEW).exists()
    assert "promise stands" in texts(open_page(PROMISE))


def is_well_but_suspended(app):
    assert not app.exception, app.exception
    assert all("suspended" in error.value for error in app.error)


def _places(home):
    rows = resources.store().read("SELECT epoch, sequence FROM verdicts ORDER BY sequence")
    return zip(rows["epoch"].map(int), rows["sequence"].map(int), strict=True)


def test_what_was_found_is_said_with_its_interval(home):
    for place in _places(home):
        decisions.record(home, place, "good", "Ann")
    app = open_page(PROMISE)
    is_well_but_suspended(app)
    shown = {metric.label: metric.value for metric in app.metric}
    assert shown["Looked at"] == "260"
    assert shown["Escapes"] == "0.0%"
    assert "would halve the interval" in texts(app) and "a first interval" not in texts(app)
    assert "at 95 %" in texts(app)


@pytest.mark.parametrize("page", [REVIEW, PROMISE])
def test_without_a_line_the_page_leads_to_one(empty_dashboard, page):
    app = open_page(page)
    is_well(app)
    assert "No line was started yet" in texts(app)
