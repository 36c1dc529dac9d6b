"""A line as a real process: its scores drift, its verdicts say so, a person recalibrates."""

import json

import numpy as np
import pytest
from PIL import Image

from backend.actions import reviews
from backend.core import facts, jobs, runs
from backend.core.audit import Actor, Way
from backend.core.desk import CommandLine
from backend.core.store import Store
from backend.line import control, watch
from backend.line.promise import standing
from backend.line.review import decisions, queue
from tests.unit.line import lived, packages

ANN = Actor("Ann", Way.COMMAND_LINE)


def bright_parts(root, count=200):
    """Parts that are brighter than those of the calibration: scores of 0.8 in place of 0."""
    run = runs.create(root, "parts", {"scale": 0.02})
    (run.folder / "artifacts").mkdir()
    rng, rows = np.random.default_rng(1), []
    for k in range(count):
        path = f"artifacts/{k}.png"
        Image.fromarray(lived.picture(rng.normal(108, 4), rng)).save(run.folder / path)
        row = {"part": f"q{k:03d}", "path": path, "feature": lived.TYPES[k % 2], "label": 1}
        rows.append(row | {"group": f"h{k}"})
    facts.write(run.folder, "parts", rows)
    return packages.ended(run)


@pytest.fixture
def drifted(storage):
    """A line in its own process that takes in such parts; its home."""
    home, wish = lived.line(storage)
    values = {"parts_run": bright_parts(storage.runs).id, "package_run": wish.package_run}
    values |= {"threshold_run": wish.threshold_run, "pace": 12_000.0, "blind_share": 1.0}
    values["sink"] = [f"csv:{storage.storage / 'out.csv'}"]
    run = jobs.submit(storage, "line", values, name=lived.NAME, queued=False)
    process = jobs.start(storage, run.folder)
    yield home
    jobs.request_cancel(run.folder)
    assert process.wait(300) == 130


def suspended(home):
    found = standing.read(home)
    return set(found.suspended) if found else set()


def newest(home):
    return watch.newest(home, 1).iloc[-1]


def test_a_drift_suspends_the_promise_until_a_person_recalibrates(storage, drifted, until):
    home = drifted
    until(lambda: suspended(home) == set(lived.TYPES))
    until(lambda: newest(home)["suspended"] == 1.0)
    until(lambda: set(watch.status(home).suspended) == set(lived.TYPES))
    told = (storage.storage / "out.csv").read_text().splitlines()
    assert told[0].endswith(",suspended") and told[1].endswith(",False")
    store = Store(storage.database)
    since = max(standing.read(home).suspended.values())
    [rows] = until(lambda: enough(store, home, since))
    for place in queue.places(rows.tail(80)):
        decisions.record(home, place, "good", "Ann")
    made = reviews.recalibrate(ANN, CommandLine(storage), home, rows)
    store.close()
    assert jobs.start(storage, made.folder).wait(300) == 0
    until(lambda: control.wish(home).threshold_run == made.id)
    until(lambda: newest(home)["thresholds"] == 2)
    until(lambda: newest(home)["suspended"] == 0.0)
    assert suspended(home) == set()
    noted = [json.loads(line) for line in (storage.storage / "audit.jsonl").open()]
    assert [one["action"] for one in noted] == ["recalibrate"]


def enough(store, home, since):
    """The line's parts, once 80 came since."""
    rows = queue.parts(store, home, since)
    return [rows] if (rows["judged"] > since).sum() >= 80 else []
