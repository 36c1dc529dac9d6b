"""Backbones: crops to feature maps. Heavy (torch, ultralytics): import it inside a job.

Four of them, all frozen once built:
- coco: the backbone of an Ultralytics YOLO file (v5, v8, 11, 26), as in source B
  (`model.model[:10]` of a YOLOv8), its layers named by their stride;
- scattering: fixed wavelets, no training and no download (Bruna & Mallat, arXiv 1203.1513);
- self-supervised: a YOLOv8n trained on the GOOD parts, see `self_supervision`;
- random: an untrained YOLOv8n, the control.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from backend import checkpoints
from backend.records import UserError

Tick = Callable[[float, str], None]  # fraction of this piece of work, message
Crops = NDArray[np.uint8]  # [N, S, S, 3]

STRIDES = ("8+16", "8+16+32", "32")
COCO_FILE = "yolov8n.pt"
NOTES = {
    "scattering": "fixed wavelets (scattering): nothing trained, nothing downloaded",
    "self-supervised": "trained anew in each fold on its GOOD training parts, with pasted defects",
    "random": "untrained YOLOv8n: a control, not for use",
}


def no_tick(fraction: float, message: str) -> None:
    """A Tick for nobody."""


@dataclass(frozen=True)
class Choice:
    """Which backbone: kind ("coco", "scattering", …), its file, and a sentence for the report."""

    kind: str
    file: Path | None
    note: str


def choose(weights: str, weights_file: str, folder: Path) -> Choice:
    """Turn the setting into a backbone. `folder` is storage/weights.

    auto: a named file, else yolov8n.pt in `folder`, else scattering. Raises UserError where the
    file that was asked for is missing.
    """
    file = Path(weights_file).expanduser() if weights_file else folder / COCO_FILE
    if weights in ("scattering", "self-supervised", "random"):
        return Choice(weights, None, NOTES[weights])
    if file.is_file():
        return Choice("coco", file, f"YOLO weights from {file.name}")
    if weights == "coco" or weights_file:
        raise UserError(
            f"{file} is missing. Put the official {COCO_FILE} into {folder}, name another file, "
            "or choose the weights 'scattering', which need no file."
        )
    note = f"{NOTES['scattering']}; {COCO_FILE} in {folder} would be used instead"
    return Choice("scattering", None, note)


class Yolo(nn.Module):
    """The backbone of a YOLO; returns the last layer's output at some of its strides on one grid.

    forward: [B, 3, S, S] in 0..1 -> [B, C, S/16, S/16], or [B, C, zoom S/32, zoom S/32] where only
    stride 32 (source B's layer, 512 channels for a YOLOv8s) is asked for. C of a YOLOv8n: 64
    (stride 8) + 128 (16) + 256 (32). zoom: how many times the crop is enlarged first.
    """

    def __init__(self, config: dict[str, Any], strides: str = "8+16", zoom: int = 1) -> None:
        super().__init__()
        from ultralytics.nn.tasks import DetectionModel

        self.config, self.strides, self.zoom = config, strides, zoom
        whole: Any = DetectionModel(dict(config), verbose=False).model
        backbone: nn.Sequential = whole[: len(config["backbone"])]
        self.taps = layers_of(backbone, strides)
        self.layers: nn.Sequential = backbone[: self.taps[-1] + 1]

    def outputs(self, images: Tensor) -> list[Tensor]:
        """The tapped layers' outputs, finest first."""
        found, x = [], images
        if self.zoom > 1:
            x = F.interpolate(x, scale_factor=self.zoom, mode="bilinear", align_corners=False)
        for i, layer in enumerate(self.layers):
            x = layer(x)
            if i in self.taps:
                found.append(x)
        return found

    def forward(self, images: Tensor) -> Tensor:
        maps = self.outputs(images)
        if len(maps) == 1:
            return maps[0]
        return torch.cat([_on_grid(m, images.shape[-1] // 16) for m in maps], 1)


@torch.inference_mode()
def layers_of(backbone: nn.Sequential, strides: str) -> tuple[int, ...]:
    """The last layer of each stride in "8+16", found by what the layers do to a picture."""
    last: dict[int, int] = {}
    x, training = torch.zeros(1, 3, 64, 64), backbone.training
    backbone.eval()
    for i, layer in enumerate(backbone):
        x = layer(x)
        last[64 // x.shape[-1]] = i
    backbone.train(training)
    return tuple(last[int(stride)] for stride in strides.split("+"))


def _on_grid(maps: Tensor, grid: int) -> Tensor:
    """Averaged down, or interpolated up, to grid x grid."""
    size = maps.shape[-1]
    if size > grid:
        return F.avg_pool2d(maps, size // grid)
    if size < grid:
        return F.interpolate(maps, scale_factor=grid / size, mode="bilinear", align_corners=False)
    return maps


class Scattering(nn.Module):
    """Log of the wavelet scattering of a grey crop, orders 0 to 2, on a pyramid of scales.

    forward: [B, 3, S, S] in 0..1 -> [B, 1 + J L + L^2 J (J - 1) / 2, S/16, S/16]: 61 channels.
    Order 1 is local energy by scale and direction, order 2 how that energy varies.
    """

    scales, directions, width = 3, 4, 7  # J, L, and the edge of a wavelet, px

    def __init__(self) -> None:
        super().__init__()
        real, imaginary = _morlets(self.directions, self.width)
        self.register_buffer("real", real, persistent=False)
        self.register_buffer("imaginary", imaginary, persistent=False)

    def energy(self, x: Tensor) -> Tensor:
        """|x * psi| for each direction: [B, C, H, W] -> [B, C L, H, W]."""
        channels, pad = x.shape[1], self.width // 2
        x = F.pad(x, (pad, pad, pad, pad), mode="reflect")
        parts = [
            F.conv2d(x, kernel.repeat(channels, 1, 1, 1), groups=channels)
            for kernel in (self.get_buffer("real"), self.get_buffer("imaginary"))
        ]
        # Not 1e-8: the ONNX exporter takes that for 0 and drops it, which moved scores by 0.7.
        return torch.sqrt(parts[0] ** 2 + parts[1] ** 2 + 1e-6)

    def forward(self, images: Tensor) -> Tensor:
        grid = images.shape[-1] // 16
        low = images.mean(1, keepdim=True)
        found = [_on_grid(low, grid)]
        for scale in range(self.scales):
            first = self.energy(low)
            found.append(_on_grid(first, grid))
            for _ in range(scale + 1, self.scales):
                first = _halve(first)
                found.append(_on_grid(self.energy(first), grid))
            low = _halve(low)
        return torch.log(torch.cat(found, 1) + 0.01)


def _halve(x: Tensor) -> Tensor:
    """[B, C, H, W] -> [B, C, H/2, W/2], smoothed by a 3 x 3 mean first."""
    x = F.pad(x, (1, 1, 1, 1), mode="reflect")
    return F.avg_pool2d(F.avg_pool2d(x, 3, 1), 2)


def _morlets(directions: int, width: int) -> tuple[Tensor, Tensor]:
    """Real and imaginary Morlet wavelets [L, 1, width, width], zero mean, xi = 3 pi / 4."""
    axis = torch.arange(width, dtype=torch.float32) - width // 2
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    kernels = []
    for k in range(directions):
        angle = math.pi * k / directions
        u = x * math.cos(angle) + y * math.sin(angle)
        v = y * math.cos(angle) - x * math.sin(angle)
        envelope = torch.exp(-(u**2 + (v * 4 / directions) ** 2) / (2 * 0.8**2))
        wave = torch.exp(1j * (0.75 * math.pi * u))
        wavelet = envelope * (wave - (envelope * wave).sum() / envelope.sum())
        kernels.append(wavelet / wavelet.abs().sum())
    stack = torch.stack(kernels)[:, None]
    return stack.real.contiguous(), stack.imag.contiguous()


def default_config() -> dict[str, Any]:
    """The YOLOv8n layout that ships with ultralytics."""
    from ultralytics.nn.tasks import yaml_model_load

    return dict(yaml_model_load("yolov8n.yaml"))


def load_yolo(file: Path, strides: str = "8+16", zoom: int = 1) -> Yolo:
    """A backbone from an Ultralytics .pt file.

    Raises UserError for any other file; see `checkpoints.read`.
    """
    saved = checkpoints.read(file)
    try:
        model = (saved.get("ema") or saved["model"]).float()
        backbone = Yolo(_plain(model.yaml), strides, zoom)
        backbone.layers.load_state_dict(model.model[: len(backbone.layers)].state_dict())
    except Exception as error:
        raise UserError(
            f"{file} is no YOLO detector that can be read ({type(error).__name__}). "
            f"Use an official file such as {COCO_FILE}."
        ) from error
    return backbone.eval()


def _plain(value: Any) -> Any:
    """A model's layout as JSON values, so that it can be stored without a pickle."""
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    return value if isinstance(value, (bool, int, float, str, type(None))) else str(value)


def untrained(config: dict[str, Any], strides: str = "8+16", seed: int = 0) -> Yolo:
    """A YOLO with random weights, the same for the same seed."""
    torch.manual_seed(seed)
    return Yolo(_plain(config), strides).eval()


def fixed(choice: Choice, strides: str, seed: int, zoom: int = 1) -> nn.Module | None:
    """A backbone that needs no training; None for "self-supervised", which is made per fold."""
    if choice.kind == "coco" and choice.file is not None:
        return load_yolo(choice.file, strides, zoom)
    if choice.kind == "scattering":
        return Scattering().eval()
    return untrained(default_config(), strides, seed) if choice.kind == "random" else None


def describe(backbone: nn.Module) -> dict[str, Any]:
    """What `rebuild` needs beside the state dict, as JSON values."""
    if isinstance(backbone, Yolo):
        return {
            "kind": "yolo",
            "config": backbone.config,
            "strides": backbone.strides,
            "zoom": backbone.zoom,
        }
    return {"kind": "scattering"}


def rebuild(description: dict[str, Any]) -> nn.Module:
    """The backbone of a description; its weights come from the state dict."""
    if description["kind"] == "yolo":
        zoom = description.get("zoom", 1)  # models of earlier versions have none
        return Yolo(description["config"], description["strides"], zoom).eval()
    return Scattering().eval()


def to_images(crops: Tensor) -> Tensor:
    """uint8 [B, S, S, 3] -> float [B, 3, S, S] in 0..1."""
    return crops.permute(0, 3, 1, 2).to(torch.float32) / 255.0


@torch.inference_mode()
def extract(
    backbone: nn.Module, crops: Crops, tick: Tick = no_tick, batch: int = 32
) -> NDArray[np.float32]:
    """Feature maps [N, C, G, G] of crops [N, S, S, 3]."""
    found = []
    for start in range(0, len(crops), batch):
        piece = np.ascontiguousarray(crops[start : start + batch])
        found.append(backbone(to_images(torch.from_numpy(piece))).numpy())
        tick(min(1.0, (start + batch) / len(crops)), "features")
    return np.concatenate(found)
