"""Fit every method on a fold's training parts and score the others. Heavy (torch).

All methods see the same features, the same projections and the same held-out calibration parts; of
several feature sets, every method's score is the mean of its z-scores. In mode good-only no BAD
part takes part; in mode uses-bad the diffusion and the supervised baseline see the training folds'
BAD parts, the other baselines and the untrained diffusion do not.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from backend.core import cluster
from backend.core.units import Needs
from backend.inspection.model import (
    baselines,
    crossfit,
    diffusion_scorer,
    feature_sets,
    fused_scorer,
    scored_files,
    scoring,
    variants,
)
from backend.inspection.model.crossfit import Crossed
from backend.inspection.model.diffusion_net import Settings
from backend.inspection.model.diffusion_scorer import Prepared, Scorer
from backend.inspection.model.feature_sets import Sets
from backend.inspection.model.features import Tick
from backend.inspection.model.folds import Data, Fold, Scored, calibration_split
from backend.inspection.model.fused_scorer import Fused
from backend.inspection.model.scoring import Floats, Ints
from backend.inspection.model.spec import Spec
from backend.records import Progress

ALARM = 0.95  # quantile of the calibration GOOD scores above which a part counts as BAD
SOFT = 1.0  # squared distance of whitened patches; two GOOD ones are some 2 x 128 apart
MEMORY = 700 * 2**20  # bytes of a process that scores a fold, without its features
BEGIN, SPAN = 0.15, 0.65  # where in the job the folds begin, and their share of it


@dataclass(frozen=True)
class _Judged:
    """A method's scores [n_test] of a fold, the score that `ALARM` of the calibration GOOD parts
    keep under, and its anomaly maps [n_test, G, G], where it has any."""

    scores: Floats
    limit: float
    maps: Floats | None


def part_of(progress: Progress, low: float, high: float) -> Tick:
    """A Tick whose 0..1 are the job's fractions `low`..`high`."""

    def tick(fraction: float, message: str) -> None:
        progress(low + (high - low) * fraction, message)

    return tick


def score_folds(
    spec: Spec,
    data: Data,
    folds: list[Fold],
    sets: Sets,
    progress: Progress,
    beside: bool = True,
) -> Iterator[Scored]:
    """Each fold in turn, in this process.

    sets: feature maps of all parts; none has each fold make its own. beside: the diffusion's
    variants are scored too.
    """
    width = SPAN / len(folds)
    for i, fold in enumerate(folds):
        start = BEGIN + width * i
        yield _score_fold(spec, data, fold, sets, beside, part_of(progress, start, start + width))


def kept_folds(
    spec: Spec, data: Data, folds: list[Fold], sets: Sets, progress: Progress, place: Path
) -> list[Scored]:
    """`score_folds`, a file a fold below a run's checkpoint: side by side where `jobs` or a cluster
    allows it, and without those of an interrupted run that are there already."""
    files = {place / f"{place.name}-{fold.repeat}-{fold.number}.npz": fold for fold in folds}
    cluster.make_all(
        _keep_fold,
        (spec, data, sets),
        files,
        place.parents[1],
        part_of(progress, BEGIN, BEGIN + SPAN),
        noun="test round",
        jobs=spec.jobs,
        needs=Needs(memory=MEMORY + 4 * sum(one.nbytes for one in sets.values())),
    )
    return [scored_files.read(file, fold) for file, fold in files.items()]


def _keep_fold(shared: tuple[Spec, Data, Sets], fold: Fold, file: Path, tick: Tick) -> None:
    spec, data, sets = shared
    scored_files.write(file, _score_fold(spec, data, fold, sets, True, tick))


def _score_fold(spec: Spec, data: Data, fold: Fold, sets: Sets, beside: bool, tick: Tick) -> Scored:
    """Fit every method on the fold's training parts and score its test parts."""
    good = fold.train[data.good[fold.train]]

    def told(fraction: float, message: str) -> None:
        tick(fraction, f"test round {fold.number + 1} of repeat {fold.repeat + 1}: {message}")

    sets = sets or feature_sets.maps_of([feature_sets.own(spec, data, good, told)])
    bad = bad_of(spec, data, fold.train)
    others = np.concatenate([bad, fold.test])
    crossed = {name: cross(spec, data, maps, good, others) for name, maps in sets.items()}
    # the calibration parts come first among those the final split asks about
    held = good[calibration_split(data, good, spec.seed)]
    made, under = {}, None
    for name, model, chosen in _diffusions(spec, crossed, data.types[bad], beside, told):
        maps = [sets[one] for one in chosen]
        made[name] = _diffusion(model, maps, data.types, fold.test, held)
        if name == variants.DIFFUSION and _wants_classes(spec, fold):
            under = fused_scorer.under_every(model, [m[fold.test] for m in maps])
    for name in baselines_of(spec):
        told(1.0, name)
        made[name] = _baseline(
            spec, name, list(crossed.values()), data.types[bad], data.types[fold.test]
        )
    return Scored(
        fold,
        {name: one.scores for name, one in made.items()},
        {name: one.maps for name, one in made.items() if one.maps is not None},
        {name: one.limit for name, one in made.items()},
        under,
    )


