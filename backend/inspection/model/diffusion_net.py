"""The network p(features | type) and its training by v-prediction. Heavy (torch).

Maps come whitened, so that GOOD is near N(0, I). For exactly N(0, I) the best v-prediction is 0
(v = alpha eps - sigma x0 is uncorrelated with x_t), so a denoiser whose output starts at zero
starts at the score of the whitened map's length and can only learn what that misses. Training keeps
the state that predicts held-out GOOD parts best, step 0 included.

Shapes: B parts, D dimensions, G x G positions, T types.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from backend.inspection.model.features import Tick, no_tick

TRAIN_STEPS = 1000  # discrete noise levels of the schedule
MARGIN = 0.1  # by which the wrong label's error shall be larger, separation loss


@dataclass(frozen=True)
class Settings:
    """What fixes the model's shape and its score.

    timesteps: K noise levels scored. noise_pairs: pairs +-noise a level; 0 scores the noise-free
    alpha x0 once a level. top_share: share of the patches that make the part's score.
    reference: what a patch is compared with, "nearest" patch or the Gaussian's "mean".
    separation: weight of the loss that keeps GOOD and BAD apart, mode uses-bad alone.
    rule: "own class", or the lowest score under any class (source B). rank: directions of its own
    that each position's whitening has, None: all. patches: GOOD ones kept a type. soft: over so
    much of squared distance the nearest patches share the place; 0: the nearest takes it all.
    """

    dims: int = 100
    shrinkage: float = 0.5
    width: int = 128
    timesteps: int = 4
    noise_pairs: int = 1
    top_share: float = 0.05
    steps: int = 200
    seed: int = 0
    reference: str = "mean"
    uses_bad: bool = False
    separation: float = 0.0
    rule: str = "own class"
    rank: int | None = None
    patches: int = 4096
    soft: float = 0.0


def noise_schedule() -> Tensor:
    """Share of the signal's variance left at each level [1000]: cosine (arXiv 2102.09672).

    The figures of diffusers' `squaredcos_cap_v2`, whose import would double a process's start.
    """
    at = torch.arange(TRAIN_STEPS + 1, dtype=torch.float64) / TRAIN_STEPS
    left = torch.cos((at + 0.008) / 1.008 * torch.pi / 2) ** 2
    beta = (1 - left[1:] / left[:-1]).clamp(max=0.999)
    return (1 - beta).cumprod(0).float()


def scored_timesteps(count: int) -> Tensor:
    """K evenly spaced noise levels from 0.1 to 0.7 of the schedule; 0.4 where K is 1."""
    at = torch.linspace(0.1, 0.7, count) if count > 1 else torch.tensor([0.4])
    return (at * TRAIN_STEPS).round().long()


class Block(nn.Module):
    """Residual: depthwise 3x3 (the neighbourhood), type and noise level, pointwise."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(8, width)
        self.near = nn.Conv2d(width, width, 3, padding=1, groups=width)
        self.condition = nn.Linear(width, 2 * width)
        self.mix = nn.Conv2d(width, width, 1)

    def forward(self, x: Tensor, c: Tensor) -> Tensor:
        scale, shift = self.condition(c)[:, :, None, None].chunk(2, 1)
        h = self.near(self.norm(x)) * (1 + scale) + shift
        return x + self.mix(nn.functional.silu(h))


class Denoiser(nn.Module):
    """v(x_t, t | type): one learned embedding a feature type, one shared network (source B).

    forward: x_t [B, D, G, G], t [B] in 0..1, types [B] -> v [B, D, G, G], zero before training.
    learned: [T] 1, or 0 for a type that is scored as before training; older models have none.
    """

    def __init__(self, dims: int, n_types: int, width: int = 128) -> None:
        super().__init__()
        self.types = nn.Embedding(n_types, width)
        self.level = nn.Sequential(nn.Linear(17, width), nn.SiLU(), nn.Linear(width, width))
        self.enter = nn.Conv2d(dims, width, 1)
        self.blocks = nn.ModuleList(Block(width) for _ in range(2))
        self.leave = nn.Conv2d(width, dims, 1)
        for parameter in self.leave.parameters():
            nn.init.zeros_(parameter)
        self.register_buffer("frequencies", torch.pi * 2.0 ** torch.arange(8) / 2)
        self.register_buffer("learned", torch.ones(n_types))
        self.register_load_state_dict_pre_hook(_with_learned)

    def forward(self, x: Tensor, t: Tensor, types: Tensor) -> Tensor:
        phase = t[:, None] * self.get_buffer("frequencies")
        c = self.level(torch.cat([t[:, None], phase.sin(), phase.cos()], 1)) + self.types(types)
        h = self.enter(x)
        for block in self.blocks:
            h = block(h, c)
        return (
            self.leave(nn.functional.silu(h)) * self.get_buffer("learned")[types, None, None, None]
        )


