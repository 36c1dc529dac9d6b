"""What is to be looked at: parts between the limits, and those drawn by lot."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from backend.line import history
from backend.line.history import Asked, Reads
from backend.line.part import Verdict
from backend.line.review import decisions
from backend.line.review.decisions import Decision, Place

DAYS = 14.0  # for which parts wait to be looked at
BLIND, BORDERLINE, ALL = "drawn by lot", "between the limits", "all"
FIRST, SECOND = "nobody looked yet", "second opinion"


@dataclass(frozen=True)
class Wanted:
    """Which parts: what brought them here, and whether somebody looked already."""

    why: str = ALL
    opinion: str = FIRST


def parts(store: Reads, home: Path, now: float, days: float = DAYS) -> pd.DataFrame:
    """The parts of the last days that are to be looked at, oldest first, with the columns of the
    outbox; `kept`: its picture is still there."""
    rows = history.rows(store, home, Asked(now - days * 86400, now + 86400), review=True)
    kept = [bool(path) and (home / path).is_file() for path in rows["picture"].fillna("")]
    return rows.assign(kept=pd.Series(kept, index=rows.index, dtype=bool))


def places(rows: pd.DataFrame) -> list[Place]:
    """The part of each row."""
    return list(zip(rows["epoch"].map(int), rows["sequence"].map(int), strict=True))


def waiting(rows: pd.DataFrame, standing: list[Decision], wanted: Wanted, who: str) -> list[Place]:
    """The parts that this person is to look at, newest first.

    A second opinion is asked for where one other person looked, and where two do not agree.
    """
    votes = decisions.votes(standing)
    some = rows[rows["kept"]]
    if wanted.why == BLIND:
        some = some[some["blind"] > 0]
    elif wanted.why == BORDERLINE:
        some = some[some["verdict"] == Verdict.REVIEW.value]
    return [place for place in reversed(places(some)) if _asks(votes.get(place, {}), wanted, who)]


def _asks(of_part: dict[str, str], wanted: Wanted, who: str) -> bool:
    if wanted.opinion == FIRST:
        return not of_part
    is_open = len(of_part) == 1 or decisions.truth(of_part) is decisions.Said.UNSURE
    return bool(of_part) and who not in of_part and is_open
