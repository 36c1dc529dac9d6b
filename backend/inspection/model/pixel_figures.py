"""How well anomaly maps show where a defect is: pixel AUROC, AP and AUPRO. numpy only.

Pixels are counted in bins of their map value, so that memory does not grow with the parts. What
that costs is bounded with every figure (`error`): a few thousandths, more where few are marked.

AUPRO is as in MVTec AD (Bergmann et al., IJCV 2021) and anomalib: the share of each connected
region (8 neighbours) that is found, averaged over the regions of all parts, against the share of
normal pixels raised; its area up to a limit of the latter, divided by that limit.

Shapes: N parts, S x S pixels, K bins, R weightings of the parts.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from backend.numeric import statistics

Floats = NDArray[np.float64]
LIMITS = {"aupro_30": 0.3, "aupro_05": 0.05}  # shares of normal pixels raised
WORDS = {
    "pixel_auroc": "pixel AUROC",
    "aupro_30": "AUPRO, FPR ≤ 0.3",
    "aupro_05": "AUPRO, FPR ≤ 0.05",
    "pixel_ap": "pixel AP",
}
FIGURES = tuple(WORDS)
SAMPLED = 2**18  # pixels of a side that the bins are chosen by


def bin_edges(good: NDArray[np.float32], bad: NDArray[np.float32]) -> NDArray[np.float32]:
    """Bounds of the bins [K - 1], from map values of GOOD and of BAD parts.

    Close where few normal pixels are left: there AUPRO and precision are decided.
    """
    at = np.concatenate([np.linspace(low, 1, 512) for low in (0, 0.9, 0.99)])
    found = [
        np.quantile(values.ravel()[:: 1 + values.size // SAMPLED], at)
        for values in (good, bad)
        if values.size
    ]
    return np.unique(np.concatenate(found)).astype(np.float32)


@dataclass
class Counts:
    """Pixels by bin, for each of R weightings of the parts; the last bin is the highest.

    found: each region's pixels as shares of it, so that a region counts once.
    """

    edges: NDArray[np.float32]
    normal: Floats  # [R, K]
    defect: Floats
    found: Floats
    regions: Floats  # [R]

    @classmethod
    def of(cls, edges: NDArray[np.float32], weightings: int) -> "Counts":
        normal, defect, found = np.zeros((3, weightings, len(edges) + 1))
        return cls(edges, normal, defect, found, np.zeros(weightings))

    def add(
        self, maps: NDArray[np.float32], regions: "Regions", weights: NDArray[np.int64]
    ) -> None:
        """Count parts: maps [N, S, S], and how often each part counts [R, N]."""
        n, bins = len(maps), len(self.edges) + 1
        at = np.searchsorted(self.edges, maps.reshape(n, -1)) + np.arange(n)[:, None] * bins
        for total, share in (
            (self.normal, regions.share == 0),
            (self.defect, regions.share > 0),
            (self.found, regions.share),
        ):
            each = np.bincount(at.ravel(), share.ravel(), n * bins).reshape(n, bins)
            total += weights @ each
        self.regions += weights @ regions.count


@dataclass(frozen=True)
class Regions:
    """share: [N, S, S] of a pixel in its connected region, 0 where it is normal; count: [N]."""

    share: Floats
    count: NDArray[np.int64]


def regions_of(masks: NDArray[np.bool_]) -> Regions:
    """The connected regions of masks [N, S, S]."""
    share, count = np.zeros(masks.shape), np.zeros(len(masks), np.int64)
    for i in np.flatnonzero(masks.any((1, 2))):
        labels, count[i] = ndimage.label(masks[i], structure=np.ones((3, 3)))
        share[i] = (1 / np.bincount(labels.ravel()))[labels] * masks[i]
    return Regions(share, count)


def figures(counts: Counts) -> dict[str, Floats]:
    """Each of `FIGURES` by weighting [R]; NaN where a weighting has no defect or no normal pixel.

    Also `error` [R]: how far the furthest of them can lie from the same figure without bins.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        raised, hit = _rising(counts.normal), _rising(counts.defect)
        overlap = _rising(counts.found)
        regions = counts.regions[:, None]
        fpr, tpr, pro = raised / raised[:, -1:], hit / hit[:, -1:], overlap / regions
        areas = {"pixel_auroc": _area(fpr, tpr, 1.0)}
        areas |= {name: _area(fpr, pro, limit) for name, limit in LIMITS.items()}
        areas["pixel_ap"] = _precision(raised, hit)
    known = (raised[:, -1] > 0) & (hit[:, -1] > 0)
    found = {name: np.where(known, areas[name][0], np.nan) for name in FIGURES}
    return found | {"error": np.max([area[1] for area in areas.values()], axis=0)}


def _rising(counts: Floats) -> Floats:
    """[R, K] -> [R, K + 1]: how many lie in the highest 0, 1, … bins."""
    return np.pad(np.cumsum(counts[:, ::-1], axis=1), ((0, 0), (1, 0)))


def _area(x: Floats, y: Floats, limit: float) -> tuple[Floats, Floats]:
    """Area below y over x up to `limit`, of it, by trapezia [R]; and half of all their boxes."""
    low, high = np.minimum(x[:, :-1], limit), np.minimum(x[:, 1:], limit)
    width, whole = high - low, x[:, 1:] - x[:, :-1]
    rise = np.diff(y) * np.divide(width, whole, out=np.ones_like(width), where=whole > 0)
    area = (width * (y[:, :-1] + rise / 2)).sum(1) / limit
    return area, (width * rise).sum(1) / 2 / limit


def _precision(raised: Floats, hit: Floats) -> tuple[Floats, Floats]:
    """Average precision [R], a bin a step; and how far the pixels' order in the bins can move it.

    At best a bin's defect pixels all come first, at worst last.
    """
    share = np.diff(hit) / hit[:, -1:]
    step = np.where(share > 0, hit[:, 1:] / (hit[:, 1:] + raised[:, 1:]), 0)
    best = np.where(share > 0, hit[:, 1:] / (hit[:, 1:] + raised[:, :-1]), 0)
    first = hit[:, :-1] + 1
    worst = np.where(share > 0, first / (first + raised[:, 1:]), 0)
    return (share * step).sum(1), (share * (best - worst)).sum(1)


def summary(found: Mapping[str, Floats]) -> dict[str, float]:
    """Value and interval of each figure: the first weighting, and percentiles over the others."""
    row = {"error": float(found["error"][0])}
    for name in FIGURES:
        interval = statistics.bootstrap_interval(found[name])
        row |= dict(zip((name, f"{name}_low", f"{name}_high"), interval, strict=True))
    return row
