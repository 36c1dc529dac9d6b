"""How busy the computer was: measured beside a real load, and said in words."""

import os
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from backend.core import runs
from backend.deployment.latency import load
from backend.deployment.latency.load import Load

IDLE = Load(
    cores=4, others_before=0.03, others_during=0.02, load=0.1, other_jobs=0, mhz=2600.0,
    most_mhz=None, throttled=False, on_battery=None,
)  # fmt: skip


def test_an_idle_computer_needs_no_word():
    assert load.words(IDLE) == ""
    unreadable = replace(IDLE, others_before=None, others_during=None, load=None, throttled=None)
    assert load.words(unreadable) == ""


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"others_during": 0.63},
            "The computer was busy: 63% of its cores were at work on other things. "
            "Measure again when it is idle.",
        ),
        ({"others_before": 0.4}, "40% of its cores"),
        ({"others_before": 0.4, "other_jobs": 1}, "1 other job of this program among them"),
        ({"others_before": None, "others_during": None, "load": 1.25}, "1.2 programs a core"),
        ({"throttled": True}, "slowed down meanwhile"),
        ({"on_battery": True}, "ran on its battery"),
    ],
)
def test_what_makes_a_timing_doubtful_is_said_with_the_cure(changes, words):
    found = load.words(replace(IDLE, **changes))
    assert words in found and "Measure again when it is idle" in found


@pytest.fixture
def burning():
    """A process that keeps a core at work from before the test to its end."""
    child = subprocess.Popen(
        [sys.executable, "-c", "print(flush=True)\nwhile True: pass"], stdout=subprocess.PIPE
    )
    child.stdout.readline()
    yield child
    child.kill()
    child.wait()


def test_others_at_work_are_seen_before_and_meanwhile(tmp_path, burning):
    watch = load.Watch(tmp_path / "run")
    until = time.monotonic() + 1
    while time.monotonic() < until:
        pass
    found = watch.load()
    least = 0.4 / found.cores  # the other process has most of a core, however many share it
    assert found.others_before > least / 2 and found.others_during > least / 2
    assert found.cores >= 1 and found.other_jobs == 0


def test_a_time_too_short_to_tell_says_nothing(tmp_path):
    found = load.Watch(tmp_path / "run", seconds=0).load()
    assert found.others_before is None and found.others_during is None


def test_other_running_jobs_are_counted_but_not_this_one(tmp_path):
    own, other, ended = (runs.create(tmp_path, "latency", {"k": k}).folder for k in range(3))
    for folder in (own, other, ended):
        runs.claim(folder, os.getpid())
    (ended / "result.json").write_text("{}")
    assert load.other_jobs(own) == 1


def test_a_counter_that_grows_is_a_processor_slowed_down(tmp_path, monkeypatch):
    stat = tmp_path / "cpu.stat"
    stat.write_text("nr_periods 9\nnr_throttled 2\n")
    monkeypatch.setattr(load, "THROTTLES", ((str(tmp_path), "cpu.stat", "nr_throttled"),))
    watch = load.Watch(tmp_path / "run", seconds=0)
    assert watch.load().throttled is False
    stat.write_text("nr_periods 12\nnr_throttled 3\n")
    assert watch.load().throttled is True
    stat.unlink()
    assert watch.load().throttled is None
