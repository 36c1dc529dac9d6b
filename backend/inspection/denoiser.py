"""The conditional diffusion model on feature maps, and the scorer that is deployed. Heavy (torch).

Maps are whitened per (type, position) first, so that GOOD is near N(0, I). For exactly N(0, I)
the best v-prediction is 0 (v = alpha eps - sigma x0 is uncorrelated with x_t), so a denoiser
whose output starts at zero starts at the Gaussian's (PaDiM's) score and can only learn what the
Gaussian misses. Training keeps the state that predicts held-out GOOD parts best, step 0 included.

The maps it trains on are whitened by Gaussians that did not see them (cross-fitting): with some
thirty parts a type, maps whitened by their own Gaussian have variance 0.4 where new GOOD parts
have 1.1, and a denoiser trained on those only gets worse.

Shapes: B parts, D dimensions, G x G positions (P of them), T types, K timesteps, M noise maps.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from backend.inspection import features, scoring
from backend.inspection.features import Tick, no_tick
from backend.records import UserError

TRAIN_STEPS = 1000  # discrete noise levels of the schedule
CROSS_FITS = 3


@dataclass(frozen=True)
class Settings:
    """What fixes the model's shape and its score.

    timesteps: K noise levels scored. noise_pairs: pairs +-noise a level; 0 scores the noise-free
    alpha x0 once a level. top_share: share of the patches that make the part's score.
    """

    dims: int = 100
    shrinkage: float = 0.5
    width: int = 128
    timesteps: int = 4
    noise_pairs: int = 1
    top_share: float = 0.05
    steps: int = 200
    seed: int = 0


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

    def forward(self, x: Tensor, t: Tensor, types: Tensor) -> Tensor:
        phase = t[:, None] * self.get_buffer("frequencies")
        c = self.level(torch.cat([t[:, None], phase.sin(), phase.cos()], 1)) + self.types(types)
        h = self.enter(x)
        for block in self.blocks:
            h = block(h, c)
        return self.leave(nn.functional.silu(h))


def train(
    maps: NDArray[np.float32],
    types: NDArray[np.int64],
    held_out: tuple[NDArray[np.float32], NDArray[np.int64]],
    n_types: int,
    settings: Settings,
    tick: Tick = no_tick,
) -> Denoiser:
    """Fit p(map | type) on whitened GOOD maps [N, D, G, G] by v-prediction.

    Returns the state, among those seen, with the lowest loss on the `held_out` GOOD maps; that
    is the untrained one (the Gaussian) where training does not help.
    """
    torch.manual_seed(settings.seed)
    net = Denoiser(maps.shape[1], n_types, settings.width)
    optimiser = torch.optim.AdamW(net.parameters(), 1e-3, weight_decay=0.01)
    rate = torch.optim.lr_scheduler.OneCycleLR(optimiser, 1e-3, total_steps=settings.steps + 1)
    schedule = noise_schedule()
    x, y = torch.from_numpy(maps), torch.from_numpy(types)
    best, best_loss = _copy(net), _held_out_loss(net, schedule, *held_out)
    every = max(10, settings.steps // 10)
    for step in range(1, settings.steps + 1):
        chosen = torch.randint(len(x), (min(32, len(x)),))
        loss = _v_loss(net, schedule, x[chosen], y[chosen])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        rate.step()
        if step % every == 0 or step == settings.steps:
            now = _held_out_loss(net, schedule, *held_out)
            if now < best_loss:
                best, best_loss = _copy(net), now
        tick(step / settings.steps, f"diffusion, held-out loss {best_loss:.3f}")
    net.load_state_dict(best)
    return net.eval()


def _copy(net: nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in net.state_dict().items()}


def _v_loss(
    net: Denoiser,
    schedule: Tensor,
    x: Tensor,
    types: Tensor,
    generator: torch.Generator | None = None,
) -> Tensor:
    noise = torch.randn(x.shape, generator=generator)
    t = torch.randint(50, 800, (len(x),), generator=generator)
    kept = schedule[t][:, None, None, None]
    alpha, sigma = kept.sqrt(), (1 - kept).sqrt()
    predicted = net(alpha * x + sigma * noise, t / TRAIN_STEPS, types)
    return nn.functional.mse_loss(predicted, alpha * noise - sigma * x)


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
    return float(_v_loss(net, schedule, x, y, generator))


class Scorer(nn.Module):
    """Feature maps and a type index to (part score [B], anomaly map [B, G, G]).

    Holds everything that is fixed after fitting: projection, whitening, noise bank, z-scores.
    The same module scores the folds and goes into the exported file.
    """

    def __init__(
        self, channels: int, dims: int, grid: int, n_types: int, settings: Settings
    ) -> None:
        super().__init__()
        self.settings, self.grid = settings, grid
        self.denoiser = Denoiser(dims, n_types, settings.width)
        at = scored_timesteps(settings.timesteps)
        kept = noise_schedule()[at]
        shapes = {
            "weight": (dims, channels),
            "bias": (dims,),
            "centre": (n_types, grid * grid, dims),
            "whiten": (n_types, grid * grid, dims, dims),
            "level_mean": (n_types, settings.timesteps),
            "level_std": (n_types, settings.timesteps),
            "part_mean": (n_types,),
            "part_std": (n_types,),
        }
        for name, shape in shapes.items():
            self.register_buffer(name, torch.zeros(shape))
        self.register_buffer("level", at / TRAIN_STEPS)
        self.register_buffer("alpha", kept.sqrt())
        self.register_buffer("sigma", (1 - kept).sqrt())
        self.register_buffer("noise", _noise_bank(settings, (dims, grid, grid)))

    def whitened(self, maps: Tensor, types: Tensor) -> Tensor:
        """[B, C, G, G] -> [B, D, G, G]."""
        flat = maps.flatten(2).transpose(1, 2)  # [B, P, C]
        rows = flat @ self.get_buffer("weight").T + self.get_buffer("bias")
        rows = rows - self.get_buffer("centre")[types]
        white = (self.get_buffer("whiten")[types] @ rows[..., None])[..., 0]
        return white.transpose(1, 2).unflatten(2, (self.grid, self.grid))

    def errors(self, x: Tensor, types: Tensor) -> Tensor:
        """Squared v error a dimension [B, K, G, G], averaged over the noise bank."""
        found = []
        for k in range(self.settings.timesteps):
            a, s = self.get_buffer("alpha")[k], self.get_buffer("sigma")[k]
            t = self.get_buffer("level")[k].expand(x.shape[0])
            passes = []
            for noise in self.get_buffer("noise"):
                v = self.denoiser(a * x + s * noise, t, types)
                passes.append(((a * noise - s * x - v) ** 2).mean(1))
            found.append(torch.stack(passes).mean(0))
        return torch.stack(found, 1)

    def anomaly_map(self, x: Tensor, types: Tensor) -> Tensor:
        """Errors as z-scores of their (type, t), averaged over t: [B, G, G]."""
        mean = self.get_buffer("level_mean")[types][:, :, None, None]
        std = self.get_buffer("level_std")[types][:, :, None, None]
        return ((self.errors(x, types) - mean) / std).mean(1)

    def top(self, maps: Tensor) -> Tensor:
        """Mean of the highest patches [B]."""
        k = scoring.top_count(self.grid**2, self.settings.top_share)
        return maps.flatten(1).topk(k, dim=1).values.mean(1)

    def forward(self, maps: Tensor, types: Tensor) -> tuple[Tensor, Tensor]:
        found = self.anomaly_map(self.whitened(maps, types), types)
        mean, std = self.get_buffer("part_mean")[types], self.get_buffer("part_std")[types]
        return (self.top(found) - mean) / std, found


def _noise_bank(settings: Settings, shape: tuple[int, ...]) -> Tensor:
    """[2 pairs, D, G, G]: each noise and its negative, which cancels the cross term; or one 0."""
    if not settings.noise_pairs:
        return torch.zeros(1, *shape)
    generator = torch.Generator().manual_seed(settings.seed)
    half = torch.randn(settings.noise_pairs, *shape, generator=generator)
    return torch.cat([half, -half])


def fit(
    maps: NDArray[np.float32],
    types: NDArray[np.int64],
    calibration: NDArray[np.bool_],
    n_types: int,
    settings: Settings,
    tick: Tick = no_tick,
) -> tuple[Scorer, scoring.Projection, scoring.Whitening]:
    """Fit a scorer on GOOD feature maps [N, C, G, G].

    calibration: [N] True for the parts held out of every fit but that of the z-scores.
    """
    keep = ~calibration
    projection = scoring.fit_projection(maps[keep], min(settings.dims, maps.shape[1]))
    projected = projection(maps)
    whitening = scoring.fit_whitening(projected[keep], types[keep], n_types, settings.shrinkage)
    white = whitening(projected, types)
    held_out = (white[calibration], types[calibration])
    unseen = cross_whitened(projected[keep], types[keep], n_types, settings)
    net = train(unseen, types[keep], held_out, n_types, settings, tick)
    scorer = Scorer(maps.shape[1], projected.shape[1], maps.shape[2], n_types, settings).eval()
    scorer.denoiser.load_state_dict(net.state_dict())
    _set(scorer, "weight", projection.weight)
    _set(scorer, "bias", projection.bias)
    _set(scorer, "centre", whitening.mean)
    _set(scorer, "whiten", whitening.matrix)
    calibrate(scorer, white[calibration], types[calibration])
    return scorer, projection, whitening


def cross_whitened(
    projected: NDArray[np.float32], types: NDArray[np.int64], n_types: int, settings: Settings
) -> NDArray[np.float32]:
    """Projected GOOD maps [N, D, G, G], each whitened by a Gaussian of the other thirds' parts."""
    third = np.empty(len(types), np.int64)
    rng = np.random.default_rng(settings.seed)
    for t in range(n_types):
        mine = rng.permutation(np.flatnonzero(types == t))
        third[mine] = np.arange(len(mine)) % CROSS_FITS
    white = np.empty_like(projected)
    for k in range(CROSS_FITS):
        fit_on, given = third != k, third == k
        whitening = scoring.fit_whitening(
            projected[fit_on], types[fit_on], n_types, settings.shrinkage
        )
        white[given] = whitening(projected[given], types[given])
    return white


