"""The model that is deployed, crops in and scores out, and how it is kept. Heavy (torch)."""

import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from backend.inspection.model import features
from backend.inspection.model.diffusion_net import Settings
from backend.inspection.model.diffusion_scorer import Scorer
from backend.inspection.model.fused_scorer import Fused
from backend.records import UserError

TIMED = 20  # single parts that are timed


class Inspector(nn.Module):
    """What is deployed: crops uint8 [B, S, S, 3] and types [B] -> (scores [B], maps [B, G, G]).

    backbones: one a feature set, in the order of the model's scorers.
    """

    def __init__(self, backbones: Iterable[nn.Module], model: Fused) -> None:
        super().__init__()
        self.backbones, self.model = nn.ModuleList(backbones), model

    def forward(self, crops: Tensor, types: Tensor) -> tuple[Tensor, Tensor]:
        images = features.to_images(crops)
        scores, maps = self.model([backbone(images) for backbone in self.backbones], types)
        return scores, maps

    def alone(self, place: int) -> "Inspector":
        """The same model with one of its feature sets only."""
        return Inspector([self.backbones[place]], Fused([self.model.each[place]])).eval()


def processor_ms(model: Inspector, crops: Tensor, types: Tensor) -> float:
    """Median processor time, ms, from one crop to its score on one thread, after a few to warm up.

    crops uint8 [N, S, S, 3], types [N]: taken in turn. Not the clock on the wall: another job on
    the machine must not count against a model.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    taken = []
    try:
        with torch.inference_mode():
            for k in range(TIMED + 3):
                i = k % len(crops)
                started = time.process_time()
                model(crops[i : i + 1], types[i : i + 1])
                taken.append(time.process_time() - started)
    finally:
        torch.set_num_threads(threads)
    return float(np.median(taken[3:])) * 1000


def save(folder: Path, inspector: Inspector, about: Mapping[str, Any]) -> None:
    """Write model.safetensors and model.json (no pickle). `about` is kept as it is."""
    first = inspector.model.first
    head = {
        "sets": [
            _described(backbone, scorer)
            for backbone, scorer in zip(inspector.backbones, inspector.model.each, strict=True)
        ],
        "settings": asdict(first.settings),
        "n_types": first.n_types,
        "about": dict(about),
    }
    state = {name: value.contiguous().clone() for name, value in inspector.state_dict().items()}
    save_file(state, folder / "model.safetensors")
    (folder / "model.json").write_text(json.dumps(head, indent=1), encoding="utf-8")


def _described(backbone: nn.Module, scorer: Scorer) -> dict[str, Any]:
    return {
        "backbone": features.describe(backbone),
        "channels": scorer.get_buffer("weight").shape[1],
        "dims": scorer.get_buffer("weight").shape[0],
        "grid": scorer.grid,
        "rank": scorer.get_buffer("turn").shape[2],
        "bank": scorer.get_buffer("bank").shape[1],
    }


def _as_saved_now(state: dict[str, Tensor], model: Fused) -> dict[str, Tensor]:
    """Models of earlier versions had one feature set, one z-score for all positions, no bank of
    patches, and a whitening matrix a position."""
    renamed = {"backbone.": "backbones.0.", "scorer.": "model.scorers.0."}
    for old, new in renamed.items():
        state = {
            (new + name.removeprefix(old) if name.startswith(old) else name): value
            for name, value in state.items()
        }
    for name in ("level_mean", "level_std"):
        saved = state[f"model.scorers.0.{name}"]
        if saved.dim() == 2:
            wanted = model.first.get_buffer(name)
            state[f"model.scorers.0.{name}"] = saved[..., None].expand_as(wanted)
    for name in ("bank", "spread"):
        state.setdefault(f"model.scorers.0.{name}", model.first.get_buffer(name))
    for name in [name for name in state if name.endswith(".whiten")]:
        place = name.removesuffix("whiten")
        state[f"{place}root"], state[f"{place}turn"] = _turned(state.pop(name))
        state[f"{place}middle"] = torch.zeros(state[f"{place}weight"].shape[1])
    return state


def _turned(whiten: Tensor) -> tuple[Tensor, Tensor]:
    """Symmetric matrices [T, P, D, D] as what a type's positions share [T, D, D], here their
    longest stretch alone, and what shortens that at each of them [T, P, D, D]."""
    stretch, directions = torch.linalg.eigh(whiten)
    longest = stretch.amax((1, 2))
    length = 1 - stretch / longest[:, None, None]
    turn = length.clamp(min=0).sqrt()[..., None] * directions.transpose(2, 3)
    return longest[:, None, None] * torch.eye(whiten.shape[-1]), turn


def _built(head: dict[str, Any]) -> Inspector:
    """The inspector that a head describes; its weights come from the state dict."""
    settings, backbones, scorers = Settings(**head["settings"]), [], []
    for one in head.get("sets", [head]):  # earlier versions had one feature set
        backbones.append(features.rebuild(one["backbone"]))
        shape = one["channels"], one["dims"], one["grid"], head["n_types"]
        rank = one.get("rank", one["dims"])  # earlier versions kept a matrix a position
        scorers.append(Scorer(*shape, settings, rank, one.get("bank", 0)))
    return Inspector(backbones, Fused(scorers))


def load(folder: Path) -> tuple[Inspector, dict[str, Any]]:
    """The inspector that `save` wrote, and its `about`. Raises UserError where it is damaged."""
    try:
        head = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        inspector = _built(head)
        state = load_file(folder / "model.safetensors")
        inspector.load_state_dict(_as_saved_now(state, inspector.model))
    except Exception as error:
        raise UserError(
            f"The model in {folder} cannot be read ({type(error).__name__}). "
            "Run the anomaly model again."
        ) from error
    return inspector.eval(), head["about"]
