"""Checkpoints from strangers, read without running their code. Heavy: import it inside a job."""

import importlib
import inspect
from pathlib import Path
from typing import Any

import torch
from torch import nn

from backend.records import UserError

TRUSTED = ("ultralytics.nn.modules.", "ultralytics.nn.tasks.", "torch.nn.modules.")


def read(file: Path) -> dict[str, Any]:
    """What an Ultralytics .pt file holds.

    A .pt is a pickle, which could run code: only torch and ultralytics layers may be named in it,
    and torch's weights-only reader builds them. Raises UserError where it names anything else, or
    holds no network.
    """
    if file.suffix != ".pt":  # by which ultralytics tells what it opens
        raise UserError(
            f"{file} is no checkpoint: its name ends otherwise than in .pt. Use an official "
            "Ultralytics .pt file."
        )
    try:
        named = torch.serialization.get_unsafe_globals_in_checkpoint(str(file))
        with torch.serialization.safe_globals([_layer(name, file) for name in named]):
            saved = dict(torch.load(file, map_location="cpu", weights_only=True))
    except (UserError, MemoryError):
        raise
    except Exception as error:
        raise UserError(
            f"{file} is no checkpoint that can be read ({type(error).__name__}). "
            "Use an official Ultralytics .pt file."
        ) from error
    if not isinstance(saved.get("ema") or saved.get("model"), nn.Module):
        raise UserError(f"{file} holds no network. Use an official Ultralytics .pt file.")
    return saved


def check_detector(file: Path) -> None:
    """Raises UserError where a file is none that `read` takes, or its network finds no boxes."""
    from ultralytics.nn.tasks import guess_model_task

    saved = read(file)
    task = guess_model_task(saved.get("ema") or saved["model"])
    if task != "detect":
        raise UserError(f"{file} is no detector but a network for '{task}'. Name another.")


def _layer(name: str, file: Path) -> Any:
    """The layer class a checkpoint names, if it is one of torch's or ultralytics' layers."""
    module, _, attribute = name.rpartition(".")
    if f"{module}.".startswith(TRUSTED):
        found = getattr(importlib.import_module(module), attribute, None)
        if inspect.isclass(found) and issubclass(found, nn.Module):
            return found
    raise UserError(
        f"{file} names '{name}', which is no network layer, so it is not opened: a .pt file can "
        "run code. Use an official file."
    )
