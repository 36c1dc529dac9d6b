"""The kernel inception distance: zero for alike, growing with the difference."""

import numpy as np
import pytest

from backend.synthesis import realism


def test_the_distance_is_the_unbiased_estimate_written_out():
    random = np.random.default_rng(0)
    x, y = random.normal(0.3, 1, (7, 5)), random.normal(0, 1, (9, 5))
    a, b = ((v - y.mean(0)) / (y.std(0) + 1e-9) for v in (x, y))

    def k(p, q):
        return (p @ q / 5 + 1) ** 3

    among = [
        np.mean([k(s[i], s[j]) for i in range(len(s)) for j in range(len(s)) if i != j])
        for s in (a, b)
    ]
    between = np.mean([k(p, q) for p in a for q in b])
    assert realism.kid(x, y) == pytest.approx(1000 * (sum(among) - 2 * between))


def test_sets_drawn_alike_are_near_zero_and_others_are_not():
    random = np.random.default_rng(1)
    sets = [random.integers(0, 255, (60, 64, 64, 3), np.uint8) for _ in range(2)]
    grey = np.full((60, 64, 64, 3), 120, np.uint8) + random.integers(0, 4, (60, 1, 1, 1), np.uint8)
    real, again, flat = (realism.features(images) for images in (*sets, grey))
    assert real.shape == (60, 2 * 61 + 6)
    assert abs(realism.kid(again, real)) < 50
    assert realism.kid(flat, real) > 1000


def test_one_image_is_no_set():
    with pytest.raises(ValueError, match="at least two"):
        realism.kid(np.zeros((1, 3)), np.zeros((5, 3)))
