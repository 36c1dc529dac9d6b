"""Pixel figures beside scikit-learn's, anomalib's and a plain reading of AUPRO's definition."""

import numpy as np
import pytest
from scipy import ndimage
from sklearn.metrics import average_precision_score, roc_auc_score

from backend.inspection.model import pixel_figures
from backend.inspection.model.pixel_figures import FIGURES, LIMITS, Counts

# of `golden()`, by anomalib 2.7.0: AUPRO(fpr_limit=…), its connected regions by OpenCV
ANOMALIB = {"aupro_30": 0.5694320797920227, "aupro_05": 0.23797664046287537}


def golden():
    """Twelve maps [32 px] of noise, raised where eight of them are marked in one to three boxes."""
    rng = np.random.default_rng(7)
    masks = np.zeros((12, 32, 32), bool)
    for i in range(4, 12):
        for _ in range(1 + i % 3):
            y, x = rng.integers(0, 24, 2)
            h, w = rng.integers(2, 9, 2)
            masks[i, y : y + h, x : x + w] = True
    return rng.normal(size=masks.shape).astype(np.float32) + np.float32(1.3) * masks, masks


def counted(maps, masks, weights=None, edges=None):
    weights = np.ones((1, len(maps)), np.int64) if weights is None else weights
    bad = masks.any((1, 2))
    edges = pixel_figures.bin_edges(maps[~bad], maps[bad]) if edges is None else edges
    counts = Counts.of(edges, len(weights))
    for i in range(0, len(maps), 5):  # piece by piece, as a job does
        regions = pixel_figures.regions_of(masks[i : i + 5])
        counts.add(maps[i : i + 5], regions, weights[:, i : i + 5])
    return counts


def plain_aupro(maps, masks, limit):
    """Every threshold in turn: mean share found of the regions, against the share raised."""
    labels = [ndimage.label(m, structure=np.ones((3, 3))) for m in masks]
    points = [(0.0, 0.0)]
    for threshold in np.unique(maps)[::-1]:
        seen = maps >= threshold
        shares = [seen[i][own == k].mean() for i, (own, n) in enumerate(labels)
                  for k in range(1, n + 1)]  # fmt: skip
        points.append((seen[~masks].mean(), np.mean(shares)))
    x, y = np.array(points).T
    kept = x <= limit
    x, y = np.append(x[kept], limit), np.append(y[kept], np.interp(limit, x, y))
    return np.trapezoid(y, x) / limit


def test_the_golden_case_is_anomalibs_and_scikit_learns():
    maps, masks = golden()
    found = pixel_figures.figures(counted(maps, masks))
    wanted = ANOMALIB | {
        "pixel_auroc": roc_auc_score(masks.ravel(), maps.ravel()),
        "pixel_ap": average_precision_score(masks.ravel(), maps.ravel()),
    }
    assert found["error"][0] < 0.003
    for name in FIGURES:
        assert found[name][0] == pytest.approx(wanted[name], abs=found["error"][0])
        assert found[name][0] == pytest.approx(wanted[name], abs=1e-3), "far less in truth"


def test_maps_of_few_values_have_no_error_of_order_but_in_ties():
    """A bin a value: as scikit-learn with ties, and as the plain definition."""
    maps, masks = golden()
    coarse = np.round(maps * 4).astype(np.float32)
    values = np.unique(coarse)
    found = pixel_figures.figures(counted(coarse, masks, edges=values[:-1] + np.float32(0.1)))
    assert found["pixel_auroc"][0] == pytest.approx(roc_auc_score(masks.ravel(), coarse.ravel()))
    average = average_precision_score(masks.ravel(), coarse.ravel())
    assert found["pixel_ap"][0] == pytest.approx(average)
    for name, limit in LIMITS.items():
        assert found[name][0] == pytest.approx(plain_aupro(coarse, masks, limit))


def test_a_part_counted_twice_is_two_parts():
    maps, masks = golden()
    weights = np.ones((2, 12), np.int64)
    weights[1, 5] = 2
    counts = counted(maps, masks, weights)
    twice = [*range(12), 5]
    alone = counted(maps[twice], masks[twice], edges=counts.edges)
    for name in FIGURES:
        found = pixel_figures.figures(counts)[name]
        assert found[1] == pytest.approx(pixel_figures.figures(alone)[name][0])
    assert found[0] != found[1]


def test_a_region_counts_once_however_large():
    masks = np.zeros((1, 32, 32), bool)
    masks[0, 2:4, 2:4] = masks[0, 10:30, 10:30] = True
    maps = np.zeros((1, 32, 32), np.float32)
    maps[0, 2:4, 2:4] = 1  # the small one is found, the large one is not
    found = pixel_figures.figures(counted(maps, masks, edges=np.float32([0.5])))
    # from half of the regions at no false alarm, straight to all of both at all pixels
    assert found["aupro_30"][0] == pytest.approx(0.5 + 0.5 * 0.15)


def test_regions_touch_at_corners_too():
    masks = np.zeros((2, 4, 4), bool)
    masks[0, 0, 0] = masks[0, 1, 1] = masks[0, 3, 3] = True
    regions = pixel_figures.regions_of(masks)
    assert regions.count.tolist() == [2, 0]
    assert regions.share[0].diagonal().tolist() == [0.5, 0.5, 0, 1]


def test_without_a_marked_pixel_there_is_no_figure():
    maps, masks = golden()
    found = pixel_figures.figures(counted(maps, masks & False, edges=np.float32([0, 1])))
    assert all(np.isnan(found[name]).all() for name in FIGURES)
    perfect = pixel_figures.figures(counted(masks.astype(np.float32), masks, edges=[0.5]))
    assert [perfect[name][0] for name in FIGURES] == pytest.approx([1, 1, 1, 1])
