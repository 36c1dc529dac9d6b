"""The conditional diffusion model as a scorer: fitted and calibrated. Heavy (torch).

Maps are whitened per (type, position) first. With reference "nearest" a map is each patch less the
nearest GOOD patch of its type, so that the untrained score is that of nearest patches: what a line
pattern has anywhere is no defect elsewhere. With "mean" it is the Gaussian's (PaDiM's) score.

It trains on maps that no Gaussian and no memory has seen, see `crossfit`. In mode uses-bad there is
an embedding for GOOD and one for BAD of every type, and the score is err(GOOD) - err(BAD), as in
source B's public code. The network and its training are in `diffusion_net`.

Shapes: B parts, D dimensions, G x G positions (P of them), T types, K timesteps, M noise maps.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from backend.inspection.model import crossfit, patch_memory, scoring
from backend.inspection.model.crossfit import Crossed, Split
from backend.inspection.model.diffusion_net import (
    TRAIN_STEPS,
    Denoiser,
    Settings,
    noise_schedule,
    scored_timesteps,
    train,
)
from backend.inspection.model.features import Tick, no_tick

PASSES = 8  # noised maps of a part that the denoiser sees at once
HALF = ("root", "turn", "bank")  # 16 bits a number, but for models of earlier versions


class Scorer(nn.Module):
    """Feature maps of one set and a type index to (part score [B], anomaly map [B, G, G]).

    Holds everything that is fixed after fitting: projection, whitening, noise bank, z-scores.
    """

    def __init__(
        self,
        channels: int,
        dims: int,
        grid: int,
        n_types: int,
        settings: Settings,
        rank: int,
        bank: int = 0,
    ) -> None:
        super().__init__()
        self.settings, self.grid = settings, grid
        self.n_types = n_types
        self.denoiser = Denoiser(dims, n_types * (1 + settings.uses_bad), settings.width)
        at = scored_timesteps(settings.timesteps)
        kept = noise_schedule()[at]
        shapes = {
            "weight": (dims, channels),
            "middle": (channels,),
            "bias": (dims,),
            "centre": (n_types, grid * grid, dims),
            "root": (n_types, dims, dims),
            "turn": (n_types, grid * grid, rank, dims),
            "bank": (n_types, bank, dims),
            "spread": (n_types,),
            "level_mean": (n_types, settings.timesteps, grid * grid),
            "level_std": (n_types, settings.timesteps, grid * grid),
            "part_mean": (n_types,),
            "part_std": (n_types,),
        }
        for name, shape in shapes.items():
            short = name in HALF and settings.rank is not None
            kept_as = torch.float16 if short else torch.float32
            self.register_buffer(name, torch.zeros(shape, dtype=kept_as))
        self.register_buffer("level", at / TRAIN_STEPS)
        self.register_buffer("alpha", kept.sqrt())
        self.register_buffer("sigma", (1 - kept).sqrt())
        self.register_buffer("noise", _noise_bank(settings, (dims, grid, grid)))

    def whitened(self, maps: Tensor, types: Tensor) -> Tensor:
        """[B, C, G, G] -> [B, D, G, G]; with reference "nearest", less the nearest GOOD patch."""
        flat = maps.flatten(2).transpose(1, 2) - self.get_buffer("middle")  # [B, P, C]
        rows = flat @ self.get_buffer("weight").T + self.get_buffer("bias")
        shared = (rows - self.get_buffer("centre")[types]) @ self._whole("root", types)
        turn = self._whole("turn", types)
        along = turn @ shared[..., None]  # [B, P, R, 1]
        white = shared - (along.transpose(2, 3) @ turn)[..., 0, :]
        if self.settings.reference == "nearest":
            bank = self._whole("bank", types)
            away = white - patch_memory.nearest(white, bank, self.settings.soft)
            white = away / self.get_buffer("spread")[types][:, None, None]
        return white.transpose(1, 2).unflatten(2, (self.grid, self.grid))

    def _whole(self, name: str, types: Tensor) -> Tensor:
        """What is kept with 16 bits, of these types alone, with 32."""
        return self.get_buffer(name)[types].float()

    def errors(self, x: Tensor, types: Tensor) -> Tensor:
        """Squared v error a dimension [B, K, G, G], averaged over the noise bank.

        In mode uses-bad: under the GOOD label less under the BAD one.
        """
        found = self._errors(x, types)
        return found - self._errors(x, types + self.n_types) if self.settings.uses_bad else found

    def _errors(self, x: Tensor, conditions: Tensor) -> Tensor:
        k, m = self.settings.timesteps, len(self.get_buffer("noise"))
        levels = torch.arange(k).repeat_interleave(m)
        noises = torch.arange(m).repeat(k)
        found = [
            self._passes(x, conditions, at, noise)
            for at, noise in zip(levels.split(PASSES), noises.split(PASSES), strict=True)
        ]
        return torch.cat(found).unflatten(0, (k, m)).mean(1).transpose(0, 1)

    def _passes(self, x: Tensor, conditions: Tensor, levels: Tensor, noises: Tensor) -> Tensor:
        """Squared v error [N, B, G, G] at N pairs of a noise level and a noise map, as one batch:
        a network this small waits for its calls, not for its sums."""
        n, shape = len(levels), (-1, 1, 1, 1, 1)
        a, s = (self.get_buffer(name)[levels].view(shape) for name in ("alpha", "sigma"))
        noise = self.get_buffer("noise")[noises][:, None]
        t = self.get_buffer("level")[levels][:, None].expand(n, x.shape[0])
        noised = (a * x + s * noise).flatten(0, 1)
        v = self.denoiser(noised, t.flatten(), conditions.repeat(n)).unflatten(0, (n, -1))
        return (a * noise - s * x - v).square().mean(2)

    def anomaly_map(self, x: Tensor, types: Tensor) -> Tensor:
        """Errors as z-scores of their (type, t, position), averaged over t: [B, G, G]."""
        return self.as_z(self.errors(x, types), types)

    def as_z(self, errors: Tensor, types: Tensor) -> Tensor:
        """[B, K, G, G] errors -> [B, G, G], see `anomaly_map`."""
        shape = (self.grid, self.grid)
        mean = self.get_buffer("level_mean")[types].unflatten(2, shape)
        std = self.get_buffer("level_std")[types].unflatten(2, shape)
        return ((errors - mean) / std).mean(1)

    def top(self, maps: Tensor) -> Tensor:
        """Mean of the highest patches [B]."""
        k = scoring.top_count(self.grid**2, self.settings.top_share)
        return maps.flatten(1).topk(k, dim=1).values.mean(1)

    def under(self, maps: Tensor, types: Tensor) -> tuple[Tensor, Tensor]:
        """Part scores [B] and anomaly maps [B, G, G] of feature maps, as parts of these types."""
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
    bad: tuple[NDArray[np.float32], NDArray[np.int64]] | None = None,
) -> tuple[Scorer, Crossed]:
    """Fit a scorer on GOOD feature maps [N, C, G, G].

    calibration: [N] True for the parts held out of every fit but that of the z-scores.
    bad: maps and types of BAD parts, for mode uses-bad alone.
    """
    others = bad or (maps[:0], types[:0])
    crossed = crossfit.cross(
        maps,
        types,
        calibration,
        n_types,
        others,
        dims=settings.dims,
        shrinkage=settings.shrinkage,
        rank=settings.rank,
        seed=settings.seed,
    )
    return fit_prepared(prepare(crossed, settings), settings, others[1], tick), crossed


@dataclass(frozen=True)
class Prepared:
    """What a scorer is fitted on: whitened maps [N, D, G, G] less their reference, of unit size.

    unseen: the GOOD parts, others: those that are only asked about, not yet of unit size.
    """

    crossed: Crossed
    unseen: NDArray[np.float32]
    others: NDArray[np.float32]
    bank: NDArray[np.float32]  # [T, M, D]
    spread: NDArray[np.float32]  # [T]


def prepare(crossed: Crossed, settings: Settings) -> Prepared:
    """The maps of parts already divided, by the reference that the settings name."""
    unseen, others = crossed.ask(lambda split: _away(split, settings))
    spread = _spread(unseen, crossed.types, crossed.final.n_types, settings)
    unseen = unseen / spread[crossed.types][:, None, None, None]
    return Prepared(crossed, unseen, others, _bank(crossed.final, settings), spread)


def fit_prepared(
    prepared: Prepared,
    settings: Settings,
    bad_types: NDArray[np.int64],
    tick: Tick = no_tick,
) -> Scorer:
    """Fit a scorer; of the other parts, the first are the BAD ones that it may learn from.

    bad_types: [n_bad] of these, empty where it may learn from none.
    """
    crossed, unseen = prepared.crossed, prepared.unseen
    types, held, n_types = crossed.types, crossed.held_out, crossed.final.n_types
    bad = prepared.others[: len(bad_types)] / prepared.spread[bad_types][:, None, None, None]
    net = train(
        np.concatenate([unseen[~held], bad]),
        np.concatenate([types[~held], bad_types + n_types]),
        (unseen[held], types[held]),
        n_types,
        settings,
        tick,
    )
    weight, grid, bank = crossed.projection.weight, unseen.shape[2], prepared.bank
    white = crossed.final.whitening
    shape = weight.shape[1], len(weight), grid, n_types
    scorer = Scorer(*shape, settings, white.turn.shape[2], bank.shape[1]).eval()
    scorer.denoiser.load_state_dict(net.state_dict())
    _set(scorer, "weight", weight)
    _set(scorer, "middle", crossed.projection.mean)
    _set(scorer, "centre", white.mean)
    _set(scorer, "root", white.root)
    _set(scorer, "turn", white.turn)
    _set(scorer, "bank", bank)
    _set(scorer, "spread", prepared.spread)
    calibrate(scorer, unseen, types, held)
    return scorer


def as_untrained(scorer: Scorer, start: Scorer, types: list[int]) -> None:
    """Have the scorer score these types as its untrained start does."""
    scorer.denoiser.get_buffer("learned")[types] = 0
    for name in ("level_mean", "level_std", "part_mean", "part_std"):
        scorer.get_buffer(name)[types] = start.get_buffer(name)[types]


def _bank(split: Split, settings: Settings) -> NDArray[np.float32]:
    """GOOD patches [T, M, D] of a split's known parts; none with reference "mean"."""
    if settings.reference == "mean":
        return np.zeros((split.n_types, 0, split.known_white.shape[1]), np.float32)
    known = split.known_white, split.known_types, split.n_types
    return patch_memory.bank_of(*known, settings.patches, settings.seed)


