"""How many red rabbits are found, by day and by size, beside real BAD parts that people found."""

import numpy as np
import pandas as pd

from backend.line.part import Verdict
from backend.line.review import rates
from backend.line.review.decisions import Decision, Said
from backend.numeric import shares
from backend.numeric.shares import Share

PER_POINT, MOST_POINTS = 10, 6  # rabbits a point of the curve has at least; points


def of(rabbits: pd.DataFrame) -> Share:
    """The share that is found, with its exact interval. rabbits: as `journal.read` gives them."""
    return shares.share(int(rabbits["found"].sum()), len(rabbits))


def by_day(rabbits: pd.DataFrame) -> pd.DataFrame:
    """day, k, n, value, low, high."""
    rows = [{"day": day, **_plain(of(some))} for day, some in rabbits.groupby("day")]
    return pd.DataFrame(rows, columns=["day", "k", "n", "value", "low", "high"])


def by_size(rabbits: pd.DataFrame) -> pd.DataFrame:
    """size (the median), smallest, largest, k, n, value, low, high; points are quantiles."""
    ordered = rabbits.sort_values("size")
    pieces = min(MOST_POINTS, max(1, len(ordered) // PER_POINT))
    rows = [
        {
            "size": float(some["size"].median()),
            "smallest": float(some["size"].min()),
            "largest": float(some["size"].max()),
            **_plain(of(some)),
        }
        for at in np.array_split(np.arange(len(ordered)), pieces)
        if len(some := ordered.iloc[at])
    ]
    return pd.DataFrame(rows)


def _plain(found: Share) -> dict[str, float]:
    return {name: getattr(found, name) for name in ("k", "n", "value", "low", "high")}


def real(rows: pd.DataFrame, standing: list[Decision]) -> Share:
    """Of the parts drawn by lot that people found BAD, those that the line did not call GOOD.

    rows: of the line, with the columns of the outbox.
    """
    looked = rates.judged(rows[rows["blind"] > 0], standing)
    bad = looked[looked["truth"] == Said.BAD]
    hits = bad["verdict"] != Verdict.GOOD.value
    return shares.drawn_share(hits, np.zeros(len(bad), bool), bad["blind"])
