"""The rows of timed calls, and of their figures, as pages and reports read them."""

import pandas as pd

MAIN = "FP32"  # subject of the plain call's figures, which the overview shows
SHARES = (50, 95, 99)
PROCESSOR = "p50 processor ms"


def metric(share: int) -> str:
    """Of the table `figures`."""
    return f"p{share} ms"


def plain(samples: pd.DataFrame) -> pd.DataFrame:
    """The rows of the plain call; those that older versions wrote have no series."""
    return samples[samples["series"].fillna("") == ""]


def of_series(figures: pd.DataFrame, series: str) -> pd.DataFrame:
    """A series' rows, in their order: variant, metric, value, low, high, n."""
    mine = figures[figures["subject"].str.startswith(f"{series}: ")]
    variants = mine["subject"].str.removeprefix(f"{series}: ")
    return mine.assign(variant=variants)[["variant", "metric", "value", "low", "high", "n"]]