def baselines_of(spec: Spec) -> tuple[str, ...]:
    """What the diffusion is compared with, in the order of the rows."""
    chosen = tuple(name for name in baselines.BASELINES if name in spec.methods)
    return (*chosen, *(("supervised",) if spec.mode == "uses-bad" else ()))


def _diffusions(
    spec: Spec, crossed: Mapping[str, Crossed], bad_types: Ints, beside: bool, tick: Tick
) -> Iterator[tuple[str, Fused, list[str]]]:
    """The diffusion and, `beside` it, its variants: name, model, and the feature sets it sees."""
    names, references = list(crossed), [spec.reference]
    if beside and spec.both_references:
        references.append(variants.other(spec.reference))
    for place, reference in enumerate(references):
        settings = replace(settings_of(spec), reference=reference)
        prepared = [diffusion_scorer.prepare(one, settings) for one in crossed.values()]
        told = feature_sets.share_of(tick, place, len(references))
        for name, chosen in _trainings(settings, beside):
            learned = bad_types if chosen.uses_bad else bad_types[:0]
            fitted = _fitted(prepared, chosen, learned, told)
            row = variants.with_reference(name, reference) if place else name
            yield row, Fused(fitted), names
            if row == variants.DIFFUSION:
                whole = fitted
    if beside and len(names) > 1:
        for one, scorer in zip(names, whole, strict=True):
            yield variants.alone(one), Fused([scorer]), [one]


def _fitted(
    prepared: Sequence[Prepared], settings: Settings, bad_types: Ints, tick: Tick
) -> list[Scorer]:
    """A scorer a feature set."""
    shares = [feature_sets.share_of(tick, place, len(prepared)) for place in range(len(prepared))]
    return [
        diffusion_scorer.fit_prepared(one, settings, bad_types, told)
        for one, told in zip(prepared, shares, strict=True)
    ]


def _trainings(settings: Settings, beside: bool) -> Iterator[tuple[str, Settings]]:
    """As asked for, and its start: without a training step, so that it knows no BAD part."""
    yield variants.DIFFUSION, settings
    if beside and settings.steps:
        start = replace(settings, steps=0, uses_bad=False, separation=0.0)
        yield variants.UNTRAINED, start


def _diffusion(
    model: Fused,
    maps: Sequence[Floats],
    types: Ints,
    test: NDArray[np.intp],
    held: NDArray[np.intp],
) -> _Judged:
    """What a fitted model makes of a fold's test parts, and of the GOOD parts `held` out."""
    scores, found = fused_scorer.score(model, [m[test] for m in maps], types[test])
    usual = fused_scorer.score(model, [m[held] for m in maps], types[held])[0]
    return _Judged(scores, float(np.quantile(usual, ALARM)), found)


def _wants_classes(spec: Spec, fold: Fold) -> bool:
    return spec.class_scores and fold.repeat == 0


def bad_of(spec: Spec, data: Data, chosen: NDArray[np.intp]) -> NDArray[np.intp]:
    """The BAD parts among the chosen that may be fitted on: none in mode good-only."""
    if spec.mode == "good-only":
        return chosen[:0]
    return chosen[~data.good[chosen]]


def cross(
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
        rank=spec.rank,
        seed=spec.seed,
    )


def settings_of(spec: Spec) -> Settings:
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
        rank=spec.rank,
        patches=spec.patches,
        soft=SOFT,
    )


def _baseline(
    spec: Spec, name: str, sets: Sequence[Crossed], bad_types: Ints, test_types: Ints
) -> _Judged:
    """A baseline's mean z-scores over the feature sets, in units of unseen GOOD parts."""
    each = [_by_set(spec, name, crossed, bad_types, test_types) for crossed in sets]
    usual = np.mean([one[0] for one in each], axis=0)
    asked = np.mean([one[1] for one in each], axis=0)
    maps = [torch.from_numpy(one[2]) for one in each if one[2] is not None]
    found = fused_scorer.mean_map(maps).numpy() if maps else None
    return _Judged(asked, float(np.quantile(usual, ALARM)), found)


def _by_set(
    spec: Spec, name: str, crossed: Crossed, bad_types: Ints, test_types: Ints
) -> tuple[Floats, Floats, Floats | None]:
    """On one feature set: z-scores of the held-out GOOD parts and of the test parts, and maps."""
    types, held, n_types = crossed.types, crossed.held_out, crossed.final.n_types
    found = None
    if name == "supervised":  # it has learned from all the others
        usual, asked = _supervised(crossed, len(bad_types))
        types, held = types[held], held[held]
    else:
        unseen, others = crossed.ask(baselines.BASELINES[name])
        scale = scoring.fit_patch_scale(unseen, types, n_types)
        found = scale(others[len(bad_types) :], test_types)
        usual = scoring.top_mean(scale(unseen, types), spec.top_share)
        asked = scoring.top_mean(found, spec.top_share)
    whole = scoring.fit_part_scale(usual, types, held, n_types)
    return whole(usual, types)[held], whole(asked, test_types), found


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
