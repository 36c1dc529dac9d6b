"""The last weeks again: what other limits, or another model that ran as shadow, would have made of
the parts that a line has seen, from the scores that it stored.

Counts are of parts that were scored and judged; what nobody looked at stays UNINSPECTED whatever
the limits are. Shares have Clopper and Pearson's exact interval, as for parts that say nothing of
one another. Sums of shares have the sum of their bounds, each at a part of the error (Bonferroni),
so that they hold with at least 95 %.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backend.deployment.package.limits import Limits
from backend.numeric import shares
from backend.numeric.statistics import clopper_pearson

ALPHA = 0.05
KEYS = ["epoch", "sequence"]
SCORED = "captured >= ? AND captured < ? AND score IS NOT NULL AND verdict <> 'UNINSPECTED'"


class Reads(Protocol):
    """The dashboard's database."""

    def read(self, sql: str, values: Any = ()) -> pd.DataFrame: ...


@dataclass(frozen=True)
class Period:
    """begin, end: of the time of capture, UTC, seconds."""

    line: str
    begin: float
    end: float


@dataclass(frozen=True)
class Asked:
    """package: whose scores, the start of its model's hash. shadow: those that it gave as shadow,
    not those of the line itself. limits: feature type → BAD above, GOOD
    up to. feature: the type of parts whose source does not tell. hours: of a shift."""

    period: Period
    package: str
    limits: Mapping[str, Limits]
    feature: str = ""
    hours: float = 8.0
    shadow: bool = False


@dataclass(frozen=True)
class Costs:
    """Of one part each: called BAD, seen by a person, passed though it is BAD."""

    alarm: float
    review: float
    escape: float


@dataclass(frozen=True)
class Figure:
    """An estimate a shift with its interval; None where nothing is known."""

    value: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Stratum:
    """Parts that are alike in what was and would be said of them, all passed as GOOD: how many
    there are, how many of them a person judged, and how many of those are BAD. Where parts were
    drawn with different shares, as many as say the same without weights, see `shares.drawn_share`.
    """

    parts: int
    judged: float
    bad: float


def packages(store: Reads, period: Period) -> pd.DataFrame:
    """Whose scores there are, the most first: package, shadow (it never judged the line itself),
    parts."""
    of_line = f"SELECT package, count(*) AS parts FROM {{}} WHERE maker = ? AND {SCORED} GROUP BY 1"
    return store.read(
        f"""WITH own AS ({of_line.format("verdicts")}), other AS ({of_line.format("shadows")})
            SELECT package, false AS shadow, parts FROM own UNION ALL
            SELECT package, true AS shadow, parts FROM other ANTI JOIN own USING (package)
            ORDER BY shadow, parts DESC, package""",
        [period.line, period.begin, period.end] * 2,
    )


def counts(store: Reads, asked: Asked) -> pd.DataFrame:
    """Parts by shift (its number since 1970), feature, was (the verdict then), now (with these
    limits): n of each, and captured, their latest time."""
    sql, values = _judged_again(asked)
    return store.read(
        f"""SELECT CAST(floor(captured / ?) AS BIGINT) AS shift, feature, was, now,
                   count(*) AS n, max(captured) AS captured
            FROM ({sql}) GROUP BY ALL ORDER BY ALL""",
        [asked.hours * 3600, *values],
    )


def decided(store: Reads, asked: Asked, decisions: pd.DataFrame) -> pd.DataFrame:
    """Parts that a person judged, with was and now.

    decisions: of `reviewed.decisions`.
    """
    sql, values = _judged_again(asked)
    keys = [decisions[name].astype(int).tolist() for name in KEYS]
    found = store.read(
        f"""SELECT a.epoch, a.sequence, a.was, a.now FROM ({sql}) a JOIN
            (SELECT unnest(CAST(? AS INTEGER[])) AS epoch, unnest(CAST(? AS BIGINT[])) AS sequence)
            USING (epoch, sequence)""",
        [*values, *keys],
    )
    return found.merge(decisions.astype({"epoch": int, "sequence": int}), on=KEYS)


def _judged_again(asked: Asked) -> tuple[str, list[Any]]:
    """SQL and values that give epoch, sequence, captured, feature, was and now of each part."""
    known = sorted(asked.limits)
    alarm, review = ([asked.limits[name][place] for name in known] for place in (0, 1))
    table, was = ("shadows", "active") if asked.shadow else ("verdicts", "verdict")
    sql = f"""
        SELECT v.epoch, v.sequence, v.captured, v.feature, v.{was} AS was,
               CASE WHEN v.score > l.alarm THEN 'BAD' WHEN v.score <= l.review THEN 'GOOD'
                    ELSE 'REVIEW' END AS now
        FROM (SELECT * REPLACE (coalesce(nullif(feature, ''), ?) AS feature) FROM {table}
              WHERE maker = ? AND {SCORED} AND package = ?) v
        LEFT JOIN (SELECT unnest(CAST(? AS VARCHAR[])) AS feature,
                          unnest(CAST(? AS DOUBLE[])) AS alarm,
                          unnest(CAST(? AS DOUBLE[])) AS review) l USING (feature)"""
    period = asked.period
    of_parts = [asked.feature, period.line, period.begin, period.end, asked.package]
    return sql, [*of_parts, known, alarm, review]


