"""The backbone of a YOLO, cut out of an Ultralytics file (PyTorch)."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from backend.numeric import checkpoints
from backend.numeric.scattering import on_grid
from backend.records import UserError

COCO_FILE = "yolov8n.pt"


class Yolo(nn.Module):
    """The backbone of a YOLO; returns the last layer's output at some of its strides on one grid.

    forward: [B, 3, S, S] in 0..1 -> [B, C, S/16, S/16], or [B, C, zoom S/32, zoom S/32] where only
    stride 32 (source B's layer, 512 channels for a YOLOv8s) is asked for. C of a YOLOv8n: 64
    (stride 8) + 128 (16) + 256 (32). zoom: how many times the crop is enlarged first. peaks: a
    cell is described by each channel's maximum too, so that a small defect is not averaged away;
    twice the channels, of strides below 16 alone.
    """

    def __init__(
        self, config: dict[str, Any], strides: str = "8+16", zoom: int = 1, peaks: bool = False
    ) -> None:
        super().__init__()
        from ultralytics.nn.tasks import DetectionModel

        self.config, self.strides, self.zoom, self.peaks = config, strides, zoom, peaks
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
        grid = images.shape[-1] // 16
        found = [on_grid(m, grid) for m in maps]
        if self.peaks:
            found += [F.max_pool2d(m, m.shape[-1] // grid) for m in maps]
        return torch.cat(found, 1)


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
        return cut((saved.get("ema") or saved["model"]).float(), strides, zoom)
    except Exception as error:
        raise UserError(
            f"{file} is no YOLO detector that can be read ({type(error).__name__}). "
            f"Use an official file such as {COCO_FILE}."
        ) from error


def cut(detector: Any, strides: str = "8+16", zoom: int = 1, peaks: bool = False) -> Yolo:
    """The backbone of an Ultralytics detector, with a copy of its weights."""
    backbone = Yolo(_plain(detector.yaml), strides, zoom, peaks)
    backbone.layers.load_state_dict(detector.model[: len(backbone.layers)].state_dict())
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
