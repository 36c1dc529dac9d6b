"""What trainings share (PyTorch): the falling rate, the averaged weights, whole checkpoints."""

import math
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn


def falling(done: float) -> float:
    """Share of the learning rate when the fraction `done` is over: half a cosine from 1 to 0.02."""
    return 0.02 + 0.98 * (1 + math.cos(math.pi * min(1.0, done))) / 2


@torch.no_grad()
def follow(average: nn.Module, network: nn.Module, step: int, most: float) -> None:
    """Exponential moving average of the weights, quicker at the start: decay at most `most`.
    Buffers are copied."""
    decay = min(most, (1 + step) / (10 + step))
    slow: list[Tensor] = list(average.parameters())
    fast: list[Tensor] = list(network.parameters())
    torch._foreach_lerp_(slow, fast, 1 - decay)
    for stored, current in zip(average.buffers(), network.buffers(), strict=True):
        stored.copy_(current)


def save(state: dict[str, Any], path: Path) -> None:
    """Write a checkpoint whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    torch.save(state, partial)
    partial.replace(path)
