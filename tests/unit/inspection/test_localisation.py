"""Where the defect is: which parts count, how masks meet maps, and the rows that come of it."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from backend.core import facts
from backend.inspection.model import localisation
from backend.inspection.model.folds import Data, Fold, Scored
from tests.unit.inspection.test_model import inspect, make_parts

SIZE, GRID = 64, 4


def made(folder, counts, masked=("dots",)):
    """Parts of which the BAD ones are marked in one cell, and maps that shine there."""
    rng = np.random.default_rng(3)
    rows, maps = [], []
    for feature, (n_good, n_bad) in counts.items():
        for i in range(n_good + n_bad):
            found, path = rng.normal(size=(GRID, GRID)), None
            if i >= n_good:
                y, x = rng.integers(0, GRID, 2)
                found[y, x] += 6
                mask = np.zeros((SIZE * 2, SIZE * 2), np.uint8)  # masks as large as the photograph
                mask[y * 32 : y * 32 + 32, x * 32 : x * 32 + 32] = 255
                if feature in masked:
                    path = f"{feature}-{i}.png"
                    Image.fromarray(mask).save(folder / path)
            rows.append(
                (f"{feature}-{i:03d}", feature, int(i < n_good), f"g{i // 2}", path, np.nan)
            )
            maps.append(found)
    columns = ["part", "feature", "label", "group", "mask_path", "area"]
    frame = pd.DataFrame(rows, columns=columns)
    names = tuple(sorted(counts))
    types = frame["feature"].map(names.index).to_numpy(np.int64)
    crops = np.zeros((len(frame), SIZE, SIZE, 3), np.uint8)
    good = (frame["label"] == 1).to_numpy(bool)
    return Data(frame, names, types, good, crops), np.array(maps, np.float32)


def folded(maps, repeats=1, pieces=2):
    """As scored in folds, the later repeats worthless."""
    order = np.random.default_rng(0).permutation(len(maps))
    return [
        Scored(Fold(repeat, k, at, at), {}, {"diffusion": maps[at] * (repeat == 0)}, {})
        for repeat in range(repeats)
        for k, at in enumerate(np.array_split(order, pieces))
    ]


def test_maps_that_shine_where_the_mask_is_score_high(tmp_path):
    data, maps = made(tmp_path, {"dots": (20, 12)})
    [row] = localisation.rows(data, folded(maps, repeats=2), tmp_path, 60, 0)
    assert (row["n_good"], row["n_bad"], row["regions"]) == (20, 12, 12)
    assert row["pixel_auroc"] > 0.95 and row["aupro_30"] > 0.85
    assert row["error"] < 0.01
    for name in ("pixel_auroc", "pixel_ap", "aupro_30", "aupro_05"):
        assert row[f"{name}_low"] <= row[name] <= row[f"{name}_high"]
        assert row[f"{name}_low"] < row[f"{name}_high"]
    [noise] = localisation.rows(data, folded(maps[::-1].copy()), tmp_path, 20, 0)
    assert noise["pixel_auroc"] < 0.7


def test_types_and_parts_without_masks_are_left_out_and_the_mean_is_of_the_others(tmp_path):
    data, maps = made(
        tmp_path, {"dots": (10, 6), "edge": (10, 6), "tile": (10, 6)}, ("dots", "tile")
    )
    (tmp_path / "tile-15.png").unlink()
    rows = localisation.rows(data, folded(maps), tmp_path, 20, 0)
    assert [row["feature"] for row in rows] == ["dots", "tile", localisation.MEAN]
    assert [row["n_bad"] for row in rows] == [6, 5, 11]
    mean = (rows[0]["aupro_30"] + rows[1]["aupro_30"]) / 2
    assert rows[2]["aupro_30"] == pytest.approx(mean)
    assert localisation.rows(data, folded(maps), tmp_path / "gone", 20, 0) == []


def test_a_mask_keeps_its_defect_however_small_the_crop():
    mask = np.zeros((512, 512), np.uint8)
    mask[100, 200] = 255
    assert localisation.shrunk(mask, 64).sum() == 1
    mask[:256] = 255
    assert localisation.shrunk(mask, 64).sum() == 32 * 64
    assert localisation.shrunk(mask[:2, :2] * 0 + 255, 64).all(), "a smaller mask is enlarged"


def make_marked(root, counts):
    """A parts run as `make_parts` has it, whose BAD parts bring masks of their blobs."""
    parts_run = make_parts(root, counts)
    folder = root / parts_run
    frame = facts.read(folder, "parts")
    bad = frame["label"] == 0
    for row in frame[bad].itertuples():
        dark = np.asarray(Image.open(folder / row.path)) == 40
        Image.fromarray((dark * 255).astype(np.uint8)).save(folder / f"{row.part}.png")
    frame["mask_path"] = (frame["part"] + ".png").where(bad, None)
    facts.write(folder, "parts", frame)
    return parts_run


def test_a_run_writes_them_for_every_method_with_maps(tmp_path):
    parts_run = make_marked(tmp_path, {"dist1": (20, 10)})
    _, done = inspect(tmp_path, parts_run, folds=2, methods=("padim", "knn"))
    rows = facts.read(done, "localisation").set_index("method")
    assert list(rows.index) == ["diffusion", "untrained", "padim", "knn"]
    assert (rows["pixel_auroc"] > 0.9).all() and (rows["n_bad"] == 10).all()


def test_without_any_mask_the_table_is_empty(tmp_path):
    _, done = inspect(tmp_path, make_parts(tmp_path, {"dist1": (20, 4)}), folds=2, steps=0)
    assert facts.read(done, "localisation").empty
