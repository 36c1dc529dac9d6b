"""Fit every method on a fold's training parts and score the others. Heavy (torch).

All methods see the same features, the same projection and the same held-out calibration parts. In
mode good-only no BAD part takes part; in mode uses-bad the diffusion and the supervised baseline
see the training folds' BAD parts, the other baselines do not.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from joblib import Parallel, delayed
from numpy.typing import NDArray
from torch import nn

from backend.inspection.model import (
    baselines,
    crossfit,
    diffusion_scorer,
    feature_cache,
    features,
    inspector,
    scoring,
    self_supervision,
)
from backend.inspection.model.crossfit import Crossed
from backend.inspection.model.diffusion_net import Settings
from backend.inspection.model.features import Choice, Tick, no_tick
from backend.inspection.model.folds import Data, Fold, Scored, calibration_split
from backend.inspection.model.scoring import Floats, Ints
from backend.inspection.model.spec import Spec
from backend.records import Progress
from backend.settings import settings

ALARM = 0.95  # quantile of the calibration GOOD scores above which a part counts as BAD
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


def shared_features(spec: Spec, choice: Choice, data: Data, tick: Tick) -> Extracted | None:
    """Features that serve every fold; None where each fold trains its own backbone."""
    backbone = features.fixed(choice, spec.strides, spec.seed, spec.zoom)
    if backbone is None:
        return None
    made = feature_cache.extract(backbone, data.crops, settings().feature_cache, tick)
    return Extracted(backbone, *made)


def _own_features(spec: Spec, data: Data, good: NDArray[np.intp], tick: Tick) -> Extracted:
    """A backbone trained on these GOOD parts only, and its features of all parts."""
    backbone = self_supervision.self_supervise(
        data.crops[good], data.types[good], spec.backbone_steps, spec.seed, spec.strides, tick
    )
    started = time.monotonic()
    maps = features.extract(backbone, data.crops, tick)
    return Extracted(backbone, maps, (time.monotonic() - started) / len(data.crops))


def score_folds(
    spec: Spec, data: Data, folds: list[Fold], shared: Floats | None, progress: Progress
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


def _score_alone(spec: Spec, data: Data, fold: Fold, shared: Floats | None) -> Scored:
    """A fold in a process of its own, on one core."""
    torch.set_num_threads(1)
    return _score_fold(spec, data, fold, shared, no_tick)


def _score_fold(spec: Spec, data: Data, fold: Fold, shared: Floats | None, tick: Tick) -> Scored:
    """Fit every method on the fold's training parts and score its test parts."""
    good = fold.train[data.good[fold.train]]

    def told(fraction: float, message: str) -> None:
        tick(fraction, f"fold {fold.number + 1} of repeat {fold.repeat + 1}: {message}")

    maps = _own_features(spec, data, good, told).maps if shared is None else shared
    bad = _bad_of(spec, data, fold.train)
    others = np.concatenate([bad, fold.test])
    crossed = _cross(spec, data, maps, good, others)
    scorer = diffusion_scorer.fit_crossed(crossed, _settings(spec), data.types[bad], told)
    scores, found = diffusion_scorer.score(scorer, maps[fold.test], data.types[fold.test])
    # the calibration parts come first among those the final split asks about
    held = good[calibration_split(data, good, spec.seed)]
    usual = diffusion_scorer.score(scorer, maps[held], data.types[held])[0]
    made = {"diffusion": (scores, float(np.quantile(usual, ALARM)))}
    for name in methods_of(spec)[1:]:
        told(1.0, name)
        made[name] = _baseline(spec, name, crossed, data.types[bad], data.types[fold.test])
    under = (
        diffusion_scorer.under_every(scorer, maps[fold.test])
        if _wants_classes(spec, fold)
        else None
    )
    return Scored(
        fold,
        {name: one[0] for name, one in made.items()},
        found,
        {name: one[1] for name, one in made.items()},
        under,
    )


def methods_of(spec: Spec) -> tuple[str, ...]:
    """The methods in the order of their rows: the diffusion, then what it is compared with."""
    chosen = tuple(name for name in baselines.BASELINES if name in spec.methods)
    return ("diffusion", *chosen, *(("supervised",) if spec.mode == "uses-bad" else ()))