def _set(scorer: Scorer, name: str, values: Any) -> None:
    buffer = scorer.get_buffer(name)
    buffer.copy_(torch.as_tensor(values, dtype=buffer.dtype).reshape(buffer.shape))


@torch.inference_mode()
def calibrate(scorer: Scorer, white: NDArray[np.float32], types: NDArray[np.int64]) -> None:
    """Set the z-scores of each (type, t), then of the part score, on held-out GOOD maps."""
    x, y = torch.from_numpy(white), torch.from_numpy(types)
    n_types = scorer.get_buffer("part_mean").shape[0]
    errors = scorer.errors(x, y).flatten(2).numpy()  # [N, K, P]
    for k in range(errors.shape[1]):
        patches = errors[:, k]
        each = patches.shape[1]
        scale = scoring.fit_scale(patches.ravel(), types.repeat(each), n_types, each)
        scorer.get_buffer("level_mean")[:, k] = torch.from_numpy(scale.mean)
        scorer.get_buffer("level_std")[:, k] = torch.from_numpy(scale.std)
    parts = scoring.fit_scale(scorer.top(scorer.anomaly_map(x, y)).numpy(), types, n_types)
    _set(scorer, "part_mean", parts.mean)
    _set(scorer, "part_std", parts.std)


@torch.inference_mode()
def score(
    scorer: Scorer, maps: NDArray[np.float32], types: NDArray[np.int64], batch: int = 32
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Part scores [N] and anomaly maps [N, G, G] of feature maps [N, C, G, G]."""
    found = [
        scorer(torch.from_numpy(maps[i : i + batch]), torch.from_numpy(types[i : i + batch]))
        for i in range(0, len(maps), batch)
    ]
    return torch.cat([s for s, _ in found]).numpy(), torch.cat([m for _, m in found]).numpy()


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
        "n_types": scorer.get_buffer("part_mean").shape[0],
        "about": dict(about),
    }
    state = {name: value.contiguous().clone() for name, value in inspector.state_dict().items()}
    save_file(state, folder / "model.safetensors")
    (folder / "model.json").write_text(json.dumps(head, indent=1), encoding="utf-8")


def load(folder: Path) -> tuple[Inspector, dict[str, Any]]:
    """The inspector that `save` wrote, and its `about`. Raises UserError where it is damaged."""
    try:
        head = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        settings = Settings(**head["settings"])
        scorer = Scorer(head["channels"], head["dims"], head["grid"], head["n_types"], settings)
        inspector = Inspector(features.rebuild(head["backbone"]), scorer)
        inspector.load_state_dict(load_file(folder / "model.safetensors"))
    except Exception as error:
        raise UserError(
            f"The model in {folder} cannot be read ({type(error).__name__}). "
            "Run the anomaly model again."
        ) from error
    return inspector.eval(), head["about"]
