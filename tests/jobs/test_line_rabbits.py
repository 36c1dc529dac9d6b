"""Red rabbits on a line as a real process: judged among its parts, and never one of them."""

import json
from contextlib import closing

import cv2
import numpy as np

from backend.core import jobs
from backend.core.store import Store
from backend.line import outbox, report, segments
from backend.line.rabbits import journal
from tests.unit.line.packages import TYPES
from tests.unit.line.processes import accepted, home, started, status

PARTS = 6


def written(folder, count):
    """GOOD parts of plastic, each in a file of its own."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for k in range(count):
        pixels = np.clip(rng.normal(100, 3, (96, 96, 3)), 0, 255).astype(np.uint8)
        cv2.imwrite(str(folder / f"s{k}.png"), pixels)


def test_one_is_slipped_in_and_judged_and_no_machine_hears_of_it(storage, ready, until):
    folder, told = storage.storage / "watched", storage.storage / "out.csv"
    written(folder / TYPES[0], PARTS)
    values = ready | {"source": "folder", "folder": str(folder)}
    values |= {"sink": [f"csv:{told}"], "blind_share": 1.0}
    values |= {"rabbits": 2000, "rabbit_material": "plastic"}  # one about every 14 seconds
    run, process = started(storage, values)
    until(lambda: accepted(storage) == PARTS)
    until(lambda: len(journal.read(home(storage), 0.0)) >= 1)
    assert status(storage, run).troubles == {}
    assert jobs.request_cancel(run.folder)
    assert process.wait(300) == 130

    sent = journal.read(home(storage), 0.0)
    assert set(sent["feature"]) == {TYPES[0]} and set(sent["maker"]) == {"renderer"}
    assert (sent["good"] < 1.0).all() and (sent["score"] != sent["good"]).all()
    assert all((home(storage) / path).is_file() for path in sent["picture"])

    found = report.of(home(storage))
    assert (found.accepted, found.good, found.uninspected) == (PARTS, PARTS, 0)
    serials = {f"s{k}" for k in range(PARTS)}
    assert {row["serial"] for row in outbox.read(home(storage))} <= serials
    lines = told.read_text().splitlines()[1:]
    assert len(lines) == PARTS and all(",GOOD," in line for line in lines)
    with closing(Store(":memory:")) as store:
        store.feed(segments, storage.storage)
        stored = store.read("SELECT serial, package FROM verdicts")
    assert set(stored["serial"]) == serials and len(stored) == PARTS
    assert set(sent["package"]) == set(stored["package"]), "judged by the very judge of the parts"
    assert json.loads((home(storage) / "status.json").read_text())["totals"] == {"GOOD": PARTS}
