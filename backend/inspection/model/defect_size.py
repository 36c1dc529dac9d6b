"""How well defects stand out by their size: AUROC against what a BAD part differs by."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from backend.numeric import statistics

PER_POINT = 12  # BAD parts a point of the curve has at least
MOST_POINTS = 6


@dataclass(frozen=True)
class Measure:
    """A column of the table `parts` that tells a defect's size."""

    column: str
    words: str
    unit: str
    scale: float = 1.0


MEASURES = (
    Measure("excess", "beyond its GOOD twin, in tolerances", "tolerances"),
    Measure("area", "area of its mask", "% of the crop", 100.0),
)


def measures(parts: pd.DataFrame) -> tuple[Measure, ...]:
    """Those that some BAD part of the table `parts` has."""
    bad = parts[parts["label"] == 0]
    return tuple(m for m in MEASURES if bad[m.column].notna().any())


def curve(scores: pd.DataFrame, parts: pd.DataFrame, measure: Measure) -> pd.DataFrame:
    """Points size, smallest, largest, n, auroc, low, high; none where no BAD part has a size.

    scores: part, feature, label, score, each part once. parts: part, group and the measure.
    A point is a quantile of the BAD parts. Its AUROC is the mean over them of the share of their
    type's GOOD parts that score lower, ties counted half; the interval is a bootstrap over the
    BAD parts' groups.
    """
    known = parts[["part", "group", measure.column]].dropna()
    bad = scores.loc[scores["label"] == 0, ["part", "feature", "score"]].merge(known, on="part")
    bad = bad.assign(size=bad[measure.column] * measure.scale, above=_above(scores, bad))
    bad = bad.dropna(subset=["above"]).sort_values(["size", "part"])
    pieces = min(MOST_POINTS, max(1, len(bad) // PER_POINT))
    quantiles = np.array_split(np.arange(len(bad)), pieces)
    return pd.DataFrame([_point(bad.iloc[at]) for at in quantiles if len(at)])


def _above(scores: pd.DataFrame, bad: pd.DataFrame) -> pd.Series:
    """For each BAD row, the share of its type's GOOD parts below it; NaN where it has none."""
    found = pd.Series(np.nan, bad.index)
    good = scores[scores["label"] == 1]
    for feature, rows in bad.groupby("feature"):
        usual = good.loc[good["feature"] == feature, "score"].to_numpy(float)
        if len(usual):
            found[rows.index] = statistics.placements(usual, rows["score"].to_numpy(float))[0]
    return found


def _point(rows: pd.DataFrame) -> dict[str, float]:
    above = rows["above"].to_numpy()
    value, low, high = statistics.group_bootstrap(lambda at: float(above[at].mean()), rows["group"])
    size = rows["size"]
    return {
        "size": float(size.median()),
        "smallest": float(size.min()),
        "largest": float(size.max()),
        "n": len(rows),
        "auroc": value,
        "low": low,
        "high": high,
    }
