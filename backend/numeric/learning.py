"""What trainings share (PyTorch): learning for a given time, and checkpoints that are whole."""

import copy
import math
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

Losses = dict[str, Tensor]
State = dict[str, Any]
FLOOR = 0.02  # of the learning rate, in the end


@dataclass(frozen=True)
class Pace:
    """How long a training lasts, and how fast it learns meanwhile.

    seconds: that it may take; steps: or these, where they are done first. stride: steps between
    which neither counts on: the rate falls from one stride to the next. warm_up: steps in which the
    rate rises, a stair of so many at a time. floor: the share of the rate that is left in the end.
    decay: of the average of the weights; 0: it is the newest weights.
    """

    seconds: float
    steps: float = math.inf
    stride: int = 1
    warm_up: int = 1
    stair: int = 1
    floor: float = FLOOR
    decay: float = 0.0


class TimedTraining:
    """A network that learns for a given time: its rate rises, then falls; the weights are averaged.

    optimizer: of the network's weights, and of what else is learned; its rates are the highest.
    average: the network that is kept. seconds: spent so far, over all stops and restarts.
    """

    def __init__(self, network: nn.Module, optimizer: torch.optim.Optimizer, pace: Pace):
        self.network: Any = network
        self.average: Any = copy.deepcopy(network).eval().requires_grad_(False)
        self.optimizer, self.pace = optimizer, pace
        self.rates = [group["lr"] for group in optimizer.param_groups]
        self.step, self.seconds = 0, 0.0
        self.counted_to = time.monotonic()

    @property
    def rounds(self) -> int:
        """How many strides are done."""
        return self.step // self.pace.stride

    @property
    def done(self) -> float:
        """Fraction of the steps, or of the time where that runs out first."""
        if not self.pace.seconds:
            return 1.0
        steps = self.rounds * self.pace.stride / self.pace.steps
        return min(1.0, max(steps, self.seconds / self.pace.seconds))

    @property
    def is_cut_short(self) -> bool:
        """Was the time up before the steps were done?"""
        return self.done == 1 and self.rounds * self.pace.stride < self.pace.steps

    def round(self, losses: Iterable[Losses]) -> dict[str, float]:
        """A step down each of the losses, which are made one after the other, each on the network
        as the step before left it. Returns their means, and that of their sum as "loss"."""
        taken = []
        with self.counted():
            for found in losses:
                taken.append(self._descend(found))
                if not self.step % self.pace.stride:
                    self.count()
        names = sorted(set().union(*taken))
        return {name: float(np.mean([x[name] for x in taken if name in x])) for name in names}

    def _descend(self, losses: Losses) -> dict[str, float]:
        self._set_rates()
        loss = torch.stack(list(losses.values())).sum()
        self.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimizer.step()
        _follow(self.average, self.network, self.step, self.pace.decay)
        self.step += 1
        return {"loss": loss.item()} | {name: value.item() for name, value in losses.items()}

    def _set_rates(self) -> None:
        stairs = self.step // self.pace.stair + 1
        share = min(1.0, stairs * self.pace.stair / self.pace.warm_up)
        share *= falling(self.done, self.pace.floor)
        for group, rate in zip(self.optimizer.param_groups, self.rates, strict=True):
            group["lr"] = rate * share

    @contextmanager
    def counted(self) -> Iterator[None]:
        """What is done within takes of the training's time."""
        self.counted_to = time.monotonic()
        yield
        self.count()

    def count(self) -> None:
        """Take what has passed since the last count of the training's time."""
        now = time.monotonic()
        self.seconds += now - self.counted_to
        self.counted_to = now

    def state(self) -> State:
        parts = ("network", "average", "optimizer")
        states = {name: getattr(self, name).state_dict() for name in parts}
        return {"step": self.step, "seconds": self.seconds, **states}

    def restore(self, state: State) -> None:
        """Go on from a `state`."""
        self.step, self.seconds = state["step"], state["seconds"]
        for name in ("network", "average", "optimizer"):
            getattr(self, name).load_state_dict(state[name])


def falling(done: float, floor: float = FLOOR) -> float:
    """Share of the learning rate when the fraction `done` is over: half a cosine from 1 down."""
    return floor + (1 - floor) * (1 + math.cos(math.pi * done)) / 2


@torch.no_grad()
def _follow(average: nn.Module, network: nn.Module, step: int, most: float) -> None:
    """Exponential moving average of the weights, quicker at the start: decay at most `most`.
    Buffers are copied."""
    decay = min(most, (1 + step) / (10 + step))
    slow: list[Tensor] = list(average.parameters())
    fast: list[Tensor] = list(network.parameters())
    torch._foreach_lerp_(slow, fast, 1 - decay)
    for stored, current in zip(average.buffers(), network.buffers(), strict=True):
        stored.copy_(current)


class Learner(Protocol):
    """What can be stopped and go on."""

    def state(self) -> State: ...

    def restore(self, state: State) -> None: ...


class Checkpoint:
    """The state of what learns, in a file from which it goes on where there is one."""

    def __init__(self, path: Path, seconds: float, learner: Learner):
        self.path, self.seconds, self.learner = path, seconds, learner
        self.saved = time.monotonic()
        self.goes_on = path.exists()
        if self.goes_on:
            learner.restore(torch.load(path, map_location="cpu", weights_only=True))

    def keep(self, *, now: bool = False) -> None:
        """Write the file, whole or not at all, where the last time is `seconds` ago."""
        if not now and time.monotonic() - self.saved <= self.seconds:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        partial = self.path.with_suffix(".partial")
        torch.save(self.learner.state(), partial)
        partial.replace(self.path)
        self.saved = time.monotonic()
