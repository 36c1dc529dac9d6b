"""Backbones: crops to feature maps. Heavy (torch, ultralytics): import it inside a job.

Six of them, all frozen once built:
- coco: the backbone of an Ultralytics YOLO file (v5, v8, 11, 26), as in source B
  (`model.model[:10]` of a YOLOv8), its layers named by their stride;
- rendered: the detector that ships, taught on rendered images alone, its finer layers;
- scattering: fixed wavelets, no training and no download (Bruna & Mallat, arXiv 1203.1513);
- own: a vision backbone that the user brings, see `vision`;
- self-supervised: a YOLOv8n trained on the GOOD parts, see `self_supervision`;
- random: an untrained YOLOv8n, the control.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from backend.inspection.model import brought
from backend.numeric.backbones import COCO_FILE, Yolo, cut, default_config, load_yolo, untrained
from backend.numeric.scattering import Scattering
from backend.numeric.vision import Vision, load_vision
from backend.records import UserError

Tick = Callable[[float, str], None]  # fraction of this piece of work, message
Crops = NDArray[np.uint8]  # [N, S, S, 3]

FINE = "4+8"  # strides of the detector that ships: with 16 too, simulated prints were told worse
NOTES = {
    "rendered": "the program's own YOLOv8n, taught on rendered images alone: nothing downloaded",
    "scattering": "fixed wavelets (scattering): nothing trained, nothing downloaded",
    "self-supervised": "trained anew in each test round on its GOOD parts, with pasted defects",
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


def choose(weights: str, weights_file: str, folder: Path, backbone: str = "") -> tuple[Choice, ...]:
    """Turn the setting into backbones, one a feature set. `folder` is storage/weights.

    auto: a named file, else yolov8n.pt in `folder`, together with scattering; without a file
    rendered in its place. own: the folder that `backbone` names. Raises UserError where the file
    or folder that was asked for is missing.
    """
    if all(name in NOTES for name in weights.split("+")):
        return tuple(_there(name) for name in weights.split("+"))
    if weights.startswith("own"):
        return _own(weights, brought.folder_of(backbone, folder))
    file = Path(weights_file).expanduser() if weights_file else folder / COCO_FILE
    if file.is_file():
        coco = Choice("coco", file, f"YOLO weights from {file.name}")
        return (coco,) if weights == "coco" else (coco, _there("scattering"))
    if weights != "auto" or weights_file:
        raise UserError(
            f"{file} is missing. Put the official {COCO_FILE} into {folder}, name another file, "
            "or choose the weights 'rendered+scattering', which need no file."
        )
    rendered = _there("rendered")
    note = f"{rendered.note} ({COCO_FILE} in storage/weights would take its place)"
    return replace(rendered, note=note), _there("scattering")


def _there(kind: str) -> Choice:
    """A backbone that needs no file."""
    return Choice(kind, None, NOTES[kind])


def _own(weights: str, folder: Path) -> tuple[Choice, ...]:
    own = Choice("own", folder, f"the backbone {folder.name}, brought by the user")
    return (own, _there("scattering")) if weights.endswith("scattering") else (own,)


def noted(choices: Sequence[Choice]) -> str:
    """The features in a sentence for the report."""
    words = " and ".join(choice.note for choice in choices)
    return f"{words}; mean of their z-scores" if len(choices) > 1 else words


def fixed(
    choice: Choice, strides: str, seed: int, zoom: int = 1, layer: int = 0
) -> nn.Module | None:
    """A backbone that needs no training; None for "self-supervised", which is made per fold."""
    if choice.kind == "coco" and choice.file is not None:
        return load_yolo(choice.file, strides, zoom)
    if choice.kind == "own" and choice.file is not None:
        return load_vision(choice.file, layer, zoom)
    if choice.kind == "rendered":
        from backend.detection import shipped

        return cut(shipped.load(), FINE, peaks=True)
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
            "peaks": backbone.peaks,
        }
    if isinstance(backbone, Vision):
        told = {name: getattr(backbone, name) for name in ("config", "layer", "zoom", "normal")}
        return {"kind": "vision", **told}
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
        told = {"zoom": 1, "peaks": False} | description  # models of earlier versions have neither
        return Yolo(*(told[name] for name in ("config", "strides", "zoom", "peaks"))).eval()
    made = Vision if description["kind"] == "vision" else Scattering
    return made(**{k: v for k, v in description.items() if k != "kind"}).eval()


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