def _with_learned(net: nn.Module, state: dict[str, Tensor], prefix: str, *_: Any) -> None:
    state.setdefault(f"{prefix}learned", net.get_buffer("learned"))


def train(
    maps: NDArray[np.float32],
    conditions: NDArray[np.int64],
    held_out: tuple[NDArray[np.float32], NDArray[np.int64]],
    n_types: int,
    settings: Settings,
    tick: Tick = no_tick,
) -> Denoiser:
    """Fit p(map | condition) on maps [N, D, G, G] by v-prediction.

    A condition is a type; in mode uses-bad, type + n_types for a BAD part. Good-only returns the
    state, among those seen, with the lowest loss on the `held_out` GOOD maps: the untrained one
    where training does not help. Uses-bad returns the last, for untrained it knows no BAD.
    """
    torch.manual_seed(settings.seed)
    net = Denoiser(maps.shape[1], n_types * (1 + settings.uses_bad), settings.width)
    optimiser = torch.optim.AdamW(net.parameters(), 1e-3, weight_decay=0.01)
    rate = torch.optim.lr_scheduler.OneCycleLR(optimiser, 1e-3, total_steps=settings.steps + 1)
    schedule = noise_schedule()
    x, y = torch.from_numpy(maps), torch.from_numpy(conditions)
    best, best_loss = _copy(net), _held_out_loss(net, schedule, *held_out)
    every = max(10, settings.steps // 10)
    for step in range(1, settings.steps + 1):
        chosen = _batch(y, n_types)
        loss = _loss(net, schedule, x[chosen], y[chosen], n_types, settings)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        rate.step()
        if step % every == 0 or step == settings.steps:
            now = _held_out_loss(net, schedule, *held_out)
            if now < best_loss or settings.uses_bad:
                best, best_loss = _copy(net), now
        tick(step / settings.steps, f"diffusion, held-out loss {best_loss:.3f}")
    net.load_state_dict(best)
    return net.eval()


def _batch(conditions: Tensor, n_types: int, size: int = 32) -> Tensor:
    """Indices of a batch; BAD parts, rarer, are drawn as often as GOOD ones (oversampling)."""
    bad = conditions >= n_types
    if not bad.any():
        return torch.randint(len(conditions), (min(size, len(conditions)),))
    halves = [torch.nonzero(side)[:, 0] for side in (~bad, bad)]
    return torch.cat([side[torch.randint(len(side), (size // 2,))] for side in halves])


def _loss(
    net: Denoiser,
    schedule: Tensor,
    x: Tensor,
    conditions: Tensor,
    n_types: int,
    settings: Settings,
) -> Tensor:
    """The v loss, and where asked for, how far the other label's error falls short of `MARGIN`."""
    if not settings.uses_bad or not settings.separation:
        return _v_errors(net, schedule, x, [conditions])[0].mean()
    other = torch.where(conditions < n_types, conditions + n_types, conditions - n_types)
    own, wrong = _v_errors(net, schedule, x, [conditions, other])
    short = nn.functional.relu(MARGIN - (wrong - own))
    return own.mean() + settings.separation * short.mean()


def _copy(net: nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in net.state_dict().items()}


def _v_errors(
    net: Denoiser,
    schedule: Tensor,
    x: Tensor,
    conditions: list[Tensor],
    generator: torch.Generator | None = None,
) -> list[Tensor]:
    """Mean squared v errors [B] of the same noised maps under each of the conditions."""
    noise = torch.randn(x.shape, generator=generator)
    t = torch.randint(50, 800, (len(x),), generator=generator)
    kept = schedule[t][:, None, None, None]
    alpha, sigma = kept.sqrt(), (1 - kept).sqrt()
    noised, wanted = alpha * x + sigma * noise, alpha * noise - sigma * x
    return [
        (net(noised, t / TRAIN_STEPS, each) - wanted).square().mean((1, 2, 3))
        for each in conditions
    ]


@torch.no_grad()
def _held_out_loss(
    net: Denoiser,
    schedule: Tensor,
    maps: NDArray[np.float32],
    types: NDArray[np.int64],
) -> float:
    """The same noise at every call, so that two states can be compared."""
    if not len(maps):
        return float("inf")
    generator = torch.Generator().manual_seed(1)
    x, y = torch.from_numpy(maps), torch.from_numpy(types)
    return float(_v_errors(net, schedule, x, [y], generator)[0].mean())
