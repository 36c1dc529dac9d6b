"""The settings of an ablation: cross-validated, judged and timed. Heavy (torch)."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backend.core import cluster, runs
from backend.core.units import Needs, Tick
from backend.inspection.model import (
    cross_validation,
    feature_sets,
    features,
    final_model,
    folds,
    report,
)
from backend.inspection.model.feature_sets import Extracted
from backend.inspection.model.folds import Data, Fold
from backend.inspection.model.spec import Spec
from backend.numeric import statistics
from backend.records import MIN_BAD, Progress, UserError, piece
from backend.settings import settings

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Trial:
    """scores: method → out-of-fold score a part [N]. seconds: that scoring all parts took."""

    scores: dict[str, Floats]
    seconds: float


def measure_all(
    settings_of: Mapping[str, Spec], data: Data, out_dir: Path, jobs: int, progress: Tick
) -> dict[str, Trial]:
    """Words → every part's out-of-fold scores under these settings; a file each below the run's
    checkpoint, so that an interrupted ablation keeps those that are done."""
    place = out_dir / "checkpoint" / "setting"
    named = dict(enumerate(settings_of.items()))
    files = {place / f"setting-{number}.npz": one for number, one in named.items()}
    needs = Needs(memory=cross_validation.MEMORY + 8 * data.crops.nbytes)
    cluster.make_all(
        _keep, (data, out_dir), files, out_dir, progress, noun="setting", jobs=jobs, needs=needs
    )
    return {words: _read(file) for file, (words, _) in files.items()}


def _keep(shared: tuple[Data, Path], item: tuple[str, Spec], file: Path, tick: Tick) -> None:
    (data, out_dir), (words, spec) = shared, item
    started = time.monotonic()
    found = _scores(spec, data, out_dir, within(tick, 0.0, 1.0, words))
    with file.open("wb") as stream:
        seconds = np.float64(time.monotonic() - started)
        np.savez(stream, allow_pickle=False, **{f"by {m}": s for m, s in found.items()}, t=seconds)


def _read(file: Path) -> Trial:
    with np.load(file) as kept:
        scores = {key.removeprefix("by "): kept[key] for key in kept.files if key != "t"}
        return Trial(scores, float(kept["t"]))


def within(progress: Tick, low: float, width: float, words: str) -> Progress:
    """A Progress whose 0 to 1 are a piece of the whole job's, with the setting's name in front."""
    return piece(lambda done, message: progress(low + width * done, f"{words}: {message}"))


def _scores(spec: Spec, data: Data, out_dir: Path, progress: Progress) -> dict[str, Floats]:
    made, shared, data = _prepared(spec, data, out_dir, progress)
    sets = feature_sets.maps_of(shared)
    totals: dict[str, Floats] = {}
    for one in cross_validation.score_folds(spec, data, made, sets, progress, beside=False):
        for method, scores in one.scores.items():
            totals.setdefault(method, np.zeros(len(data.frame)))[one.fold.test] += scores
    return {method: total / spec.repeats for method, total in totals.items()}


def _prepared(
    spec: Spec, data: Data, out_dir: Path, progress: Progress
) -> tuple[list[Fold], list[Extracted], Data]:
    """Folds, features and parts as these settings want them."""
    if spec.size != data.crops.shape[1]:
        data = folds.load(runs.sibling(out_dir, spec.parts_run), spec.size)
    choices = features.choose(spec.weights, spec.weights_file, settings().weights, spec.backbone)
    tick = cross_validation.part_of(progress, 0.02, 0.15)
    return folds.planned(spec, data), feature_sets.shared(spec, choices, data, tick), data


def price(spec: Spec, data: Data, out_dir: Path, progress: Progress) -> float:
    """Processor time of a part under these settings, ms on one thread of this computer: of all
    settings on the same one, and beside no other unit."""
    _, shared, data = _prepared(spec, data, out_dir, progress)
    untrained = replace(spec, steps=0)  # as fast as the trained one
    tick = cross_validation.part_of(progress, 0.2, 1.0)
    return final_model.prices(final_model.fit(untrained, data, shared, tick), [], data)["whole"]


@dataclass
class Judge:
    """Mean AUROC of each setting over the same features, and its difference to the first one."""

    data: Data
    averaged: tuple[str, ...]
    resamples: int
    seed: int
    first: Trial | None = None

    @cached_property
    def weights(self) -> NDArray[np.int64]:
        groups = self.data.frame["group"]
        return statistics.bootstrap_weights(groups, self.seed, self.resamples)

    @classmethod
    def of(cls, data: Data, resamples: int, seed: int) -> "Judge":
        """Features with enough BAD parts count; all that have any where none has enough.

        Raises UserError where no BAD part is known.
        """
        bad = np.bincount(data.types[~data.good], minlength=len(data.names))
        least = MIN_BAD if (bad >= MIN_BAD).any() else 1
        averaged = tuple(n for n, count in zip(data.names, bad, strict=True) if count >= least)
        if not averaged:
            raise UserError("No BAD part is known, so settings cannot be compared. Add some.")
        return cls(data, averaged, resamples, seed)

    def rows(self, words: str, trial: Trial, part_ms: float) -> list[dict[str, Any]]:
        """Rows of the table `ablations`, one a method; the first trial is the one compared with."""
        first = self.first = self.first or trial
        return [
            {
                "setting": words,
                "method": method,
                "n": len(self.data.frame),
                "part_ms": part_ms if method == "diffusion" else None,
                "seconds": trial.seconds,
                **self._figures(scores, first.scores.get(method)),
            }
            for method, scores in trial.scores.items()
        ]

    def _figures(self, scores: Floats, own: Floats | None) -> dict[str, float]:
        mean = self._mean_aurocs(scores)
        found = statistics.bootstrap_interval(mean)
        figures = dict(zip(("auroc", "low", "high"), found, strict=True))
        if own is None or own is scores:
            return figures
        difference = statistics.bootstrap_interval(mean - self._mean_aurocs(own))
        names = ("difference", "difference_low", "difference_high")
        return figures | dict(zip(names, difference, strict=True))

    def _mean_aurocs(self, scores: Floats) -> Floats:
        """Over the averaged features: of all parts, then of each draw."""
        return report.mean_aurocs(self.data, scores, self.averaged, self.weights)
