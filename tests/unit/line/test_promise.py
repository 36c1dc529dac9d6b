"""A line notices that its scores drift, and its verdicts say that nothing is promised then."""

import numpy as np
import pytest

from backend.core import runs
from backend.line.control import Wish
from backend.line.promise import in_use, reference, standing
from backend.line.promise.watcher import Watcher
from tests.unit.line import lived, packages


def shades(n, mean=100.0):
    return np.random.default_rng(7).normal(mean, 4, n)


@pytest.fixture
def at_work(storage):
    """home, wish, open outbox, judge, watcher."""
    home, wish = lived.line(storage)
    judge = lived.judge_of(home, wish)
    with lived.opened(home) as box:
        watcher = Watcher(home, box)
        watcher.follow(wish, judge.versions["package"])
        yield home, wish, box, judge, watcher


def test_what_a_line_goes_by_is_found(storage):
    home, wish = lived.line(storage)
    found = in_use.of(home)
    assert (found.threshold_run, found.version, found.alarm_rate) == (wish.threshold_run, 1, 0.05)
    assert (found.size, found.feature, found.strange) == (16, "", 0.02)


def test_the_parts_behind_the_limits_are_measured_once(storage):
    home, _ = lived.line(storage)
    rows = reference.parts(home, in_use.of(home))
    assert rows.groupby("feature").size().to_dict() == {"dot": 60, "edge": 60}
    assert rows[list(reference.QUANTITIES)].notna().all(axis=None)
    assert np.corrcoef(rows["score"], rows["brightness"])[0, 1] > 0.99
    for path in storage.runs.glob("*/artifacts/*.png"):
        path.unlink()
    assert reference.parts(home, in_use.of(home)).equals(rows)


def test_without_drift_the_promise_stands(at_work):
    home, _, box, judge, watcher = at_work
    lived.run_by(home, box, judge, shades(400))
    watcher.look()
    found = standing.read(home)
    assert found.suspended == {} and watcher.suspended == frozenset()
    assert found.streams["dot"]["score"].wealth.n == 200
    assert found.upto == box.last()


def test_brighter_parts_suspend_it_and_brightness_is_named(at_work):
    home, _, box, judge, watcher = at_work
    lived.run_by(home, box, judge, shades(60))
    watcher.look()
    lived.run_by(home, box, judge, shades(400, 108.0))
    watcher.look()
    assert watcher.suspended == {"dot", "edge"}
    found = standing.read(home)
    assert "brightness" in found.causes("dot") and "edge" not in found.causes("dot")
    assert found.streams["dot"]["score"].evidence >= 1
    assert len(standing.history(home)) >= 1
    judge.suspended = watcher.suspended
    [(_, said)] = lived.run_by(home, box, judge, [100.0])
    assert said.suspended
    assert box.judged_after(box.last() - 1, 1)[0].suspended == 1.0


def test_pictures_of_another_size_are_named(at_work):
    home, _, box, judge, watcher = at_work
    lived.run_by(home, box, judge, shades(300), size=24)
    watcher.look()
    assert "edge" in watcher.standing.causes("dot")


def test_a_restart_goes_on_where_it_was_and_other_limits_begin_anew(at_work):
    home, wish, box, judge, watcher = at_work
    lived.run_by(home, box, judge, shades(100))
    watcher.look()
    again = Watcher(home, box)
    again.follow(wish, judge.versions["package"])
    assert again.standing == watcher.standing
    again.look()
    assert again.standing.streams["dot"]["score"].wealth.n == 50
    other = packages.threshold_run(
        home.parents[1] / "runs",
        _model_of(home, wish),
        dict.fromkeys(lived.TYPES, lived.LIMITS),
    )
    again.follow(Wish(wish.run, wish.package_run, other.id), judge.versions["package"])
    assert again.standing.streams["dot"]["score"].wealth.n == 0
    assert again.standing.upto == box.last()


def _model_of(home, wish):
    return runs.read(home.parents[1] / "runs" / wish.threshold_run).spec["inspect_run"]


def test_parts_of_another_package_do_not_count(at_work):
    home, wish, box, judge, watcher = at_work
    watcher.follow(wish, "another")
    lived.run_by(home, box, judge, shades(100))
    watcher.look()
    assert watcher.standing.streams["dot"]["score"].wealth.n == 0


def test_limits_whose_parts_are_gone_are_not_watched_and_it_says_so(storage):
    home, wish = lived.line(storage)
    with lived.opened(home) as box:
        watcher = Watcher(home, box)
        watcher.follow(Wish(wish.run, wish.package_run, ""), "hash")
        assert "No limits are in use" in watcher.standing.words
        watcher.look()
        assert watcher.suspended == frozenset()
