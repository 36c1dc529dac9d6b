"""What a version's limits did with the parts they were set on: false alarms, and BAD parts missed.

A BAD part is missed where it is called GOOD, so that nobody looks at it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backend.core import facts
from backend.inspection.threshold import limits
from backend.numeric import statistics
from backend.records import Label

ALL = "all types"
MISSED, ALARMS = "BAD missed", "false alarms"  # metrics of the table `figures`


@dataclass(frozen=True)
class Share:
    """hits of known parts. low, high: 95 % interval of their share in 0 to 1."""

    subject: str
    hits: int
    known: int
    low: float
    high: float

    @property
    def too_many(self) -> bool:
        """A third or more?"""
        return self.known > 0 and 3 * self.hits >= self.known

    @property
    def count(self) -> str:
        return f"{self.hits} of {self.known}"

    @property
    def share(self) -> str:
        """`38% [23%, 55%]`, "" where no part is known."""
        if not self.known:
            return ""
        return f"{self.hits / self.known:.0%} [{self.low:.0%}, {self.high:.0%}]"


def shares(subject: str, judged: pd.DataFrame) -> tuple[Share, Share]:
    """False alarms among the GOOD parts, misses among the BAD ones.

    judged: label, group, verdict. The intervals count groups, for their parts are alike.
    """
    good = (judged["label"] == int(Label.GOOD)).to_numpy()
    verdict, groups = judged["verdict"].to_numpy(str), judged["group"].to_numpy()
    alarms = _share(subject, verdict[good] == limits.BAD, groups[good])
    return alarms, _share(subject, verdict[~good] == limits.GOOD, groups[~good])


def _share(subject: str, hits: NDArray[np.bool_], groups: NDArray[Any]) -> Share:
    _, low, high = statistics.grouped_share(hits, groups)
    return Share(subject, int(hits.sum()), len(hits), low, high)


def figures(judged: pd.DataFrame, ready: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Rows of the table `figures`: misses of all types and of each, false alarms of those `ready`,
    which have a limit for alarms. judged: also feature."""
    alarmed = judged[judged["feature"].isin(ready)]
    yield from _rows(MISSED, shares(ALL, judged)[1])
    yield from _rows(ALARMS, shares(ALL, alarmed)[0])
    for feature, mine in judged.groupby("feature", sort=True):
        yield from _rows(MISSED, shares(str(feature), mine)[1])
    for feature, mine in alarmed.groupby("feature", sort=True):
        yield from _rows(ALARMS, shares(str(feature), mine)[0])


def _rows(metric: str, one: Share) -> Iterator[dict[str, Any]]:
    if one.known:
        value = one.hits / one.known
        yield {"subject": one.subject, "metric": metric, "value": value, "n": one.known} | {
            "low": one.low,
            "high": one.high,
        }


def missed(run_folder: Path) -> list[Share]:
    """What a version misses: of all types first, then of each of which a BAD part is known.

    One made by an older version kept counts alone; its intervals count parts.
    """
    if facts.path(run_folder, "figures").exists():
        return of_figures(facts.read(run_folder, "figures"))
    return of_counts(facts.read(run_folder, "thresholds"))


def of_counts(table: pd.DataFrame) -> list[Share]:
    """`missed` from the table `thresholds`."""
    lost = table["n_bad"] - table["bad_alarms"] - table["bad_reviews"]
    counts = [(ALL, int(lost.sum()), int(table["n_bad"].sum()))]
    counts += zip(table["feature"], lost.astype(int), table["n_bad"].astype(int), strict=True)
    return [Share(str(s), k, n, *statistics.clopper_pearson(k, n)) for s, k, n in counts if n]


def false_alarms(run_folder: Path) -> list[Share]:
    """False alarms of a version: of all types with a limit first, then of each; of one made by an
    older version none."""
    if not facts.path(run_folder, "figures").exists():
        return []
    return of_figures(facts.read(run_folder, "figures"), ALARMS)


def of_figures(rows: pd.DataFrame, metric: str = MISSED) -> list[Share]:
    """`missed`, or the shares of another metric, from the table `figures`."""
    found = []
    row: Any
    for row in rows[rows["metric"] == metric].itertuples():
        hits = round(row.value * row.n)
        found.append(Share(row.subject, hits, int(row.n), float(row.low), float(row.high)))
    return found


def misses(run_folder: Path) -> str:
    """What a person must know before this version is put in force; "" where it misses less than a
    third of the known BAD parts, of every type and of all together."""
    found = missed(run_folder)
    if not any(one.too_many for one in found):
        return ""
    total, *each = found
    many = "; ".join(f"{one.subject} {one.count}, {one.share}" for one in each if one.too_many)
    return (
        f"It misses {total.count} known BAD parts, {total.share}: it calls them GOOD, and nobody "
        f"looks at them. A third or more are missed of: {many}."
    )
