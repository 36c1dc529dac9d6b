"""The GOOD parts most like a part."""

import numpy as np
import pandas as pd
import pytest

from backend.inspection.model import neighbours
from backend.inspection.model.folds import Data


@pytest.fixture
def data():
    """Two types of twelve parts; crops brighten with their number, every third part is BAD."""
    names = [f"{feature}-{i:02d}" for feature in ("dots", "edge1") for i in range(12)]
    good = np.arange(24) % 3 > 0
    level = np.arange(24) % 12 * 15 + 20
    crops = np.broadcast_to(level[:, None, None, None], (24, 64, 64, 3)).astype(np.uint8).copy()
    crops += np.random.default_rng(0).integers(0, 5, crops.shape, dtype=np.uint8)
    frame = pd.DataFrame({"part": names, "feature": [name[:-3] for name in names]})
    return Data(frame, ("dots", "edge1"), np.repeat([0, 1], 12), good, crops)


def check(folder):
    found = neighbours.nearest(folder, "edge1-05", 2)
    assert set(found) == {"edge1-04", "edge1-07"}, "GOOD, of its type, not itself, the nearest"
    assert neighbours.nearest(folder, "dots-03", 1) in (["dots-02"], ["dots-04"])


def test_neighbours_are_good_parts_of_the_same_type(data, tmp_path):
    maps = np.random.default_rng(1).normal(size=(24, 6, 5, 5)).astype(np.float32) * 0.01
    maps += (np.arange(24) % 12)[:, None, None, None]
    neighbours.save(data, maps, tmp_path)
    check(tmp_path)


def test_without_shared_features_the_pictures_count(data, tmp_path):
    neighbours.save(data, None, tmp_path)
    check(tmp_path)


def test_an_older_run_or_an_unknown_part_has_none(data, tmp_path):
    assert neighbours.nearest(tmp_path, "dots-03") == []
    neighbours.save(data, None, tmp_path)
    assert neighbours.nearest(tmp_path, "no such part") == []
