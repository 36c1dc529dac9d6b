"""Figures of one method on one feature type, each with its interval and the counts behind it."""

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from backend.inspection.model.folds import Data
from backend.numeric import statistics

Floats = NDArray[np.float64]
Metric = Callable[[Floats, Floats], float]
BAND = 200  # bootstrap draws of a ROC curve's band


def rows(
    data: Data, scores: pd.DataFrame, table: pd.DataFrame, mode: str, draws: int, seed: int
) -> Iterator[dict[str, Any]]:
    """Rows of the table `auroc`: every method on every feature.

    scores: a row a part, a column a method, mean over repeats. table: the rows of `scores`, whose
    `alarm` of the first repeat makes the accuracy.
    """
    first = table[table["repeat"] == 0]
    alarms = first.pivot_table(index="part", columns="method", values="alarm", aggfunc="first")
    alarms = alarms.reindex(list(data.frame["part"]))
    for method in scores.columns:
        values, alarm = scores[method].to_numpy(), alarms[method].to_numpy(bool)
        for t, name in enumerate(data.names):
            mine = data.types == t
            good, bad = values[mine & data.good], values[mine & ~data.good]
            yield {
                "method": method,
                "feature": name,
                "mode": mode,
                "reliable": statistics.reliable(len(bad)),
                **_judged(good, bad, draws, seed),
                **_accuracy(alarm[mine], data.good[mine]),
            }


def _judged(good: Floats, bad: Floats, draws: int, seed: int) -> dict[str, Any]:
    """AUROC (DeLong), average precision and FPR at 95 % TPR (bootstrap over parts), and power."""
    area, low, high = statistics.auroc_interval(good, bad)
    precision = _interval(average_precision, good, bad, draws, seed)
    false_alarms = _interval(_fpr_at_95, good, bad, draws, seed)
    return {
        "n_good": len(good),
        "n_bad": len(bad),
        "auroc": area,
        "low": low,
        "high": high,
        **dict(zip(_names("average_precision"), precision, strict=True)),
        **dict(zip(_names("fpr_at_95_tpr"), false_alarms, strict=True)),
        "detectable": _gain(area, len(good), len(bad)),
    }


def _gain(area: float, n_good: int, n_bad: int) -> float:
    """Smallest gain over this AUROC that a paired test finds with 80 % power; NaN: not even 1."""
    if not 0 < area < 1:  # no BAD part, or nothing left to gain
        return math.nan
    return statistics.smallest_detectable_difference(area, n_good, n_bad)


def average_precision(good: Floats, bad: Floats) -> float:
    """As scikit-learn's, in a tenth of its time, for the bootstrap. NaN when a class is empty."""
    if not len(good) or not len(bad):
        return math.nan
    scores = np.concatenate([good, bad])
    order = np.argsort(-scores)
    found = np.cumsum(order >= len(good))
    last = np.append(np.diff(scores[order]) != 0, True)  # parts of equal score are one step
    steps, raised = found[last], np.flatnonzero(last) + 1
    return float((np.diff(steps, prepend=0) * steps / raised).sum() / len(bad))


def _names(metric: str) -> tuple[str, str, str]:
    return metric, f"{metric}_low", f"{metric}_high"


def _fpr_at_95(good: Floats, bad: Floats) -> float:
    return statistics.fpr_at_tpr(good, bad, 0.95)


def _interval(
    metric: Metric, good: Floats, bad: Floats, draws: int, seed: int
) -> statistics.Interval:
    """Value, and percentiles over `draws` in which GOOD and BAD parts are drawn again."""
    value = metric(good, bad)
    if not len(good) or not len(bad):
        return value, float("nan"), float("nan")
    rng = np.random.default_rng(seed)
    drawn = [metric(rng.choice(good, len(good)), rng.choice(bad, len(bad))) for _ in range(draws)]
    return value, *statistics.percentiles(drawn)


def _accuracy(alarm: NDArray[np.bool_], good: NDArray[np.bool_]) -> dict[str, float]:
    """Share of right verdicts, with the exact interval, and what calling all GOOD would reach."""
    right = int((alarm != good).sum())
    low, high = statistics.clopper_pearson(right, len(good))
    values = (right / len(good), low, high)
    return dict(zip(_names("accuracy"), values, strict=True)) | {
        "all_good_rate": float(good.mean())
    }


def roc(good: ArrayLike, bad: ArrayLike, seed: int = 0) -> pd.DataFrame:
    """A ROC curve with its bootstrap band (95 %, by point): raised, found, low, high."""
    at = np.linspace(0, 1, 101)
    rng = np.random.default_rng(seed)
    g, b = np.asarray(good, float), np.asarray(bad, float)
    draws = [_tpr_at(rng.choice(g, len(g)), rng.choice(b, len(b)), at) for _ in range(BAND)]
    low, high = np.quantile(draws, [0.025, 0.975], axis=0)
    return pd.DataFrame({"raised": at, "found": _tpr_at(g, b, at), "low": low, "high": high})


def _tpr_at(good: Floats, bad: Floats, at: Floats) -> Floats:
    """Highest share of BAD found where at most `at` of GOOD are raised: [len(at)]."""
    thresholds = np.sort(good)[::-1]
    allowed = np.floor(at * len(good) + 1e-9).astype(int)
    limit = np.append(thresholds, -np.inf)[allowed]  # above this score a part is raised
    ordered = np.sort(bad)
    return 1 - np.searchsorted(ordered, limit, side="right") / len(bad)
