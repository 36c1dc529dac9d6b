"""The model that is deployed, crops in and scores out, and how it is kept. Heavy (torch)."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from backend.inspection.model import features
from backend.inspection.model.diffusion_net import Settings
from backend.inspection.model.diffusion_scorer import Scorer
from backend.records import UserError


class Inspector(nn.Module):
    """What is deployed: crops uint8 [B, S, S, 3] and types [B] -> (scores [B], maps [B, G, G])."""

    def __init__(self, backbone: nn.Module, scorer: Scorer) -> None:
        super().__init__()
        self.backbone, self.scorer = backbone, scorer

    def forward(self, crops: Tensor, types: Tensor) -> tuple[Tensor, Tensor]:
        scores, maps = self.scorer(self.backbone(features.to_images(crops)), types)
        return scores, maps


def save(folder: Path, inspector: Inspector, about: Mapping[str, Any]) -> None:
    """Write model.safetensors and model.json (no pickle). `about` is kept as it is."""
    scorer = inspector.scorer
    head = {
        "backbone": features.describe(inspector.backbone),
        "settings": asdict(scorer.settings),
        "channels": scorer.get_buffer("weight").shape[1],
        "dims": scorer.get_buffer("weight").shape[0],
        "grid": scorer.grid,
        "n_types": scorer.n_types,
        "bank": scorer.get_buffer("bank").shape[1],
        "about": dict(about),
    }
    state = {name: value.contiguous().clone() for name, value in inspector.state_dict().items()}
    save_file(state, folder / "model.safetensors")
    (folder / "model.json").write_text(json.dumps(head, indent=1), encoding="utf-8")


def _as_saved_now(state: dict[str, Tensor], scorer: Scorer) -> dict[str, Tensor]:
    """Models of earlier versions had one z-score for all positions, and no bank of patches."""
    for name in ("level_mean", "level_std"):
        saved = state[f"scorer.{name}"]
        if saved.dim() == 2:
            state[f"scorer.{name}"] = saved[..., None].expand_as(scorer.get_buffer(name))
    for name in ("bank", "spread"):
        state.setdefault(f"scorer.{name}", scorer.get_buffer(name))
    return state


def load(folder: Path) -> tuple[Inspector, dict[str, Any]]:
    """The inspector that `save` wrote, and its `about`. Raises UserError where it is damaged."""
    try:
        head = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        settings = Settings(**head["settings"])
        shape = head["channels"], head["dims"], head["grid"], head["n_types"]
        scorer = Scorer(*shape, settings, head.get("bank", 0))
        inspector = Inspector(features.rebuild(head["backbone"]), scorer)
        inspector.load_state_dict(_as_saved_now(load_file(folder / "model.safetensors"), scorer))
    except Exception as error:
        raise UserError(
            f"The model in {folder} cannot be read ({type(error).__name__}). "
            "Run the anomaly model again."
        ) from error
    return inspector.eval(), head["about"]
