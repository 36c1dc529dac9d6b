"""Measures of pictures and their intervals: what they must say of copies, blurs and noise."""

import numpy as np
import pytest
from scipy import ndimage
from skimage.metrics import structural_similarity

from backend.images import measures
from backend.students.similarity import figures


@pytest.fixture
def noise() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (6, 32, 32, 3), np.uint8)


@pytest.fixture
def marked() -> tuple[np.ndarray, np.ndarray]:
    """Bright discs on slightly noisy ramps, 64 px, and their masks."""
    random = np.random.default_rng(1)
    y, x = np.mgrid[:64, :64]
    shown, masks = [], []
    for _ in range(4):
        row, column = random.integers(12, 24, 2)
        mask = np.hypot(y - row, x - column) < 7
        grey = 60 + x[..., None] + random.normal(0, 2, (64, 64, 3)) + 60 * mask[..., None]
        shown.append(grey.clip(0, 255).astype(np.uint8))
        masks.append(mask)
    return np.stack(shown), np.stack(masks)


def test_ssim_of_a_copy_is_one_and_of_noise_near_zero(noise):
    assert measures.ssim(noise[0], noise[0]) == pytest.approx(1)
    assert abs(measures.ssim(noise[0], noise[1])) < 0.1


def test_the_ssim_map_averages_to_the_inner_ssim(noise):
    local = measures.ssim_map(noise[0], noise[1])
    assert local.shape == (32, 32)
    assert local[3:-3, 3:-3].mean() == pytest.approx(measures.ssim(noise[0], noise[1]))


def test_ms_ssim_on_one_scale_is_scikit_images_gaussian_ssim():
    random = np.random.default_rng(2)
    first = random.integers(0, 255, (20, 20, 3), np.uint8)  # smaller than two windows of 11 px
    second = (first * 0.7 + random.integers(0, 60, first.shape)).astype(np.uint8)
    grey = [v.astype(float).mean(-1) for v in (first, second)]
    wanted = structural_similarity(
        *grey, data_range=255, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
    )
    assert measures.ms_ssim(first, second) == pytest.approx(wanted, abs=1e-6)


def test_ms_ssim_forgives_fine_noise_that_ssim_does_not(marked):
    clean = ndimage.gaussian_filter(marked[0][0], (2, 2, 0))
    grainy = (clean + np.random.default_rng(3).normal(0, 12, clean.shape)).clip(0, 255)
    grainy = grainy.astype(np.uint8)
    assert measures.ms_ssim(clean, clean) == pytest.approx(1)
    assert measures.ssim(clean, grainy) + 0.2 < measures.ms_ssim(clean, grainy) < 1


def test_a_grey_field_is_neither_sharp_nor_diverse(noise):
    grey = np.full_like(noise, 128)
    assert not measures.sharpness(grey).any()
    assert measures.high_frequencies(grey).max() == pytest.approx(0, abs=1e-9)
    assert measures.diversity(grey) == 0
    assert measures.sharpness(noise).min() > 0


def test_high_frequencies_see_stripes_of_three_pixels_and_not_of_eight():
    x = np.arange(64)
    fine, coarse = (
        np.repeat(np.repeat((127 + 100 * np.sin(2 * np.pi * x / p))[None, :, None], 64, 0), 3, 2)
        for p in (3, 8)
    )
    powers = measures.high_frequencies(np.stack([fine, coarse]).astype(np.uint8))
    assert powers[0] == pytest.approx(100**2 / 2, rel=0.1)
    assert powers[1] < 0.01 * powers[0]


def test_diversity_is_the_mean_distance_between_two_images(noise):
    rows = noise.reshape(len(noise), -1).astype(float)
    squares = [((a - b) ** 2).mean() for k, a in enumerate(rows) for b in rows[k + 1 :]]
    assert measures.diversity(noise) == pytest.approx(np.sqrt(np.mean(squares)), rel=1e-5)


def test_overlap_leaves_out_images_without_a_defect(marked):
    masks = marked[1].copy()
    masks[0] = False
    assert list(measures.overlap(masks, marked[1])) == [1, 1, 1]
    assert list(measures.overlap(marked[1][:1], masks[:1])) == [0]


def test_a_true_mask_stands_out_and_one_put_anywhere_does_not(marked):
    shown, masks = marked
    assert measures.standing_out(shown, masks).min() > 0.98
    elsewhere = np.roll(masks, 20, axis=(1, 2))
    assert measures.standing_out(shown, elsewhere) == pytest.approx(0.5, abs=0.15)
    assert len(measures.standing_out(shown, np.zeros_like(masks))) == 0


def test_a_mean_lies_in_its_interval_and_a_share_has_one_even_when_all_hit():
    row = figures.mean("samples", "x", np.arange(20.0), 0)
    assert row["low"] < row["value"] == 9.5 < row["high"]
    assert row["n"] == 20
    all_hit = figures.share("samples", "x", np.ones(20, bool))
    assert (all_hit["value"], all_hit["high"]) == (1, 1)
    assert 0.8 < all_hit["low"] < 0.9


def test_a_set_is_as_diverse_and_as_sharp_as_itself(noise):
    row = figures.diversity("samples", noise, noise, 0)
    assert row["value"] == pytest.approx(1)
    assert row["low"] < 1 < row["high"]
    half = figures.ratio("samples", "x", np.full(5, 2.0), np.full(9, 4.0), 0)
    assert (half["value"], half["low"], half["high"], half["n"]) == (0.5, 0.5, 0.5, 5)
