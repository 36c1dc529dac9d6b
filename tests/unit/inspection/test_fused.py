"""Several feature sets as one model; what each part of the diffusion's score adds."""

import numpy as np
import pandas as pd
import pytest
import torch

from backend.core import facts, runs
from backend.deployment.package import contract
from backend.deployment.package import job as package
from backend.deployment.package.spec import Spec as PackageSpec
from backend.inspection.model import additions, fused_scorer, inspector, variants
from backend.inspection.parts.crops import read_crops, read_parts
from backend.records import RunState
from tests.unit.inspection.test_model import inspect, make_parts, quiet
from tests.unit.numeric.test_vision import TOKENS, save


@pytest.fixture(scope="module")
def together(tmp_path_factory):
    """A run on the features of an untrained YOLO file and of wavelets; both references."""
    from ultralytics.nn.tasks import DetectionModel

    root = tmp_path_factory.mktemp("runs")
    torch.manual_seed(1)
    model = DetectionModel("yolov8n.yaml", verbose=False)
    torch.save({"model": model.half(), "ema": None}, root / "w.pt")
    parts_run = make_parts(root, {"dist1": (24, 12), "edge1": (24, 3)})
    more = {"weights": "auto", "weights_file": str(root / "w.pt"), "both_references": True}
    result, folder = inspect(root, parts_run, methods=("knn",), folds=2, zoom=1, **more)
    runs.finish(folder, RunState.COMPLETED, result={})
    return root, parts_run, result, folder


def packed(root, folder):
    """The result of packing a model."""
    made = runs.create(root, "package", {"model_run": folder.name}).folder
    return package.run(PackageSpec(model_run=folder.name), made, quiet)


def wide(folder):
    table = facts.read(folder, "scores")
    return table.pivot(index="part", columns="method", values="score")


def test_the_score_is_the_mean_of_each_sets_z_score(together):
    *_, result, folder = together
    scores = wide(folder)
    alone = scores[[variants.alone("coco"), variants.alone("scattering")]]
    np.testing.assert_allclose(scores["diffusion"], alone.mean(axis=1), atol=1e-4)
    assert "w.pt" in result.backbone and "wavelets" in result.backbone
    assert result.mean_auroc["diffusion"] > 0.9
    assert result.baseline == "knn"


def test_the_price_of_each_set_stands_beside_the_whole(together):
    result = together[2]
    assert set(result.part_ms) == {"whole", "coco", "scattering"}
    assert min(result.part_ms.values()) > 0


def test_what_each_part_adds_is_told_in_pairs(together):
    *_, folder = together
    rows = facts.read(folder, "additions")
    means = additions.of_means(rows).set_index("part")
    assert set(means.index) == {
        *("training", "training (reference mean)", "reference nearest instead of mean"),
        *("the other features beside coco", "the other features beside scattering"),
    }
    figures = facts.read(folder, "figures").set_index("subject")["value"]
    for row in means.itertuples():
        gap = figures[row.method] - figures[row.without]
        assert row.difference == pytest.approx(gap)
        assert row.low <= row.difference <= row.high
    dist1 = rows[(rows["feature"] == "dist1") & (rows["part"] == "training")].iloc[0]
    assert dist1["difference"] == pytest.approx(means.loc["training", "difference"])
    assert rows[rows["feature"] == "edge1"]["p_holm"].isna().all(), "too few BAD parts"


def test_the_model_reads_back_and_its_file_gives_its_scores(together):
    root, parts_run, _, folder = together
    model, about = inspector.load(folder / "artifacts" / "model")
    assert len(model.backbones) == len(model.model.each) == 2
    result = packed(root, folder)
    assert result.checked == 63 and result.difference < 1e-4 and result.flips == 0
    frame = read_parts(root / parts_run).iloc[:8]
    crops = torch.from_numpy(read_crops(frame, root / parts_run, about["size"]))
    types = torch.from_numpy(contract.type_index(frame["feature"], about["features"]))
    with torch.inference_mode():
        whole = model(crops, types)
        each = [model.alone(place)(crops, types) for place in (0, 1)]
    for a, b in zip(whole, zip(*each, strict=True), strict=True):
        torch.testing.assert_close(a, torch.stack(b).mean(0), atol=1e-4, rtol=1e-4)


def test_maps_of_other_grids_meet_on_the_finest():
    fine, coarse = torch.arange(16.0).reshape(1, 4, 4), torch.full((1, 2, 2), 3.0)
    torch.testing.assert_close(fused_scorer.mean_map([coarse, fine]), (fine + 3) / 2)


def row(difference, low, high):
    return pd.DataFrame(
        [("training", additions.MEAN, 0.9 + difference, 0.9, difference, low, high, 399)],
        columns=["part", "feature", "value", "value_without", "difference", "low", "high", "n"],
    )


def test_the_sentence_says_what_the_interval_allows():
    helped = additions.sentence(row(0.01, 0.002, 0.02))
    assert "helped beyond chance" in helped and "+0.010 [+0.002, +0.020]" in helped
    assert "0.910 against 0.900" in helped and "n = 399" in helped
    assert "nothing that can be told" in additions.sentence(row(0.01, -0.002, 0.02))
    assert "harmed beyond chance" in additions.sentence(row(-0.01, -0.02, -0.002))
    assert additions.sentence(row(np.nan, np.nan, np.nan)) == ""
    assert additions.sentence(row(0.01, 0, 0).iloc[:0]) == ""


def test_variants_are_no_baselines():
    methods = ["diffusion", "untrained", "diffusion, coco alone", "padim", "supervised"]
    assert variants.baselines(methods) == ["padim", "supervised"]


def test_the_detector_that_ships_is_exported_beside_wavelets(tmp_path):
    parts_run = make_parts(tmp_path, {"dist1": (20, 10)})
    more = {"weights": "rendered+scattering", "methods": ("padim",), "folds": 2, "steps": 0}
    result, inspected = inspect(tmp_path, parts_run, **more)
    assert set(result.part_ms) == {"whole", "rendered", "scattering"}
    assert "rendered images alone" in result.backbone and result.mean_auroc["diffusion"] > 0.8
    runs.finish(inspected, RunState.COMPLETED, result={})
    assert packed(tmp_path, inspected).difference < 1e-4


def test_a_backbone_that_the_user_brings_is_scored_and_exported_like_the_rest(tmp_path):
    folder = save(tmp_path / "mine", "Dinov2Config", TOKENS["Dinov2Config"])
    parts_run = make_parts(tmp_path, {"dist1": (20, 10)})
    more = {"weights": "own", "backbone": str(folder), "methods": ("knn",), "folds": 2}
    result, inspected = inspect(tmp_path, parts_run, **more)
    assert "mine" in result.backbone and result.mean_auroc["knn"] > 0.5
    runs.finish(inspected, RunState.COMPLETED, result={})
    assert packed(tmp_path, inspected).difference < 1e-4
