"""What the trials say: means over seeds, paired differences, and how sure they are.

One bootstrap serves all figures. A resample draws groups of test images with replacement, and of
the S seeds S − 1 with replacement (drawing one fewer makes the spread between few seeds come out
unbiased: Rao and Wu, JASA 83, 1988). Arms are compared within a resample, so the same specimens,
the same real images and the same starting points stand on both sides of a difference.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import stats

from backend.detection.evaluation import Judged, average_precision
from backend.detection.study.arms import Trial
from backend.detection.study.trials import Outcome
from backend.detection.study.verdicts import ALARMS, AP50, GAIN
from backend.numeric.statistics import holm, percentiles

RESAMPLES = 1000
METRICS = (AP50, ALARMS, "recall")
Cell = tuple[str, int]  # arm, amount of real images
Row = dict[str, Any]


@dataclass(frozen=True)
class Measured:
    """Each metric of a trial: on the test images as they are, and in each resample [R]."""

    trial: Trial
    values: dict[str, float]
    resampled: dict[str, np.ndarray]


def seed_draws(seeds: int, seed: int, resamples: int = RESAMPLES) -> np.ndarray:
    """How much each seed counts, float [R, S], each row summing to 1."""
    drawn = max(1, seeds - 1)
    random = np.random.default_rng([seed, 2])
    return random.multinomial(drawn, np.full(seeds, 1 / seeds), resamples) / drawn


def measure(outcome: Outcome, draws: np.ndarray) -> Measured:
    """A trial's metrics. draws: of `group_draws`, the same for all trials.

    Recall and alarms are at the trial's own confidence; alarms are NaN without intact images.
    """
    judged, confidence = outcome.judged, float(outcome.figures["confidence"])
    ones = np.ones((1, len(judged.truths)))
    first = _metrics(judged, confidence, ones)
    return Measured(
        outcome.trial,
        {name: float(value[0]) for name, value in first.items()},
        _metrics(judged, confidence, draws),
    )


def _metrics(judged: Judged, confidence: float, weights: np.ndarray) -> dict[str, np.ndarray]:
    """Each metric [R] for image weights [R, N]."""
    intact = judged.truths == 0
    alarmed = judged.alarmed(confidence)
    right = judged.correct & judged.drawn(confidence)
    hits = np.bincount(judged.image[right], minlength=len(judged.truths))
    with np.errstate(invalid="ignore", divide="ignore"):
        alarms = weights @ (alarmed & intact) / (weights @ intact.astype(float))
        recall = weights @ hits / (weights @ judged.truths)
    values = (_ap50(judged, weights), alarms, recall)
    return dict(zip(METRICS, values, strict=True))


def _ap50(judged: Judged, weights: np.ndarray) -> np.ndarray:
    """AP50 [R]. False alarms fainter than the last hit cannot change it and are left out."""
    hits = np.flatnonzero(judged.correct)
    last = int(hits[-1]) + 1 if len(hits) else 0
    correct, image = judged.correct[:last], judged.image[:last]
    return np.array(
        [
            average_precision(correct, weight[image], float(weight @ judged.truths))
            for weight in weights
        ]
    )


def beyond(measured: Sequence[Measured], control: Judged, draws: np.ndarray) -> list[Measured]:
    """The trials with the metric `GAIN` too: AP50 less that of the constant box, in pairs.

    control: the constant box on the same test images. draws: those of `measure`.
    """
    value, drawn = control.ap50(), _ap50(control, draws)
    return [
        replace(
            one,
            values=one.values | {GAIN: one.values[AP50] - value},
            resampled=one.resampled | {GAIN: one.resampled[AP50] - drawn},
        )
        for one in measured
    ]


def learning(measured: Sequence[Measured], seed_weights: np.ndarray) -> list[Row]:
    """Rows of the table `learning`: an arm's mean over seeds at each amount, with interval."""
    rows: list[Row] = []
    for (arm, amount), found in cells(measured).items():
        for metric in found[0].values:
            mean, drawn = _averaged(found, metric, seed_weights)
            low, high = _bounds(drawn)
            row: Row = {"arm": arm, "real": amount, "metric": metric, "value": mean}
            rows.append(row | {"low": low, "high": high, "seeds": len(found)})
    return [row for row in rows if not math.isnan(row["value"])]


