"""What an anomaly model's figures show, in words, and never more than they show."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from backend.glossary import SEPARATION
from backend.records import MIN_BAD
from backend.wording import with_interval

MODES = {
    "good-only": "No BAD part in training or calibration.",
    "uses-bad": "The diffusion and the supervised baseline learned from BAD parts of the "
    "training rounds; the other baselines did not. Compare these figures with no good-only ones.",
}


def tells(mean: Mapping[Any, Any] | pd.Series) -> bool:
    """Is the mean separation beyond guessing? mean: value, low, high."""
    return bool(mean["low"] > 0.5)


def verdict(mean: Mapping[Any, Any] | pd.Series) -> str:
    """Can the model tell BAD from GOOD, and how sure is that? mean: value, low, high."""
    reached = with_interval(mean["value"], mean["low"], mean["high"])
    if tells(mean):
        return (
            f"BAD parts stand out: {SEPARATION.short} {reached} (95 % interval); 0.5 would be "
            "guessing, 1 perfect."
        )
    return (
        f"Cannot be told from guessing yet: {SEPARATION.short} {reached}, where 0.5 is guessing. "
        "Train on more GOOD parts, and measure on more BAD ones."
    )


def compared(rows: pd.DataFrame) -> str:
    """On which feature types a method is better or worse. rows: one method's of `comparisons`."""
    tested = rows[rows["reliable"].astype(bool)]
    n, clear = len(tested), tested["p_holm"] < 0.05
    better = list(tested[clear & (tested["difference"] > 0)]["feature"])
    worse = list(tested[clear & (tested["difference"] < 0)]["feature"])
    if not n:
        return f"No feature type has {MIN_BAD} BAD parts, so no difference was tested."
    if not better and not worse:
        return f"No difference can be shown on any of {n} feature types (DeLong, paired, Holm)."
    parts = [f"better on {', '.join(better)}"] if better else []
    parts += [f"worse on {', '.join(worse)}"] if worse else []
    return f"Of {n} feature types tested: {' and '.join(parts)} (DeLong, paired, Holm, p < 0.05)."
