"""A replay whose process is killed at random moments, and what stands in the store at its end."""

import os
import random
import signal
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from backend.core import registry
from backend.core.store import Store
from backend.line import report
from backend.settings import Settings
from tests.unit.line import brokers
from tests.unit.line.brokers import Broker, Heard
from tests.unit.line.processes import accepted, home, started

ALIVE_SECONDS = 0.6  # for which a line takes parts in before it is killed, at most
PATIENCE = 120.0


@dataclass(frozen=True)
class Outcome:
    """accepted: as the line counts it. stored: of each key, how many rows the dashboard's database
    has. reasons: of UNINSPECTED parts, how many have each. unheard: keys that the subscriber
    lacks; doubled: messages beyond one a key."""

    kills: int
    accepted: int
    stored: Counter[tuple[int, int]]
    verdicts: Counter[str]
    reasons: Counter[str]
    unheard: int
    doubled: int
    gaps: int


def replayed(
    settings: Settings, values: dict[str, Any], kills: int, broker: Broker, heard: Heard, seed: int
) -> Outcome:
    """Start the line again and again, kill it while it works, and let it come to its end."""
    dice = random.Random(seed)
    values = values | {"sink": [broker.address]}
    for _ in range(kills):
        before, (_, process) = accepted(settings), started(settings, values)
        _wait(lambda before=before, process=process: process.poll() or accepted(settings) > before)
        assert process.poll() is None, "it ended before it could be killed"
        time.sleep(dice.uniform(0, ALIVE_SECONDS))
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert accepted(settings) < values["count"], "it was killed before its end"
    assert started(settings, values)[1].wait(PATIENCE) == 0
    _wait(lambda: len(set(brokers.keys(heard))) >= accepted(settings))
    return _outcome(settings, kills, heard)


def _wait(condition: Any) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"not within {PATIENCE} s"
        time.sleep(0.02)


def _outcome(settings: Settings, kills: int, heard: Heard) -> Outcome:
    with closing(Store(settings.database)) as store:
        for feed in registry.feeds():
            store.feed(feed, settings.storage)
        rows = store.read("SELECT epoch, sequence, verdict, reason FROM verdicts")
    told = Counter(brokers.keys(heard))
    stored = Counter(zip(rows["epoch"].tolist(), rows["sequence"].tolist(), strict=True))
    unseen = rows[rows["verdict"] == "UNINSPECTED"]
    return Outcome(
        kills,
        accepted(settings),
        stored,
        Counter(rows["verdict"].tolist()),
        Counter(unseen["reason"].tolist()),
        len(stored.keys() - told.keys()),
        told.total() - len(told),
        report.of(home(settings)).gaps,
    )
