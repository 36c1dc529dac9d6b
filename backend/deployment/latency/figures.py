"""Percentiles of timed calls, as rows of the table `figures`."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backend.deployment.latency.spec import COLD, STAGES
from backend.deployment.latency.tables import MAIN, PROCESSOR, SHARES, metric
from backend.deployment.latency.timing import Sample
from backend.numeric import quantiles, statistics


def rows(samples: pd.DataFrame, one_thread: bool) -> list[dict[str, Any]]:
    """samples: series ("" for the plain call), variant, parts, milliseconds, in their order.

    Of the plain call the three percentiles, else the median, a part; of stages and of the cold
    start what each step adds to the ones before, so that they add up to the whole. one_thread: the
    processor computes, on one thread: stages are given in its time, which other work on the
    computer does not lengthen.
    """
    found = []
    for series, mine in samples.groupby("series", sort=False):
        by_processor = series == STAGES and one_thread
        column = "cpu_milliseconds" if by_processor else "milliseconds"
        each = {
            str(name): (one[column] / one["parts"]).to_numpy(np.float64)
            for name, one in mine.groupby("variant", sort=False)
        }
        if series == "":
            found += [_row(MAIN, share, values) for values in each.values() for share in SHARES]
        elif series in (STAGES, COLD):
            found += _steps(str(series), PROCESSOR if by_processor else metric(50), each)
        else:
            found += [_row(f"{series}: {name}", 50, values) for name, values in each.items()]
    return found


def _row(subject: str, share: int, values: NDArray[np.float64]) -> dict[str, Any]:
    value, low, high = quantiles.quantile(values, share / 100)
    return _figure(subject, metric(share), value, low, high, len(values))


def _steps(
    series: str, measure: str, each: dict[str, NDArray[np.float64]]
) -> Iterator[dict[str, Any]]:
    """Each step's median less the one before."""
    before: NDArray[np.float64] = np.zeros(1)
    for name, values in each.items():
        value, low, high = _gain(before, values)
        yield _figure(f"{series}: {name}", measure, value, low, high, len(values))
        before = values


def _gain(before: NDArray[np.float64], after: NDArray[np.float64]) -> statistics.Interval:
    """Difference of the medians of calls timed in turn, and its bootstrap interval."""
    before = np.resize(before, len(after))

    def difference(chosen: NDArray[np.intp]) -> float:
        return float(np.median(after[chosen]) - np.median(before[chosen]))

    return statistics.group_bootstrap(difference, np.arange(len(after)))


def _figure(
    subject: str, measure: str, value: float, low: float, high: float, n: int
) -> dict[str, Any]:
    bounds = {"low": low, "high": high}
    known = {name: None if math.isnan(bound) else bound for name, bound in bounds.items()}
    return {"subject": subject, "metric": measure, "value": value, "n": n, **known}


def frame(named: Sequence[tuple[str, Sample]], fingerprint: str) -> pd.DataFrame:
    """Samples, each with its series ("" for the plain call), as rows of the table `latencies`."""
    made = [
        {
            **{"series": series, "variant": one.variant, "sample": one.number},
            **{"parts": one.parts, "milliseconds": one.ms, "cpu_milliseconds": one.cpu_ms},
            "fingerprint": fingerprint,
        }
        for series, one in named
    ]
    return pd.DataFrame(made)
