"""Values with 95 % intervals, as rows of the table `figures`."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backend import published
from backend.images.measures import Images
from backend.numeric import statistics

RESAMPLES = 2000
Row = dict[str, Any]


def row(subject: str, metric: str, value: float, low: float, high: float, n: int) -> Row:
    """One row of `figures`."""
    return {
        "subject": subject,
        "metric": metric,
        "value": float(value),
        "low": float(low),
        "high": float(high),
        "n": int(n),
    }


def mean(subject: str, metric: str, values: NDArray[np.floating], seed: int) -> Row:
    """The mean over images or pairs, with a percentile bootstrap interval."""
    means = _bootstrap_means(values, np.random.default_rng(seed))
    return row(subject, metric, values.mean(), *statistics.percentiles(means), len(values))


def share(subject: str, metric: str, hits: NDArray[np.bool_]) -> Row:
    """The share of images for which something holds (Clopper and Pearson)."""
    low, high = statistics.clopper_pearson(int(hits.sum()), len(hits))
    return row(subject, metric, hits.mean(), low, high, len(hits))


def ratio(
    subject: str,
    metric: str,
    made: NDArray[np.floating],
    real: NDArray[np.floating],
    seed: int,
) -> Row:
    """Mean of the made images over mean of the real ones; both sets are drawn anew."""
    random = np.random.default_rng(seed)
    above, below = _bootstrap_means(made, random), _bootstrap_means(real, random)
    ratios = above / np.maximum(below, 1e-9)
    value = made.mean() / max(float(real.mean()), 1e-9)
    return row(subject, metric, value, *statistics.percentiles(ratios), len(made))


def diversity(subject: str, made: Images, real: Images, seed: int) -> Row:
    """Spread of the made images over that of the real ones; see `measures.diversity`."""
    random = np.random.default_rng(seed)
    spread, drawn = zip(*(_spreads(images, random) for images in (made, real)), strict=True)
    ratios = drawn[0] / np.maximum(drawn[1], 1e-9)
    value = spread[0] / max(spread[1], 1e-9)
    return row(subject, "diversity", value, *statistics.percentiles(ratios), len(made))


def _bootstrap_means(
    values: NDArray[np.floating], random: np.random.Generator
) -> NDArray[np.floating]:
    return values[random.integers(len(values), size=(RESAMPLES, len(values)))].mean(1)


def _spreads(images: Images, random: np.random.Generator) -> tuple[float, NDArray[np.floating]]:
    """`measures.diversity` of the set, and of sets drawn from it with replacement."""
    rows = images.astype(np.float32).reshape(len(images), -1)
    rows -= rows.mean(0)
    products = (rows @ rows.T).astype(np.float64) / rows.shape[1]
    n = len(images)
    unbiased = n / max(n - 1, 1)

    def spread(weights: NDArray[np.floating], correction: float) -> NDArray[np.floating]:
        variance = weights @ np.diag(products) - ((weights @ products) * weights).sum(-1)
        return np.asarray(np.sqrt(2 * correction * np.maximum(variance, 0)))

    drawn = random.multinomial(n, np.full(n, 1 / n), RESAMPLES) / n
    return float(spread(np.full((1, n), 1 / n), unbiased)[0]), spread(drawn, unbiased**2)


def published_protocol(pairs: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Source A's way: the first nine random pairs, and the row of their mean, 95 % by its error."""
    rows = pairs[pairs["pairing"] == "random"].head(published.SSIM_PAIRS)
    ssim = rows["ssim"].to_numpy(float)
    error = 1.96 * float(ssim.std(ddof=1) / np.sqrt(len(ssim)))
    mean = float(ssim.mean())
    line = {"subject": "random", "value": mean, "low": mean - error, "high": mean + error}
    return rows, pd.DataFrame([line])
