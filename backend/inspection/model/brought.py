"""Vision backbones that a user has put into storage/weights: which there are, and where."""

import json
from pathlib import Path

from backend.records import UserError

LAYOUT = "config.json and model.safetensors, as Hugging Face has them"


def listed(weights: Path) -> list[str]:
    """Names of the folders in storage/weights that hold such a backbone."""
    return sorted(folder.name for folder in weights.glob("*") if is_backbone(folder))


def is_backbone(folder: Path) -> bool:
    """Has it transformers' or timm's layout, with safetensors? Those of diffusers say neither a
    model type nor an architecture."""
    try:
        told = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    known = isinstance(told, dict) and ("model_type" in told or "architecture" in told)
    return known and any(folder.glob("*.safetensors"))


def folder_of(backbone: str, weights: Path) -> Path:
    """The folder of a name in storage/weights, or of a path. Raises UserError: none is there."""
    for folder in (weights / backbone, Path(backbone).expanduser()):
        if backbone and is_backbone(folder):
            return folder
    there = ", ".join(listed(weights)) or "none yet"
    raise UserError(
        f"Backbone: '{backbone}' is no folder with {LAYOUT}. Put one into {weights} (there: "
        f"{there}), or give its whole path."
    )
