"""What each part of the diffusion's score adds: its AUROC with the part less that without it."""

from collections.abc import Iterator
from typing import Any

import pandas as pd

from backend.glossary import SEPARATION
from backend.inspection.model import comparisons, variants
from backend.inspection.model.folds import Data
from backend.numeric import statistics
from backend.wording import known

MEAN = "mean over types"


def rows(
    data: Data, scores: pd.DataFrame, table: pd.DataFrame, means: pd.DataFrame, tested: list[str]
) -> list[dict[str, Any]]:
    """Rows of the table `additions`, for every variant of the diffusion among the scores.

    means: a column a method, its mean AUROC and then that of each draw, as `report` has them.
    A part's first row is the mean, with bootstrap over groups; the others are its types, with
    DeLong's intervals, p after Holm over those `tested`.
    """
    found = []
    for method, without in variants.pairs(list(means.columns)):
        about = {
            "part": variants.added(method, without),
            "method": method,
            "without": without,
            "n": len(data.frame),
        }
        found.append(about | {"feature": MEAN} | _mean(means[method], means[without]))
        types = comparisons.pair(data, scores, table, (method, without), tested)
        columns = ["feature", "difference", "low", "high", "p_holm"]
        found += [about | dict(zip(columns, row, strict=True)) for row in _tuples(types[columns])]
    return found


def _tuples(frame: pd.DataFrame) -> Iterator[tuple[Any, ...]]:
    return frame.itertuples(index=False, name=None)


def _mean(values: pd.Series, without: pd.Series) -> dict[str, float]:
    difference, low, high = statistics.bootstrap_interval(values - without)
    return {
        **{"value": float(values.iloc[0]), "value_without": float(without.iloc[0])},
        **{"difference": difference, "low": low, "high": high},
    }


def of_means(rows: pd.DataFrame) -> pd.DataFrame:
    """Those rows of the table that are means over types, one a part."""
    return rows[rows["feature"] == MEAN]


def sentence(rows: pd.DataFrame) -> str:
    """What training added; "" where the table does not tell."""
    mine = of_means(rows)
    mine = mine[(mine["part"] == "training") & mine["difference"].notna()]
    if mine.empty:
        return ""
    row = mine.iloc[0]
    told = "added nothing that can be told from chance"
    if known(row["low"]) and row["low"] > 0:
        told = "helped beyond chance"
    elif known(row["high"]) and row["high"] < 0:
        told = "harmed beyond chance"
    difference = exact(row["difference"], row["low"], row["high"])
    return (
        f"Training {told}: mean {SEPARATION.short} {row['value']:.3f} against "
        f"{row['value_without']:.3f} "
        f"of the untrained start, difference {difference} (paired bootstrap over groups, "
        f"n = {int(row['n'])} parts)."
    )


def exact(value: float, low: float, high: float) -> str:
    """`+0.003 [+0.001, +0.005]`: three digits, for these differences are small."""
    if not known(value):
        return "–"
    words = f"{value:+.3f} [{low:+.3f}, {high:+.3f}]" if known(low) else f"{value:+.3f}"
    return words.replace("-", "−")
