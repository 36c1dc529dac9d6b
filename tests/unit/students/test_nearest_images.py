"""Copies are found however they are turned, and what is new is not called a copy."""

import numpy as np
import pytest

from backend.students.similarity import neighbours


@pytest.fixture
def training() -> np.ndarray:
    """Coarse random patterns, so that 32 px show all of them. uint8 [12, 64, 64, 3]."""
    small = np.random.default_rng(0).integers(0, 255, (12, 16, 16, 3), np.uint8)
    return small.repeat(4, 1).repeat(4, 2)


@pytest.mark.parametrize("turn", range(8))
def test_a_turned_copy_is_found_with_its_turn(training, turn):
    sample = neighbours.turned(training[5], turn)
    found = neighbours.nearest(sample[None], training)
    assert found.distance[0] == pytest.approx(0, abs=1e-3)
    assert found.place[0] == 5
    assert np.array_equal(neighbours.turned(training[5], int(found.turn[0])), sample)


def test_the_distance_is_the_root_mean_square_in_grey_levels(training):
    brighter = (training[:1].astype(int) // 2 + 20).astype(np.uint8)
    darker = (brighter - 10).astype(np.uint8)
    assert neighbours.nearest(darker, brighter).distance[0] == pytest.approx(10)


def test_limits_come_from_pairs_of_different_images(training):
    nearest, pairs = neighbours.least_distances(training)
    assert 0 < nearest <= pairs + 1e-9
    twins = np.concatenate([training, training[:1]])
    assert neighbours.least_distances(twins)[0] == pytest.approx(0, abs=1e-3)
