"""One stage of a training: steps for a given time, checkpoint, film (PyTorch)."""

import copy
import math
import time
from collections import deque
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from backend.images import imagefiles, pictures
from backend.numeric import devices, learning

CHECKPOINT_SECONDS = 60.0
REPORT_STEPS = 20
FILM_SHARE = 0.08
FILM_COLUMNS = 6


class Stage:
    """A network that learns for a given time: optimiser, falling rate, average, checkpoint.

    Step k draws its batch and its noise from seed and k alone.
    """

    def __init__(self, network: nn.Module, rate: float, seconds: float, decay: float, seed: int):
        self.network = network.to(devices.best())
        self.network.to(memory_format=torch.channels_last)
        self.average = copy.deepcopy(self.network).eval().requires_grad_(False)
        self.optimizer = torch.optim.AdamW(
            network.parameters(), rate, (0.9, 0.99), 1e-6, 0.01, fused=True
        )
        self.rate, self.allowed, self.decay, self.seed = rate, seconds, decay, seed
        self.step, self.seconds = 0, 0.0
        self.errors: deque[float] = deque(maxlen=200)

    @property
    def done(self) -> float:
        return min(1.0, self.seconds / self.allowed) if self.allowed else 1.0

    def begin_with(self, weights: dict[str, Tensor]) -> None:
        """Start from these weights; a stage that has begun already keeps its own."""
        if not self.step:
            self.network.load_state_dict(weights)
            self.average.load_state_dict(weights)

    def learn(self, loss_of: Any) -> dict[str, float]:
        """One step. `loss_of(random)` gives the losses by name; "error" is reported alone."""
        started = time.monotonic()
        fall = learning.falling(self.done)
        for group in self.optimizer.param_groups:
            group["lr"] = self.rate * min(1.0, (self.step + 1) / 100) * fall
        random = torch.Generator().manual_seed(self.seed * 1_000_003 + self.step)
        losses: dict[str, Tensor] = loss_of(random)
        error = losses.pop("error")
        self.optimizer.zero_grad()
        torch.stack(list(losses.values())).sum().backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimizer.step()
        learning.follow(self.average, self.network, self.step, self.decay)
        self.step += 1
        self.seconds += time.monotonic() - started
        self.errors.append(error.item())
        return {name: value.item() for name, value in losses.items()}

    @property
    def error(self) -> float:
        """Mean of the newest steps' errors."""
        return float(np.mean(self.errors)) if self.errors else math.nan

    def state(self) -> dict[str, Any]:
        return {
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "seconds": self.seconds,
            "errors": list(self.errors),
        }

    def restore(self, state: dict[str, Any]) -> None:
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.seconds = state["step"], state["seconds"]
        self.errors.extend(state["errors"])


def some_steps(stage: Stage, losses: Any) -> dict[str, float]:
    """A few steps, or as many as the stage's time allows; their mean losses."""
    taken: list[dict[str, float]] = []
    while stage.done < 1 and len(taken) < REPORT_STEPS:
        taken.append(stage.learn(losses))
    return {name: float(np.mean([losses[name] for losses in taken])) for name in taken[0]}


class Saver:
    """The checkpoint of all stages: read at the start, written now and then."""

    def __init__(self, path: Path, stages: dict[str, Stage]):
        self.path, self.stages = path, stages
        self.saved = time.monotonic()
        if path.exists():
            states = torch.load(path, map_location=devices.best(), weights_only=True)
            for name, stage in stages.items():
                stage.restore(states[name])

    def __call__(self, *, now: bool = False) -> None:
        if now or time.monotonic() - self.saved > CHECKPOINT_SECONDS:
            states = {name: stage.state() for name, stage in self.stages.items()}
            learning.save(states, self.path)
            self.saved = time.monotonic()


class Film:
    """A strip of pictures now and then, the same ones each time."""

    def __init__(self, out_dir: Path, name: str):
        self.folder = out_dir / "artifacts" / "film"
        self.name = name
        self.next = 0.0

    def is_due(self, done: float) -> bool:
        if done < self.next and done < 1:
            return False
        self.next = done + FILM_SHARE
        return True

    def write(self, tiles: list[np.ndarray], step: int) -> None:
        path = self.folder / f"{self.name}_{step:06d}.png"
        imagefiles.write(path, pictures.sheet(tiles, FILM_COLUMNS))
