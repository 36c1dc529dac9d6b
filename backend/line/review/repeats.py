"""Parts that come again, so that people are measured too: drawn by lot, and nothing tells them."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from backend.core import runs
from backend.line import control
from backend.line.review import draw, queue
from backend.line.review.decisions import Decision, Place
from backend.line.review.queue import Wanted
from backend.line.spec import Spec

REST = 20  # decisions of a person before a part comes to that person again
MIXED = 0.25  # share of the deals in which one comes that is due, while there are others


@dataclass(frozen=True)
class Draw:
    """Which parts of a line come again. key: the line's, b"" before its first start."""

    key: bytes
    share: float

    def holds(self, place: Place) -> bool:
        """Is this part one of them?"""
        return bool(self.key) and draw.lot(self.key, f"again {place}") < self.share


def of(home: Path) -> Draw:
    """That of a line, by its newest settings. Raises UserError where its run is gone."""
    asked = control.wish(home)
    if asked is None:
        return Draw(b"", 0.0)
    run = runs.read(runs.named(control.runs_of(home), asked.run))
    return Draw(draw.known_key(home), runs.spec(run, Spec).repeat_share)


def due(rows: pd.DataFrame, standing: list[Decision], chosen: Draw, who: str) -> list[Place]:
    """The parts that are to come to this person unseen, in an order that nobody can foresee: those
    that others judged, and those that this person judged once, REST decisions ago.

    rows: as `queue.parts` gives them.
    """
    mine = [one.place for one in standing if one.who == who]
    counts, lately = Counter(mine), set(mine[-REST:])
    judged = {one.place for one in standing} & set(queue.places(rows[rows["kept"]]))
    found = [p for p in judged if chosen.holds(p) and counts[p] < 2 and p not in lately]
    return sorted(found, key=lambda place: draw.lot(chosen.key, f"{who} {place}"))


def dealt(
    rows: pd.DataFrame, standing: list[Decision], wanted: Wanted, chosen: Draw, who: str
) -> list[Place]:
    """What this person is to look at, the next one first: parts as `queue.waiting` gives them, with
    those that are due mixed in where parts are wanted that nobody looked at yet."""
    fresh = queue.waiting(rows, standing, wanted, who)
    again = due(rows, standing, chosen, who) if who and wanted.opinion == queue.FIRST else []
    made = sum(one.who == who for one in standing)
    if again and (not fresh or draw.lot(chosen.key, f"deal {who} {made}") < MIXED):
        return again + fresh
    return fresh + again


def count(standing: list[Decision]) -> int:
    """Decisions beyond the first of each part."""
    return len(standing) - len({one.place for one in standing})
