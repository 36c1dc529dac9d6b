"""The detector that ships: YOLOv8n taught on rendered images alone, to start from without a
download. Heavy (torch).

It lies in half precision in a safetensors file beside its card, which names the command that
made it (`backend.detection.pretraining`).
"""

import copy
import json
from pathlib import Path
from typing import Any, cast

import torch
from safetensors.torch import load_file, save_file
from torch import nn
from ultralytics.nn.tasks import DetectionModel

from backend.detection.start_weights import SHIPPED, SHIPPED_MODEL

FOLDER, WEIGHTS, MODEL = SHIPPED.parent, SHIPPED.name, SHIPPED_MODEL
CARD = "detector.json"


def card(folder: Path = FOLDER) -> dict[str, Any]:
    """How it was taught and what it finds."""
    return cast(dict[str, Any], json.loads((folder / CARD).read_text(encoding="utf-8")))


def untrained(classes: tuple[str, ...]) -> DetectionModel:
    """The network from random weights."""
    network = DetectionModel(f"{MODEL}.yaml", nc=len(classes), verbose=False)
    network.names = dict(enumerate(classes))
    return network


def write(network: nn.Module, about: dict[str, Any], folder: Path) -> None:
    """Keep the weights in half precision, and the card, which needs `classes`."""
    folder.mkdir(parents=True, exist_ok=True)
    save_file(copy.deepcopy(network).half().state_dict(), folder / WEIGHTS)
    write_card(about, folder)


def write_card(about: dict[str, Any], folder: Path) -> None:
    """Keep what is known of the weights beside them."""
    (folder / CARD).write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")


def load(folder: Path = FOLDER) -> DetectionModel:
    """The network as it was taught, in single precision, for its own classes."""
    network = untrained(tuple(card(folder)["classes"]))
    state = load_file(folder / WEIGHTS)
    network.load_state_dict(
        {k: v.float() if v.is_floating_point() else v for k, v in state.items()}
    )
    return network


def as_checkpoint(path: Path, folder: Path = FOLDER) -> Path:
    """The same in ultralytics' own format, so that a training can start from it; its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    network = load(folder)
    vars(network)["args"] = {"task": "detect", "model": f"{MODEL}.yaml"}
    torch.save({"model": network, "train_args": network.args}, path)
    return path