def shifts(found: pd.DataFrame) -> int:
    """How many shifts had parts."""
    return int(found["shift"].nunique())


def total(found: pd.DataFrame, when: str, verdict: str) -> int:
    """Parts of `counts` with a verdict; when: was or now."""
    return int(found.loc[found[when] == verdict, "n"].sum())


def a_shift(count: int, found: pd.DataFrame, alpha: float = ALPHA) -> Figure:
    """Of so many parts of `counts`, how many to expect in a shift as those were."""
    parts, in_a_shift = int(found["n"].sum()), found["n"].sum() / max(1, shifts(found))
    if not parts:
        return Figure(None)
    low, high = clopper_pearson(count, parts, alpha)
    return Figure(count / parts * in_a_shift, low * in_a_shift, high * in_a_shift)


def strata(found: pd.DataFrame, judged: pd.DataFrame, when: str) -> list[Stratum]:
    """What would pass (when: now) or passed (was) as GOOD, apart by the verdict then.

    judged: rows of `decided`. Of parts called GOOD or BAD then, those drawn blindly alone count.
    """
    passed, seen = found[found[when] == "GOOD"], judged[judged[when] == "GOOD"]
    seen = seen[(seen["drawn"] > 0) | (seen["was"] == "REVIEW")]
    made = []
    for was, rows in passed.groupby("was"):
        mine = seen[seen["was"] == was]
        share = np.ones(len(mine)) if was == "REVIEW" else mine["drawn"].to_numpy(np.float64)
        made.append(_stratum(int(rows["n"].sum()), mine["bad"].to_numpy(bool), share))
    return made


def _stratum(parts: int, bad: NDArray[np.bool_], drawn: NDArray[np.float64]) -> Stratum:
    """bad, drawn [n]: of the parts that a person judged. All REVIEW parts are looked at."""
    if not len(bad) or np.ptp(drawn) == 0:
        return Stratum(parts, len(bad), int(bad.sum()))
    n, k = shares.as_many(1 / drawn, bad)
    return Stratum(parts, n, k)


def escapes(found: pd.DataFrame, groups: Sequence[Stratum], alpha: float = ALPHA) -> Figure:
    """BAD parts that pass as GOOD in a shift; None where a stratum has no part that was judged."""
    if not groups or not all(one.judged for one in groups):
        return Figure(None)
    value = low = high = 0.0
    for one in groups:
        bounds = shares.bounds(one.bad, one.judged, alpha / len(groups))
        value += one.parts * one.bad / one.judged
        low, high = low + one.parts * bounds[0], high + one.parts * bounds[1]
    many = shifts(found)
    return Figure(value / many, low / many, high / many)


def cost(
    found: pd.DataFrame, groups: Sequence[Stratum], when: str, costs: Costs
) -> tuple[Figure, bool]:
    """What a shift costs, and whether escapes are in it: they are where they are known."""
    alpha = ALPHA / 3
    passing = escapes(found, groups, alpha)
    pieces = [
        (costs.alarm, a_shift(total(found, when, "BAD"), found, alpha)),
        (costs.review, a_shift(total(found, when, "REVIEW"), found, alpha)),
        *([(costs.escape, passing)] if passing.value is not None else []),
    ]
    sums = [
        sum(price * (getattr(one, name) or 0.0) for price, one in pieces)
        for name in ("value", "low", "high")
    ]
    return Figure(*sums), passing.value is not None


def by_shift(found: pd.DataFrame) -> pd.DataFrame:
    """start (time of a shift's last part), parts, then and now: how many were called BAD."""
    marked = found.assign(
        then=found["n"].where(found["was"] == "BAD", 0),
        now_bad=found["n"].where(found["now"] == "BAD", 0),
    )
    rows = marked.groupby("shift").agg(
        start=("captured", "max"), parts=("n", "sum"), then=("then", "sum"), now=("now_bad", "sum")
    )
    time = pd.to_datetime(rows["start"], unit="s").dt.floor("s")
    return rows.assign(start=time).reset_index(drop=True)


def by_type(found: pd.DataFrame) -> pd.DataFrame:
    """A row a feature type: parts, and how many got each verdict, then and now."""
    made = found.groupby("feature")["n"].sum().to_frame("parts")
    for verdict in ("BAD", "REVIEW", "GOOD"):
        for when, words in (("was", "then"), ("now", "now")):
            some = found[found[when] == verdict].groupby("feature")["n"].sum()
            made[f"{verdict} {words}"] = some
    return made.fillna(0).astype(int).reset_index()
