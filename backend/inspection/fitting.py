"""Fit every method on GOOD parts alone and score the others. Heavy (torch): import it in a job.

All methods see the same features, the same projection and the same held-out calibration parts.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from joblib import Parallel, delayed
from numpy.typing import NDArray
from torch import nn

from backend.inspection import baselines, denoiser, features, scoring, self_supervision
from backend.inspection.features import Choice, Tick, no_tick
from backend.inspection.folds import Data, Fold, Scored, calibration_split
from backend.inspection.scoring import Floats, Ints
from backend.records import Progress

if TYPE_CHECKING:
    from backend.inspection.crossval import Spec

BEGIN, SPAN = 0.15, 0.65  # where in the job the folds begin, and their share of it


@dataclass(frozen=True)
class Extracted:
    """A backbone, its feature maps [N, C, G, G] of all parts, and the seconds a part took."""

    backbone: nn.Module
    maps: Floats
    part_seconds: float


def part_of(progress: Progress, low: float, high: float) -> Tick:
    """A Tick whose 0..1 are the job's fractions `low`..`high`."""

    def tick(fraction: float, message: str) -> None:
        progress(low + (high - low) * fraction, message)

    return tick


def shared_features(spec: "Spec", choice: Choice, data: Data, tick: Tick) -> Extracted | None:
    """Features that serve every fold; None where each fold trains its own backbone."""
    backbone = features.fixed(choice, spec.strides, spec.seed)
    return None if backbone is None else _extract(backbone, data, tick)


def _own_features(spec: "Spec", data: Data, good: NDArray[np.intp], tick: Tick) -> Extracted:
    """A backbone trained on these GOOD parts only, and its features of all parts."""
    backbone = self_supervision.self_supervise(
        data.crops[good], data.types[good], spec.backbone_steps, spec.seed, spec.strides, tick
    )
    return _extract(backbone, data, tick)


def _extract(backbone: nn.Module, data: Data, tick: Tick) -> Extracted:
    started = time.monotonic()
    maps = features.extract(backbone, data.crops, tick)
    return Extracted(backbone, maps, (time.monotonic() - started) / len(data.crops))


def score_folds(
    spec: "Spec", data: Data, folds: list[Fold], shared: Floats | None, progress: Progress
) -> Iterator[Scored]:
    """Each fold in turn, or side by side in joblib's processes where `jobs` allows it.

    shared: feature maps [N, C, G, G] of all parts; None has each fold make its own.
    """
    width = SPAN / len(folds)
    if spec.jobs == 1:
        for i, fold in enumerate(folds):
            start = BEGIN + width * i
            yield _score_fold(spec, data, fold, shared, part_of(progress, start, start + width))
        return
    pool = Parallel(n_jobs=spec.jobs, return_as="generator")
    work = (delayed(_score_alone)(spec, data, fold, shared) for fold in folds)
    for i, done in enumerate(pool(work)):
        progress(BEGIN + width * (i + 1), f"fold {i + 1} of {len(folds)}", step=i + 1)
        yield done


def _score_alone(spec: "Spec", data: Data, fold: Fold, shared: Floats | None) -> Scored:
    """A fold in a process of its own, on one core."""
    torch.set_num_threads(1)
    return _score_fold(spec, data, fold, shared, no_tick)


def _score_fold(spec: "Spec", data: Data, fold: Fold, shared: Floats | None, tick: Tick) -> Scored:
    """Fit every method on the fold's GOOD training parts and score its test parts."""
    good = fold.train[data.good[fold.train]]

    def told(fraction: float, message: str) -> None:
        tick(fraction, f"fold {fold.number + 1} of repeat {fold.repeat + 1}: {message}")

    maps = _own_features(spec, data, good, told).maps if shared is None else shared
    held_out = calibration_split(data, good, spec.seed)
    scorer, projection, whitening = _fit_diffusion(spec, data, maps, good, held_out, told)
    scores, found = denoiser.score(scorer, maps[fold.test], data.types[fold.test])
    known, types, n = projection(maps[good]), data.types[good], len(data.names)
    models: dict[str, baselines.Padim | baselines.Mahalanobis] = {
        "padim": baselines.Padim(whitening),
        "mahalanobis": baselines.fit_mahalanobis(known[~held_out], types[~held_out], n),
    }
    usual = known[held_out], types[held_out]
    asked = projection(maps[fold.test]), data.types[fold.test]
    others = {
        name: _z_scores(model, usual, asked, n, spec.top_share) for name, model in models.items()
    }
    return Scored(fold, {"diffusion": scores, **others}, found)


def _fit_diffusion(
    spec: "Spec",
    data: Data,
    maps: Floats,
    good: NDArray[np.intp],
    held_out: NDArray[np.bool_],
    tick: Tick,
) -> tuple[denoiser.Scorer, scoring.Projection, scoring.Whitening]:
    """`denoiser.fit` on the GOOD parts [n] of the feature maps [N, C, G, G]."""
    settings = denoiser.Settings(
        dims=spec.dims,
        shrinkage=spec.shrinkage,
        timesteps=spec.timesteps,
        noise_pairs=spec.noise_pairs,
        top_share=spec.top_share,
        steps=spec.steps,
        seed=spec.seed,
    )
    return denoiser.fit(maps[good], data.types[good], held_out, len(data.names), settings, tick)


def _z_scores(
    model: baselines.Padim | baselines.Mahalanobis,
    usual: tuple[Floats, Ints],
    asked: tuple[Floats, Ints],
    n_types: int,
    top_share: float,
) -> Floats:
    """A baseline's scores [n_test] of `asked`, in z units of the held-out GOOD parts `usual`.

    usual, asked: projected maps [N, D, G, G] and types [N].
    """
    raw = [scoring.top_mean(model.maps(maps, types), top_share) for maps, types in (usual, asked)]
    scale = scoring.fit_scale(raw[0], usual[1], n_types)
    return scale(raw[1], asked[1])


def save_model(
    spec: "Spec",
    data: Data,
    shared: Extracted | None,
    backbone_note: str,
    out_dir: Path,
    tick: Tick,
) -> None:
    """Fit on all GOOD parts, as the folds were, and save it for export."""
    good = np.flatnonzero(data.good)
    own = shared or _own_features(spec, data, good, tick)
    held_out = calibration_split(data, good, spec.seed)
    scorer, _, _ = _fit_diffusion(spec, data, own.maps, good, held_out, tick)
    about = {
        "features": list(data.names),
        "size": spec.size,
        "mode": spec.mode,
        "backbone": backbone_note,
        "n_good": len(good),
        "parts_run": spec.parts_run,
        "inspect_run": out_dir.name,
    }
    folder = out_dir / "artifacts" / "model"
    folder.mkdir(parents=True, exist_ok=True)
    denoiser.save(folder, denoiser.Inspector(own.backbone, scorer), about)