def _wants_classes(spec: Spec, fold: Fold) -> bool:
    return spec.class_scores and fold.repeat == 0


def _bad_of(spec: Spec, data: Data, chosen: NDArray[np.intp]) -> NDArray[np.intp]:
    """The BAD parts among the chosen that may be fitted on: none in mode good-only."""
    if spec.mode == "good-only":
        return chosen[:0]
    return chosen[~data.good[chosen]]


def _cross(
    spec: Spec, data: Data, maps: Floats, good: NDArray[np.intp], others: NDArray[np.intp]
) -> Crossed:
    """The GOOD parts divided for cross-fitting, and the others that are only asked about."""
    return crossfit.cross(
        maps[good],
        data.types[good],
        calibration_split(data, good, spec.seed),
        len(data.names),
        (maps[others], data.types[others]),
        dims=spec.dims,
        shrinkage=spec.shrinkage,
        seed=spec.seed,
    )


def _settings(spec: Spec) -> Settings:
    uses_bad = spec.mode == "uses-bad"
    return Settings(
        dims=spec.dims,
        shrinkage=spec.shrinkage,
        timesteps=spec.timesteps,
        noise_pairs=spec.noise_pairs,
        top_share=spec.top_share,
        steps=spec.steps,
        seed=spec.seed,
        reference=spec.reference,
        uses_bad=uses_bad,
        separation=spec.separation if uses_bad else 0.0,
        rule=spec.rule,
    )


def _baseline(
    spec: Spec, name: str, crossed: Crossed, bad_types: Ints, test_types: Ints
) -> tuple[Floats, float]:
    """A baseline's scores [n_test], in z units of unseen GOOD parts, and its alarm limit."""
    types, held, n_types = crossed.types, crossed.held_out, crossed.final.n_types
    if name == "supervised":  # it has learned from all the others
        usual, asked = _supervised(crossed, len(bad_types))
        types, held = types[held], held[held]
    else:
        unseen, others = crossed.ask(baselines.BASELINES[name])
        scale = scoring.fit_patch_scale(unseen, types, n_types)
        usual = scoring.top_mean(scale(unseen, types), spec.top_share)
        asked = scoring.top_mean(scale(others[len(bad_types) :], test_types), spec.top_share)
    whole = scoring.fit_part_scale(usual, types, held, n_types)
    limit = np.quantile(whole(usual, types)[held], ALARM)
    return whole(asked, test_types), float(limit)


def _supervised(crossed: Crossed, n_bad: int) -> tuple[Floats, Floats]:
    """Raw supervised scores of the held-out GOOD parts and of the test parts."""
    unseen, others = crossed.ask(lambda split: split.asked_white)
    held, types = crossed.held_out, crossed.types
    other_types = crossed.final.asked_types[crossed.n_held :]
    known = (
        np.concatenate([unseen[~held], others[:n_bad]]),
        np.concatenate([types[~held], other_types[:n_bad]]),
        np.arange((~held).sum() + n_bad) < (~held).sum(),
    )
    asked = (
        np.concatenate([unseen[held], others[n_bad:]]),
        np.concatenate([types[held], other_types[n_bad:]]),
    )
    found = baselines.supervised(known, asked, crossed.final.n_types)
    return found[: held.sum()], found[held.sum() :]


def save_model(
    spec: Spec,
    data: Data,
    shared: Extracted | None,
    backbone_note: str,
    out_dir: Path,
    tick: Tick,
) -> None:
    """Fit on all parts that the mode allows, as the folds were, and save it for export."""
    good = np.flatnonzero(data.good)
    own = shared or _own_features(spec, data, good, tick)
    bad = _bad_of(spec, data, np.arange(len(data.good)))
    crossed = _cross(spec, data, own.maps, good, bad)
    scorer = diffusion_scorer.fit_crossed(crossed, _settings(spec), data.types[bad], tick)
    about = {
        "features": list(data.names),
        "size": spec.size,
        "mode": spec.mode,
        "rule": spec.rule,
        "backbone": backbone_note,
        "n_good": len(good),
        "parts_run": spec.parts_run,
        "inspect_run": out_dir.name,
    }
    folder = out_dir / "artifacts" / "model"
    folder.mkdir(parents=True, exist_ok=True)
    inspector.save(folder, inspector.Inspector(own.backbone, scorer), about)
