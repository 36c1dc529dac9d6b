"""One stage of a training: a network that learns for its share of the time (PyTorch)."""

import math
from collections import deque
from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor, nn

from backend.numeric import devices
from backend.numeric.learning import Losses, Pace, State, TimedTraining

REPORT_STEPS = 20
WARM_UP = 100


class Stage(TimedTraining):
    """A network that learns for a given time, with the errors of its newest steps.

    Step k draws its batch and its noise from seed and k alone.
    """

    def __init__(self, network: nn.Module, rate: float, seconds: float, decay: float, seed: int):
        network.to(devices.best(), memory_format=torch.channels_last)  # type: ignore[call-overload]
        optimizer = torch.optim.AdamW(
            network.parameters(), rate, (0.9, 0.99), 1e-6, 0.01, fused=True
        )
        super().__init__(network, optimizer, Pace(seconds, warm_up=WARM_UP, decay=decay))
        self.seed = seed
        self.errors: deque[float] = deque(maxlen=200)

    def begin_with(self, weights: dict[str, Tensor]) -> None:
        """Start from these weights; a stage that has begun already keeps its own."""
        if not self.step:
            self.network.load_state_dict(weights)
            self.average.load_state_dict(weights)

    def some_steps(self, losses: Callable[[torch.Generator], Losses]) -> Iterator[Losses]:
        """The losses of a few steps, or of as many as the time allows; "error" is kept apart."""
        for _ in range(REPORT_STEPS):
            if self.done == 1:
                return
            found = losses(torch.Generator().manual_seed(self.seed * 1_000_003 + self.step))
            self.errors.append(found.pop("error").item())
            yield found

    @property
    def error(self) -> float:
        """Mean of the newest steps' errors."""
        return float(np.mean(self.errors)) if self.errors else math.nan

    def state(self) -> State:
        return super().state() | {"errors": list(self.errors)}

    def restore(self, state: State) -> None:
        super().restore(state)
        self.errors.extend(state["errors"])


class Stages(dict[str, Stage]):
    """The stages by name, which are stopped and go on together."""

    def state(self) -> State:
        return {name: stage.state() for name, stage in self.items()}

    def restore(self, state: State) -> None:
        for name, stage in self.items():
            stage.restore(state[name])
