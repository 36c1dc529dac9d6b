"""Vision backbones that a user brings: real classes of transformers, with random weights."""

import json

import numpy as np
import pytest
import torch

from backend.inspection.model import brought, features
from backend.numeric.vision import Vision, load_vision
from backend.records import UserError

SMALL = {"hidden_size": 32, "num_hidden_layers": 4, "num_attention_heads": 2}
TOKENS = {
    "Dinov2Config": SMALL | {"image_size": 56, "patch_size": 14, "mlp_ratio": 2},
    "DINOv3ViTConfig": SMALL | {"image_size": 64, "patch_size": 16, "intermediate_size": 64},
    "SiglipVisionConfig": SMALL | {"image_size": 64, "patch_size": 16, "intermediate_size": 64},
}
MAPS = {
    "ConvNextConfig": {"hidden_sizes": [8, 16, 32, 64], "depths": [1, 1, 1, 1]},
    "ResNetConfig": {"embedding_size": 8, "hidden_sizes": [8, 16, 32, 64], "depths": [1, 1, 1, 1]},
    "MobileNetV2Config": {"depth_multiplier": 0.35, "image_size": 96},
}


def save(folder, kind, values):
    """A model of this kind with random weights, as Hugging Face keeps it."""
    import transformers

    torch.manual_seed(0)
    made = transformers.AutoModel.from_config(getattr(transformers, kind)(**values))
    made.save_pretrained(folder)
    return folder


def images(n=2, size=64):
    rng = np.random.default_rng(0)
    crops = rng.integers(0, 255, (n, size, size, 3), dtype=np.uint8)
    return features.to_images(torch.from_numpy(crops))


@pytest.mark.parametrize(("kind", "values"), [*TOKENS.items(), *MAPS.items()])
@torch.inference_mode()
def test_every_family_gives_its_layer_on_the_grid_and_comes_back_the_same(tmp_path, kind, values):
    for zoom in (1, 2):
        made = load_vision(save(tmp_path, kind, values), zoom=zoom)
        found = made(images())
        assert found.shape[2:] == (4, 4) and torch.isfinite(found).all()
    again = features.rebuild(json.loads(json.dumps(features.describe(made))))
    assert isinstance(again, Vision)
    again.load_state_dict(made.state_dict())
    torch.testing.assert_close(again(images()), found)


@torch.inference_mode()
def test_a_token_lies_where_its_patch_does(tmp_path):
    """Without attention a patch's token depends on its own pixels alone."""
    made = load_vision(save(tmp_path, "DINOv3ViTConfig", TOKENS["DINOv3ViTConfig"]), layer=1)
    made.layer = 0  # the patches as they enter
    plain = images(1) * 0 + 0.5
    changed = plain.clone()
    changed[:, :, 16:32, 48:64] = 1.0
    moved = (made(changed) - made(plain)).abs().sum(1)[0]
    assert moved[1, 3] > 0 and moved.count_nonzero() == 1


def test_the_layer_is_chosen_by_number_or_by_itself(tmp_path):
    folder = save(tmp_path, "Dinov2Config", TOKENS["Dinov2Config"])
    assert (load_vision(folder).layer, load_vision(folder, layer=2).layer) == (3, 2)
    with pytest.raises(UserError, match="Layer 5: this backbone has the layers 1 to 4"):
        load_vision(folder, layer=5)


def test_the_preprocessors_mean_and_deviation_are_the_models(tmp_path):
    folder = save(tmp_path, "ConvNextConfig", MAPS["ConvNextConfig"])
    half = {"image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]}
    (folder / "preprocessor_config.json").write_text(json.dumps(half))
    made = load_vision(folder)
    assert made.get_buffer("mean").flatten().tolist() == [0.5, 0.5, 0.5]
    assert features.describe(made)["normal"] == tuple(half.values())


def test_what_lies_in_the_weights_folder_is_listed_and_found_by_name(tmp_path):
    (tmp_path / "sd").mkdir()
    (tmp_path / "sd" / "model_index.json").write_text("{}")
    folder = save(tmp_path / "mine", "ConvNextConfig", MAPS["ConvNextConfig"])
    assert brought.listed(tmp_path) == ["mine"]
    assert brought.folder_of("mine", tmp_path) == brought.folder_of(str(folder), tmp_path) == folder
    with pytest.raises(UserError, match=r"'other' is no folder.*there: mine"):
        brought.folder_of("other", tmp_path)
    chosen = features.choose("own+scattering", "", tmp_path, "mine")
    assert [one.kind for one in chosen] == ["own", "scattering"]


def test_a_folder_that_is_no_vision_model_is_told(tmp_path):
    folder = save(tmp_path, "ConvNextConfig", MAPS["ConvNextConfig"])
    (folder / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(UserError, match=r"no vision backbone that transformers or timm reads"):
        load_vision(folder)
    pickled = save(tmp_path / "pickle", "ConvNextConfig", MAPS["ConvNextConfig"])
    (pickled / "model.safetensors").rename(pickled / "pytorch_model.bin")
    assert brought.listed(tmp_path) == []
    with pytest.raises(UserError, match=r"no vision backbone"):
        load_vision(pickled)


TIMM = ("resnet18", "convnext_atto", "mobilenetv2_100", "vit_tiny_patch16_224")


def save_timm(folder, name):
    """A model of timm with random weights and a classifier, as its hub keeps it."""
    from safetensors.torch import save_file

    timm = pytest.importorskip("timm")
    torch.manual_seed(0)
    folder.mkdir(exist_ok=True)
    save_file(timm.create_model(name, num_classes=7).state_dict(), folder / "model.safetensors")
    told = {"mean": [0.5, 0.5, 0.5], "std": [0.25, 0.25, 0.25]}
    config = {"architecture": name, "num_classes": 7, "pretrained_cfg": told}
    (folder / "config.json").write_text(json.dumps(config))
    return folder


@pytest.mark.parametrize("name", TIMM)
@torch.inference_mode()
def test_a_model_of_timm_gives_its_layer_and_comes_back_the_same(tmp_path, name):
    made = load_vision(save_timm(tmp_path / "mine", name), zoom=2)
    assert brought.listed(tmp_path) == ["mine"]
    found = made(images())
    assert found.shape[2:] == (4, 4) and torch.isfinite(found).all()
    assert made.get_buffer("std").flatten().tolist() == [0.25, 0.25, 0.25]
    again = features.rebuild(json.loads(json.dumps(features.describe(made))))
    again.load_state_dict(made.state_dict())
    torch.testing.assert_close(again(images()), found)


def test_a_model_of_timm_that_lacks_weights_is_told(tmp_path):
    from safetensors.torch import load_file, save_file

    folder = save_timm(tmp_path, "resnet18")
    state = load_file(folder / "model.safetensors")
    state.pop("conv1.weight")
    save_file(state, folder / "model.safetensors")
    with pytest.raises(UserError, match=r"lacks 1 weights.*first is conv1\.weight"):
        load_vision(folder)


def test_without_timm_its_models_say_what_to_install(tmp_path, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "timm", None)
    (tmp_path / "config.json").write_text('{"architecture": "resnet18"}')
    (tmp_path / "model.safetensors").write_bytes(b"")
    assert brought.is_backbone(tmp_path)
    with pytest.raises(UserError, match=r"'resnet18' is a model of timm, which is not installed"):
        load_vision(tmp_path)
