"""Backbones: crops to feature maps. Heavy (torch, ultralytics): import it inside a job.

Four of them, all frozen once built:
- coco: the backbone of an Ultralytics YOLO file (v5, v8, 11, 26), as in source B
  (`model.model[:10]` of a YOLOv8), its layers named by their stride;
- scattering: fixed wavelets, no training and no download (Bruna & Mallat, arXiv 1203.1513);
- self-supervised: a YOLOv8n trained on the GOOD parts, see `self_supervision`;
- random: an untrained YOLOv8n, the control.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from backend.numeric.backbones import COCO_FILE, Yolo, default_config, load_yolo, untrained
from backend.numeric.scattering import Scattering
from backend.records import UserError

Tick = Callable[[float, str], None]  # fraction of this piece of work, message
Crops = NDArray[np.uint8]  # [N, S, S, 3]

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


def fixed(choice: Choice, strides: str, seed: int, zoom: int = 1) -> nn.Module | None:
    """A backbone that needs no training; None for "self-supervised", which is made per fold."""
    if choice.kind == "coco" and choice.file is not None:
        return load_yolo(choice.file, strides, zoom)
    if choice.kind == "scattering":
        return Scattering(scales=5, pairs=4, detail=3).eval()
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
    assert isinstance(backbone, Scattering)
    return {
        "kind": "scattering",
        "scales": backbone.scales,
        "pairs": backbone.pairs,
        "detail": backbone.detail,
    }


def rebuild(description: dict[str, Any]) -> nn.Module:
    """The backbone of a description; its weights come from the state dict."""
    if description["kind"] == "yolo":
        zoom = description.get("zoom", 1)  # models of earlier versions have none
        return Yolo(description["config"], description["strides"], zoom).eval()
    return Scattering(**{k: v for k, v in description.items() if k != "kind"}).eval()


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
