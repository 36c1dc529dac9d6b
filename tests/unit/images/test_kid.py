"""Distances of sets and pairs on fixed features: zero for alike, growing with the difference."""

import numpy as np
import pytest

from backend.images import kid


def test_the_distance_is_the_unbiased_estimate_written_out():
    random = np.random.default_rng(0)
    x, y = random.normal(0.3, 1, (7, 5)), random.normal(0, 1, (9, 5))
    a, b = (((v - y.mean(0)) / (y.std(0) + 1e-9)).clip(-3, 3) for v in (x, y))

    def k(p, q):
        square = ((p - q) ** 2).mean()
        return np.mean([(1 + square / (2 * c)) ** -c for c in (0.2, 0.5, 1, 2, 5)])

    among = [
        np.mean([k(s[i], s[j]) for i in range(len(s)) for j in range(len(s)) if i != j])
        for s in (a, b)
    ]
    between = np.mean([k(p, q) for p in a for q in b])
    assert kid.kid(x, y) == pytest.approx(1000 * (sum(among) - 2 * between))


def test_the_interval_is_the_jackknife_over_both_sets():
    random = np.random.default_rng(5)
    y = random.normal(0, 1, (9, 4))
    x = y[:6] + random.normal(0.5, 1, (6, 4))
    found = kid.kid_interval(x, y)
    x, y = ((v - y.mean(0)) / (y.std(0) + 1e-9) for v in (x, y))
    without = [kid._discrepancy(*_sums(np.delete(x, i, 0), y)) for i in range(6)]
    others = [kid._discrepancy(*_sums(x, np.delete(y, i, 0))) for i in range(9)]
    error = np.sqrt(5 * np.var(without) + 8 * np.var(others))
    assert found.high - found.low == pytest.approx(2 * 1.96 * error, rel=1e-6)


def _sums(x, y):
    x, y = x.clip(-3, 3), y.clip(-3, 3)
    own = [kid._kernel(v, v).sum() - len(v) for v in (x, y)]
    return (*own, kid._kernel(x, y).sum(), len(x), len(y))


def test_sets_drawn_alike_are_zero_within_the_interval_and_others_are_not():
    random = np.random.default_rng(1)
    sets = [random.integers(0, 255, (60, 64, 64, 3), np.uint8) for _ in range(2)]
    grey = np.full((60, 64, 64, 3), 120, np.uint8) + random.integers(0, 4, (60, 1, 1, 1), np.uint8)
    real, again, flat = (kid.features(images) for images in (*sets, grey))
    assert real.shape == (60, 2 * 61 + 6)
    alike, far = kid.kid_interval(again, real), kid.kid_interval(flat, real)
    assert alike.low < 0 < alike.high
    assert abs(alike.value) < 10
    assert far.low > 300


def test_fresh_renders_are_alike_and_their_mean_is_not():
    from backend.renderer import render

    sets = [np.stack([render(first + k, 128).image for k in range(40)]) for first in (0, 9000)]
    real, again = (kid.features(images) for images in sets)
    mean = np.repeat(sets[0].mean(0, keepdims=True).astype(np.uint8), 40, 0)
    alike, grey = kid.kid_interval(again, real), kid.kid(kid.features(mean), real)
    assert alike.low < 0 < alike.high
    assert grey > 20 * abs(alike.value)


def test_few_images_are_no_set():
    with pytest.raises(ValueError, match="at least three"):
        kid.kid(np.zeros((2, 3)), np.zeros((5, 3)))


def test_precision_and_recall_tell_odd_images_from_missing_ones():
    random = np.random.default_rng(2)
    real = random.normal(0, 1, (80, 4))
    real[:40] += 6  # two kinds
    one_kind = random.normal(6, 1, (80, 4))
    odd = np.concatenate([real[:40] + 0.01, random.normal(30, 1, (40, 4))])
    narrow, mixed = kid.spread(one_kind, real), kid.spread(odd, real)
    assert narrow.precision.mean() > 0.8
    assert narrow.recall.mean() < 0.6
    assert narrow.coverage[40:].mean() < 0.1
    assert narrow.coverage[:40].mean() > 0.8
    assert mixed.precision.mean() == pytest.approx(0.5, abs=0.1)
    assert kid.spread(real + 1e-6, real).density.mean() == pytest.approx(1, abs=0.25)


def test_the_wavelet_distance_is_zero_for_a_copy_and_about_one_for_strangers():
    random = np.random.default_rng(3)
    fields = random.uniform(0, 1, (40, 1, 1, 1)) * random.integers(0, 255, (40, 64, 64, 3))
    maps = kid.maps(fields.astype(np.uint8))
    assert maps.shape == (40, 61, 4, 4)
    assert kid.wavelet_distance(maps, maps, maps).max() == 0
    strangers = kid.wavelet_distance(maps, np.roll(maps, 1, 0), maps)
    assert strangers.mean() == pytest.approx(1, abs=0.3)