def cells(measured: Sequence[Measured]) -> dict[Cell, list[Measured]]:
    """(Arm, amount) → its trials in the order of their seeds."""
    found: dict[Cell, list[Measured]] = {}
    for one in sorted(measured, key=lambda m: m.trial.seed):
        found.setdefault((one.trial.arm.name, one.trial.amount), []).append(one)
    return found


def contrast(
    measured: Sequence[Measured], seed_weights: np.ndarray, n_images: int, n_groups: int
) -> list[Row]:
    """Rows of the table `contrasts`: each arm against the one that lacks what it adds.

    p: two-sided, the larger of the share of resamples beyond 0 and of `few_seeds`; p_holm: adjusted
    within each metric.
    """
    found = cells(measured)
    rows: list[Row] = []
    for (arm, amount), mine in found.items():
        baseline = found.get((mine[0].trial.arm.baseline, amount))
        for metric in METRICS if baseline else ():
            row: Row = {"arm": arm, "baseline": mine[0].trial.arm.baseline, "real": amount}
            row |= {"metric": metric, "n_images": n_images, "n_groups": n_groups}
            rows.append(row | _difference(mine, baseline or [], metric, seed_weights, n_groups))
    rows = [row for row in rows if not math.isnan(row["difference"])]
    for metric in METRICS:
        places = {str(k): row["p"] for k, row in enumerate(rows) if row["metric"] == metric}
        for place, adjusted in holm(places).items():
            rows[int(place)]["p_holm"] = adjusted
    return rows


def _difference(
    mine: list[Measured],
    baseline: list[Measured],
    metric: str,
    seed_weights: np.ndarray,
    n_groups: int,
) -> Row:
    value, drawn = _averaged(mine, metric, seed_weights)
    other, other_drawn = _averaged(baseline, metric, seed_weights)
    gaps = drawn - other_drawn
    gaps = gaps[np.isfinite(gaps)]
    low, high = _bounds(gaps)
    tail = min((gaps <= 0).sum(), (gaps >= 0).sum()) if len(gaps) else 0
    pairs = zip(mine, baseline, strict=True)
    by_seed = np.array([one.values[metric] - less.values[metric] for one, less in pairs])
    beyond_zero = min(1.0, 2 * (tail + 1) / (len(gaps) + 1))
    return {
        "value": value,
        "baseline_value": other,
        "difference": value - other,
        "low": low,
        "high": high,
        "p": max(beyond_zero, few_seeds(by_seed, gaps, n_groups)),
        "seeds": len(mine),
    }


def few_seeds(by_seed: np.ndarray, resampled: np.ndarray, n_groups: int) -> float:
    """Two-sided p of a mean difference that knows how few the seeds are; 1 with a single one.

    A resample of three seeds never leaves the range of these three, so its tails are too short.
    Here the variance of `resampled` [R] is split into that between seeds, from `by_seed` [S], and
    the rest, between specimens; t with Satterthwaite's degrees of freedom (Biometrics 2, 1946).
    """
    seeds = len(by_seed)
    if seeds < 2 or len(resampled) < 2:
        return 1.0
    between = float(by_seed.var(ddof=1)) / seeds
    rest = max(0.0, float(resampled.var(ddof=1)) - between)
    spread = between + rest
    if spread == 0:
        return float(by_seed.mean() == 0)
    freedom = spread**2 / (between**2 / (seeds - 1) + rest**2 / max(1, n_groups - 1))
    return float(2 * stats.t.sf(abs(by_seed.mean()) / math.sqrt(spread), freedom))


def _averaged(
    found: list[Measured], metric: str, seed_weights: np.ndarray
) -> tuple[float, np.ndarray]:
    """The mean over seeds, and that of each resample [R] over the seeds it drew."""
    table = np.column_stack([one.resampled[metric] for one in found])
    return float(np.mean([one.values[metric] for one in found])), (table * seed_weights).sum(1)


def _bounds(drawn: np.ndarray) -> tuple[float | None, float | None]:
    """2.5 and 97.5 per cent; None where resampling moves nothing."""
    low, high = percentiles(drawn)
    known = drawn[np.isfinite(drawn)]
    return (low, high) if len(known) and known.min() < known.max() else (None, None)
