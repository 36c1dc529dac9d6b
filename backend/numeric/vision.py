"""A vision backbone that a user brings: DINOv2, SigLIP, ConvNeXt … in transformers' layout, or any
model of timm, where that package is installed.

Read from a local folder, from safetensors alone; nothing is downloaded and no code of it is run.
"""

import inspect
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from backend.numeric import timm_models
from backend.numeric.scattering import on_grid
from backend.records import UserError

IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # mean and deviation of the channels
REACH = 16  # px: the coarsest stride that is taken by itself


class Vision(nn.Module):
    """One layer's output of a vision model, on the grid that all features share.

    config: of transformers, or of timm where it names an architecture.

    forward: [B, 3, S, S] in 0..1 -> [B, C, S/16, S/16]. layer: which hidden state, 0 the first
    after the stem. zoom: how many times finer than the grid a transformer's patches are, and how
    many times a convolutional network's picture is enlarged. normal: mean and deviation.
    """

    def __init__(
        self, config: dict[str, Any], layer: int, zoom: int, normal: Sequence[Sequence[float]]
    ) -> None:
        super().__init__()
        self.config, self.layer, self.zoom, self.normal = config, layer, zoom, normal
        if "architecture" in config:
            self.net = timm_models.built(config)
            self.patch = timm_models.patch_of(self.net)
        else:
            self.net = _built(config)
            self.patch = int(config["patch_size"]) if _is_transformer(self.net, config) else 0
        for name, values in zip(("mean", "std"), normal, strict=True):
            self.register_buffer(name, torch.tensor(values)[:, None, None], persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        grid = images.shape[-1] // 16
        edge = self.patch * grid * self.zoom if self.patch else images.shape[-1] * self.zoom
        x = (images - self.get_buffer("mean")) / self.get_buffer("std")
        if edge != images.shape[-1]:
            x = F.interpolate(x, size=(edge, edge), mode="bilinear", align_corners=False)
        found = hidden_states(self.net, x)[self.layer]
        return on_grid(_as_map(found, grid * self.zoom) if found.dim() == 3 else found, grid)


def _built(config: dict[str, Any]) -> nn.Module:
    """The model of transformers that a config describes, with random weights."""
    from transformers import AutoConfig, AutoModel

    told = {k: v for k, v in config.items() if k != "model_type"}
    made = AutoConfig.for_model(config["model_type"], **told)
    net: nn.Module = AutoModel.from_config(made, attn_implementation="eager")
    return net.eval()


def hidden_states(net: nn.Module, images: Tensor) -> Sequence[Tensor]:
    """Every layer's output, [B, N, C] or [B, C, H, W]."""
    if hasattr(net, "forward_intermediates"):
        return timm_models.states(net, images)
    more: dict[str, Any] = {"output_hidden_states": True}
    if "interpolate_pos_encoding" in inspect.signature(net.forward).parameters:
        more["interpolate_pos_encoding"] = True
    found: Sequence[Tensor] = net(pixel_values=images, **more).hidden_states
    return found


def _as_map(tokens: Tensor, side: int) -> Tensor:
    """[B, N, C] -> [B, C, side, side], without the tokens before the patches (class, registers)."""
    return tokens[:, -side * side :].transpose(1, 2).unflatten(2, (side, side))


@torch.inference_mode()
def _is_transformer(net: nn.Module, config: dict[str, Any]) -> bool:
    """Does it give tokens, of patches all of one size?"""
    if not isinstance(config.get("patch_size"), int):
        return False
    edge = config.get("image_size")
    edge = edge if isinstance(edge, int) else 224
    return hidden_states(net, torch.zeros(1, 3, edge, edge))[-1].dim() == 3


def load_vision(folder: Path, layer: int = 0, zoom: int = 1) -> Vision:
    """The backbone in a folder. layer: 1 for the first after the stem …; 0 chooses one.

    Raises UserError where the folder holds no vision model that can be read, or no such layer.
    """
    try:
        told = timm_models.config_of(folder)
        vision = _read_timm(folder, told, zoom) if told else _read(folder, zoom)
        vision.layer = _chosen(vision, layer)
    except UserError:
        raise
    except Exception as error:
        raise UserError(
            f"{folder} is no vision backbone that transformers or timm reads "
            f"({type(error).__name__}: "
            f"{str(error).splitlines()[0][:200] if str(error) else 'no reason given'}). Put its "
            "config.json and model.safetensors there."
        ) from error
    return vision.eval()


def _read(folder: Path, zoom: int) -> Vision:
    """A model in transformers' layout."""
    from transformers import AutoConfig, AutoModel

    config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    config = getattr(config, "vision_config", config)  # of a model of words and pictures
    net = AutoModel.from_pretrained(
        folder,
        config=config,
        local_files_only=True,
        trust_remote_code=False,
        use_safetensors=True,
        dtype=torch.float32,
        attn_implementation="eager",
    )
    plain = json.loads(config.to_json_string(use_diff=False))
    vision = Vision(plain, 0, zoom, _normal(folder))
    vision.net.load_state_dict(net.state_dict())
    return vision


def _read_timm(folder: Path, config: dict[str, Any], zoom: int) -> Vision:
    """A model in timm's layout."""
    vision = Vision(config, 0, zoom, timm_models.normal_of(config, IMAGENET))
    timm_models.fill(vision.net, folder)
    return vision


def _normal(folder: Path) -> Sequence[Sequence[float]]:
    """Mean and deviation that the model wants, from its preprocessor; else ImageNet's."""
    file = folder / "preprocessor_config.json"
    told = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    return told.get("image_mean", IMAGENET[0]), told.get("image_std", IMAGENET[1])


@torch.inference_mode()
def _chosen(vision: Vision, layer: int) -> int:
    """The place of a layer among the hidden states.

    By itself: three quarters of the way up a transformer; of a convolutional network the last
    whose stride is at most `REACH`. Raises UserError where there is no such layer.
    """
    edge = vision.patch * 8 if vision.patch else 128
    states = hidden_states(vision.net, torch.zeros(1, 3, edge, edge))
    if not 0 <= layer < len(states):
        raise UserError(f"Layer {layer}: this backbone has the layers 1 to {len(states) - 1}.")
    if layer:
        return layer
    if vision.patch:
        return round(0.75 * (len(states) - 1))
    return max(k for k, state in enumerate(states) if state.shape[-1] * REACH >= edge)
