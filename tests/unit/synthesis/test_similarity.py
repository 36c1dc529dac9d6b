"""Measures of likeness: what they must say of copies, blurs and noise."""

import numpy as np
import pytest

from backend.synthesis import similarity


@pytest.fixture
def images() -> np.ndarray:
    random = np.random.default_rng(0)
    return random.integers(0, 255, (6, 32, 32, 3), np.uint8)


def test_ssim_of_a_copy_is_one_and_of_noise_near_zero(images):
    assert similarity.ssim(images[0], images[0]) == pytest.approx(1)
    assert abs(similarity.ssim(images[0], images[1])) < 0.1


def test_the_ssim_map_averages_to_the_inner_ssim(images):
    local = similarity.ssim_map(images[0], images[1])
    assert local.shape == (32, 32)
    assert local[3:-3, 3:-3].mean() == pytest.approx(similarity.ssim(images[0], images[1]))


def test_a_grey_field_is_neither_sharp_nor_diverse(images):
    grey = np.full_like(images, 128)
    assert similarity.sharpness(grey) == 0
    assert similarity.diversity(grey) == 0
    assert similarity.sharpness(images) > 0
    assert similarity.diversity(images) > 0


def test_diversity_is_the_mean_distance_between_two_images(images):
    rows = images.reshape(len(images), -1).astype(float)
    squares = [
        ((rows[a] - rows[b]) ** 2).mean()
        for a in range(len(rows))
        for b in range(len(rows))
        if a != b
    ]
    assert similarity.diversity(images) == pytest.approx(np.sqrt(np.mean(squares)), rel=1e-5)