def _away(split: Split, settings: Settings) -> NDArray[np.float32]:
    """Whitened maps [M, D, G, G] of the parts asked about, less their reference."""
    if settings.reference == "mean":
        return split.asked_white
    bank = _bank(split, settings)
    return patch_memory.to_nearest(split.asked_white, split.asked_types, bank, settings.soft)


def _spread(
    unseen: NDArray[np.float32], types: NDArray[np.int64], n_types: int, settings: Settings
) -> NDArray[np.float32]:
    """Root mean square [T] of a type's unseen maps; 1 with reference "mean": they are white."""
    if settings.reference == "mean":
        return np.ones(n_types, np.float32)
    each = np.square(unseen).mean((1, 2, 3))
    whole = np.bincount(types, each, n_types) / np.maximum(np.bincount(types, minlength=n_types), 1)
    return np.sqrt(np.maximum(whole, 1e-6)).astype(np.float32)


def _set(scorer: Scorer, name: str, values: Any) -> None:
    buffer = scorer.get_buffer(name)
    buffer.copy_(torch.as_tensor(values, dtype=buffer.dtype).reshape(buffer.shape))


@torch.inference_mode()
def calibrate(
    scorer: Scorer,
    unseen: NDArray[np.float32],
    types: NDArray[np.int64],
    held_out: NDArray[np.bool_],
) -> None:
    """Set the z-scores of each (type, t, position) and of each type's parts, on unseen GOOD maps.

    held_out: [N] those that the denoiser has not learned from either.
    """
    x, y, n_types = torch.from_numpy(unseen), torch.from_numpy(types), scorer.n_types
    errors = np.concatenate(
        [scorer.errors(x[i : i + 64], y[i : i + 64]).numpy() for i in range(0, len(x), 64)]
    )
    for k in range(errors.shape[1]):
        scale = scoring.fit_patch_scale(errors[:, k], types, n_types)
        scorer.get_buffer("level_mean")[:, k] = torch.from_numpy(scale.mean)
        scorer.get_buffer("level_std")[:, k] = torch.from_numpy(scale.std)
    found = scorer.top(scorer.as_z(torch.from_numpy(errors), y)).numpy()
    parts = scoring.fit_part_scale(found, types, held_out, n_types)
    _set(scorer, "part_mean", parts.mean)
    _set(scorer, "part_std", parts.std)
