"""Backbones: shapes, what `auto` chooses, safe loading, and synthetic defects."""

import os

import numpy as np
import pytest
import torch

from backend.detection import shipped
from backend.inspection.model import feature_cache, features, self_supervision
from backend.numeric import backbones
from backend.numeric.scattering import Scattering
from backend.records import UserError


def crops(n=4, size=64, seed=0):
    return np.random.default_rng(seed).integers(0, 255, (n, size, size, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    ("strides", "channels", "grid"), [("8+16", 192, 4), ("8+16+32", 448, 4), ("32", 256, 2)]
)
def test_yolo_layers_share_one_grid(strides, channels, grid):
    backbone = backbones.untrained(backbones.default_config(), strides)
    assert features.extract(backbone, crops()).shape == (4, channels, grid, grid)


@pytest.mark.parametrize(
    ("layout", "channels", "layers"),
    [
        ("yolov5n.yaml", (64, 128, 256), (4, 6, 9)),
        ("yolov8s.yaml", (128, 256, 512), (4, 6, 9)),
        ("yolo11n.yaml", (128, 128, 256), (4, 6, 10)),
        ("yolo26n.yaml", (128, 128, 256), (4, 6, 10)),
    ],
)
def test_every_yolo_family_gives_its_strides(layout, channels, layers):
    from ultralytics.nn.tasks import yaml_model_load

    backbone = backbones.untrained(yaml_model_load(layout), "8+16+32")
    images = features.to_images(torch.from_numpy(crops(2)))
    with torch.inference_mode():
        found = backbone.outputs(images)
    wanted = [(2, c, 64 // s, 64 // s) for c, s in zip(channels, (8, 16, 32), strict=True)]
    assert [tuple(m.shape) for m in found] == wanted
    assert backbone.taps == layers


def test_zoom_shows_the_same_crop_larger_on_the_same_grid():
    near = backbones.untrained(backbones.default_config())
    far = backbones.Yolo(near.config, zoom=2).eval()
    far.load_state_dict(near.state_dict())
    assert features.extract(far, crops()).shape == (4, 192, 4, 4)
    larger = torch.nn.functional.interpolate(
        features.to_images(torch.from_numpy(crops())), scale_factor=2.0, mode="bilinear"
    )
    with torch.inference_mode():
        for a, b in zip(
            far.outputs(features.to_images(torch.from_numpy(crops()))),
            near.outputs(larger),
            strict=True,
        ):
            torch.testing.assert_close(a, b)
    assert features.rebuild(features.describe(far)).zoom == 2


def test_source_b_layer_is_the_ninth():
    backbone = backbones.untrained(backbones.default_config(), "32")
    images = features.to_images(torch.from_numpy(crops()))
    with torch.inference_mode():
        wanted = images
        for layer in backbone.layers[:10]:
            wanted = layer(wanted)
        assert torch.equal(backbone(images), wanted)


def test_features_do_not_depend_on_the_batch():
    backbone, many = Scattering().eval(), crops(7)
    np.testing.assert_allclose(
        features.extract(backbone, many, batch=7),
        features.extract(backbone, many, batch=2),
        atol=1e-5,
    )


def test_auto_takes_the_file_where_there_is_one(tmp_path):
    assert [c.kind for c in features.choose("auto", "", tmp_path)] == ["rendered", "scattering"]
    (tmp_path / backbones.COCO_FILE).write_bytes(b"x")
    assert [c.kind for c in features.choose("auto", "", tmp_path)] == ["coco", "scattering"]
    assert [c.kind for c in features.choose("coco", "", tmp_path)] == ["coco"]
    assert [c.file for c in features.choose("random", "", tmp_path)] == [None]


def test_the_detector_that_ships_describes_cells_by_means_and_peaks():
    (choice,) = features.choose("rendered", "", None)
    backbone = features.fixed(choice, "8+16", seed=0)
    mine = crops(2, 128)
    found = features.extract(backbone, mine)
    assert found.shape == (2, 2 * (32 + 64), 8, 8)
    network = shipped.load().eval()
    with torch.inference_mode():
        x, taken = features.to_images(torch.from_numpy(mine)), []
        for layer in network.model[:5]:
            x = layer(x)
            taken.append(x.numpy())
    cells = [m.reshape(2, -1, 8, s, 8, s) for m, s in ((taken[2], 4), (taken[4], 2))]
    wanted = [m.mean((3, 5)) for m in cells] + [m.max((3, 5)) for m in cells]
    np.testing.assert_allclose(found, np.concatenate(wanted, 1), atol=1e-5)
    again = features.rebuild(features.describe(backbone))
    again.load_state_dict(backbone.state_dict())
    np.testing.assert_array_equal(features.extract(again, mine), found)


def test_a_missing_weights_file_is_named_with_the_cure(tmp_path):
    with pytest.raises(UserError, match=r"yolov8n\.pt.*scattering"):
        features.choose("coco", "", tmp_path)
    with pytest.raises(UserError, match=r"gone\.pt is missing"):
        features.choose("auto", str(tmp_path / "gone.pt"), tmp_path)


def test_a_checkpoint_comes_back_the_same(tmp_path):
    from ultralytics.nn.tasks import DetectionModel

    torch.manual_seed(1)
    model = DetectionModel("yolov8n.yaml", verbose=False)
    torch.save({"model": model.half(), "ema": None}, tmp_path / "w.pt")
    backbone = backbones.load_yolo(tmp_path / "w.pt")
    for mine, theirs in zip(
        backbone.layers.parameters(), model.model[:7].parameters(), strict=True
    ):
        assert torch.equal(mine, theirs.float())
    again = features.rebuild(features.describe(backbone))
    again.load_state_dict(backbone.state_dict())
    np.testing.assert_array_equal(
        features.extract(again, crops()), features.extract(backbone, crops())
    )


class Evil:
    def __reduce__(self):
        return os.system, ("touch pwned",)


@pytest.mark.parametrize("saved", [{"model": Evil()}, Evil()])
def test_a_file_that_would_run_code_is_not_opened(tmp_path, monkeypatch, saved):
    monkeypatch.chdir(tmp_path)
    torch.save(saved, tmp_path / "evil.pt")
    with pytest.raises(UserError, match="not opened"):
        backbones.load_yolo(tmp_path / "evil.pt")
    assert not (tmp_path / "pwned").exists()


@pytest.mark.parametrize("name", ["w.pt", "yolov8n.yaml"])
def test_rubbish_and_a_layout_without_weights_are_no_detector(tmp_path, name):
    (tmp_path / name).write_bytes(b"nc: 80")
    with pytest.raises(UserError, match=f"{name} is no checkpoint"):
        backbones.load_yolo(tmp_path / name)


def test_a_pasted_defect_changes_the_picture_where_it_says():
    rng, seen = np.random.default_rng(0), 0
    for k in range(60):
        image, donor = crops(2, seed=k)
        pasted, mask = self_supervision.paste_defect(image.astype(np.float32), donor, rng)
        changed = abs(pasted - image).max(-1) > 12
        assert set(np.unique(mask)) <= {0.0, 1.0}
        assert changed[mask > 0].all()
        assert changed.mean() < 0.15
        seen += int(mask.any())
    assert seen > 50


def test_self_supervision_repeats_and_reports():
    told = []
    made = [
        self_supervision.self_supervise(
            crops(8), np.arange(8) % 2, 3, seed=5, batch=4, tick=lambda f, m: told.append(f)
        )
        for _ in range(2)
    ]
    one, two = (features.extract(backbone, crops()) for backbone in made)
    np.testing.assert_array_equal(one, two)
    assert told[:3] == pytest.approx([1 / 3, 2 / 3, 1])
    plain = features.extract(backbones.untrained(backbones.default_config(), seed=5), crops())
    assert not np.allclose(one, plain)


def test_the_second_time_features_come_from_the_cache(tmp_path, monkeypatch):
    backbone, mine = Scattering().eval(), crops(3)
    first, seconds = feature_cache.extract(backbone, mine, tmp_path)
    np.testing.assert_allclose(first, features.extract(backbone, mine), atol=5e-3)
    assert seconds > 0 and len(list(tmp_path.iterdir())) == 1
    with monkeypatch.context() as no_more:
        no_more.setattr(features, "extract", None)
        again, told = feature_cache.extract(backbone, mine, tmp_path)
    np.testing.assert_array_equal(first, again)
    assert told == seconds


def test_other_pictures_or_weights_have_features_of_their_own():
    mine = crops(3)
    plain = backbones.default_config()
    keys = {
        feature_cache.key(Scattering(), mine),
        feature_cache.key(Scattering(), crops(3, seed=1)),
        feature_cache.key(backbones.untrained(plain), mine),
        feature_cache.key(backbones.untrained(plain, seed=1), mine),
        feature_cache.key(backbones.untrained(plain, "32"), mine),
    }
    assert len(keys) == 5


@pytest.mark.parametrize("damage", [b"", b"PK rubbish"])
def test_a_damaged_cache_file_is_made_anew(tmp_path, damage):
    backbone, mine = Scattering().eval(), crops(2)
    wanted, _ = feature_cache.extract(backbone, mine, tmp_path)
    (file,) = tmp_path.iterdir()
    file.write_bytes(damage)
    np.testing.assert_array_equal(feature_cache.extract(backbone, mine, tmp_path)[0], wanted)
    assert file.stat().st_size > 100


def test_the_cache_drops_what_was_longest_not_used(tmp_path, monkeypatch):
    backbone = Scattering().eval()
    feature_cache.extract(backbone, crops(2), tmp_path)
    (old,) = tmp_path.iterdir()
    os.utime(old, (0, 0))
    monkeypatch.setattr(feature_cache, "LIMIT", int(old.stat().st_size * 1.5))
    feature_cache.extract(backbone, crops(2, seed=9), tmp_path)
    assert not old.exists() and len(list(tmp_path.iterdir())) == 1
