"""Models of timm in the layout of its hub: config.json with an architecture, model.safetensors.

timm is no requirement of this program: who brings such a model installs it.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from safetensors.torch import load_file
from torch import Tensor, nn

from backend.records import UserError

KEPT = ("architecture", "model_args", "mean", "std")
Normal = Sequence[Sequence[float]]


def config_of(folder: Path) -> dict[str, Any]:
    """What a folder's config.json says of a model of timm; {} where it speaks of another."""
    file = folder / "config.json"
    told = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    if "architecture" not in told or "model_type" in told:
        return {}
    whole = {**told.get("pretrained_cfg", {}), **told}
    return {name: whole[name] for name in KEPT if name in whole}


def normal_of(config: Mapping[str, Any], usual: Normal) -> Normal:
    """Mean and deviation of the channels that the model wants."""
    return tuple(config.get("mean", usual[0])), tuple(config.get("std", usual[1]))


def built(config: Mapping[str, Any]) -> nn.Module:
    """The model with random weights; one of tokens takes pictures of any size.

    Raises UserError where timm is not installed, or does not know it.
    """
    try:
        import timm
    except ImportError as error:
        raise UserError(
            f"The backbone '{config['architecture']}' is a model of timm, which is not installed. "
            "Install it beside this program (pip install timm in its .venv), or bring a model in "
            "transformers' layout."
        ) from error
    name, told = config["architecture"], dict(config.get("model_args") or {})
    if not timm.is_model(name):
        raise UserError(
            f"timm {timm.__version__} knows no model '{name}'. Bring another, or a newer timm."
        )
    net: nn.Module = timm.create_model(name, pretrained=False, num_classes=0, **told)
    if patch_of(net):
        told |= {"dynamic_img_size": True}
        net = timm.create_model(name, pretrained=False, num_classes=0, **told)
    return net.eval()


def patch_of(net: nn.Module) -> int:
    """Edge of a token's patch, px; 0 for a network whose layers have several sizes."""
    if not all(hasattr(net, name) for name in ("patch_embed", "pos_embed", "blocks")):
        return 0
    return int(net.patch_embed.patch_size[0])  # type: ignore[union-attr, index]


def states(net: nn.Module, images: Tensor) -> list[Tensor]:
    """The outputs that timm names, [B, C, H, W], counted from 1; the first stands at 0 too."""
    found: list[Tensor] = net.forward_intermediates(  # type: ignore[operator]
        images, intermediates_only=True, output_fmt="NCHW"
    )
    return [found[0], *found]


def fill(net: nn.Module, folder: Path) -> None:
    """Load the weights. Raises UserError where some are missing; those of a classifier may be
    there besides."""
    kept = load_file(folder / "model.safetensors")
    lacking = net.load_state_dict(kept, strict=False).missing_keys
    if lacking:
        raise UserError(
            f"{folder / 'model.safetensors'} lacks {len(lacking)} weights of its architecture, the "
            f"first is {lacking[0]}. Bring the file that belongs to its config.json."
        )
