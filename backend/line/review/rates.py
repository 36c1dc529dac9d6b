"""What a line lets through and how often it errs, from the parts alone that were drawn by lot.

Parts are drawn by their place in the line, whatever their verdict, and judged by people who do not
see it. So those drawn are a fair sample of all parts, and each share among them has an exact
interval; the parts between the limits, which all are looked at, would bend it.
"""

import math
from dataclasses import dataclass

import pandas as pd

from backend.line.part import Verdict
from backend.line.review import decisions, queue
from backend.line.review.decisions import Decision, Said
from backend.numeric import shares
from backend.numeric.shares import Share


@dataclass(frozen=True)
class Rates:
    """escapes: BAD parts among those that the line called GOOD. false_alarms: parts called BAD
    among those that are GOOD. drawn, looked: parts drawn, and those that a person judged.
    agreeing, twice: parts on which two people agree, of those that two judged."""

    escapes: Share
    false_alarms: Share
    drawn: int
    looked: int
    agreeing: int
    twice: int


def judged(rows: pd.DataFrame, standing: list[Decision]) -> pd.DataFrame:
    """The rows of parts that somebody judged, with `truth` (good, bad, unsure), `people` (how many)
    and `agree`."""
    votes = decisions.votes(standing)
    found = [votes.get(place, {}) for place in queue.places(rows)]
    made = rows.assign(
        truth=[decisions.truth(one).value for one in found],
        people=[len(one) for one in found],
        agree=[len(set(one.values())) == 1 for one in found],
    )
    return made[made["people"] > 0]


def of(rows: pd.DataFrame, standing: list[Decision]) -> Rates:
    """rows: of parts, with the columns of the outbox; only those that were drawn by lot count."""
    drawn = rows[rows["blind"] > 0]
    looked = judged(drawn, standing)
    twice = looked[looked["people"] > 1]
    return Rates(
        escapes(looked),
        false_alarms(looked),
        len(drawn),
        len(looked),
        int(twice["agree"].sum()),
        len(twice),
    )


def escapes(looked: pd.DataFrame) -> Share:
    """Of the parts that the line called GOOD, those that are BAD."""
    passed = looked[looked["verdict"] == Verdict.GOOD.value]
    truth = passed["truth"]
    return shares.drawn_share(truth == Said.BAD, truth == Said.UNSURE, passed["blind"])


def false_alarms(looked: pd.DataFrame) -> Share:
    """Of the parts that are GOOD, those that the line called BAD."""
    some = good_ones(looked)
    hits = (some["verdict"] == Verdict.BAD.value) & (some["truth"] == Said.GOOD)
    return shares.drawn_share(hits, some["truth"] == Said.UNSURE, some["blind"])


def good_ones(looked: pd.DataFrame) -> pd.DataFrame:
    """Parts that are GOOD, and those called BAD of which people are not sure."""
    unsure = (looked["truth"] == Said.UNSURE) & (looked["verdict"] == Verdict.BAD.value)
    return looked[(looked["truth"] == Said.GOOD) | unsure]


def by_week(rows: pd.DataFrame, standing: list[Decision]) -> pd.DataFrame:
    """Both rates of each week with a part that was judged: week (its Monday), rate, value, low,
    high, k, n."""
    looked = judged(rows[rows["blind"] > 0], standing)
    week = looked["time"].dt.to_period("W").dt.start_time
    made = [
        {"week": start, "rate": name, **_plain(found)}
        for start, some in looked.groupby(week)
        for name, found in (("escapes", escapes(some)), ("false alarms", false_alarms(some)))
        if found.n
    ]
    return pd.DataFrame(made, columns=["week", "rate", "value", "low", "high", "k", "n"])


def _plain(found: Share) -> dict[str, float]:
    return {name: getattr(found, name) for name in ("value", "low", "high", "k", "n")}


def sequence(rows: pd.DataFrame, standing: list[Decision], thresholds: int) -> pd.DataFrame:
    """The confidence sequence of the false-alarm rate under one version of the limits: reviews (of
    GOOD parts so far, in the order in which the line saw them), time, low, high."""
    mine = rows[(rows["blind"] > 0) & (rows["thresholds"] == thresholds)]
    looked = judged(mine, standing)
    good = looked[looked["truth"] == Said.GOOD]
    low, high = shares.sequence(good["verdict"] == Verdict.BAD.value)
    found = {"reviews": range(1, len(good) + 1), "time": good["time"], "low": low, "high": high}
    return pd.DataFrame(found)


def words(found: Share) -> str:
    """`0 of 300: under 1 % at 95 %`."""
    if not found.n:
        return "no part was looked at yet"
    return f"{found.k} of {found.n}: under {_percent(found.under)} at 95 %"


def _percent(rate: float) -> str:
    """Rounded up to two digits, so that what is said holds."""
    step = 10.0 ** (math.floor(math.log10(rate * 100)) - 1)
    return f"{math.ceil(rate * 100 / step - 1e-9) * step:.3g} %"
