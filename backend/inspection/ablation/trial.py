"""One setting of an ablation: cross-validated, judged and timed. Heavy (torch)."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backend.core import runs
from backend.inspection.model import (
    cross_validation,
    feature_sets,
    features,
    final_model,
    folds,
    report,
)
from backend.inspection.model.folds import Data
from backend.inspection.model.spec import Spec
from backend.numeric import statistics
from backend.records import MIN_BAD, Progress, UserError
from backend.settings import settings

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Trial:
    """scores: method → out-of-fold score a part [N]. part_ms: picture to score, on one thread."""

    scores: dict[str, Floats]
    part_ms: float
    seconds: float


def within(progress: Progress, low: float, width: float, words: str) -> Progress:
    """A Progress whose 0 to 1 are a piece of the whole job's, with the setting's name in front."""

    def told(
        fraction: float,
        message: str = "",
        *,
        step: int | None = None,
        metrics: Mapping[str, float] | None = None,
    ) -> None:
        progress(low + width * fraction, f"{words}: {message}")

    return told


def measure(spec: Spec, data: Data, out_dir: Path, progress: Progress) -> Trial:
    """Every part's out-of-fold scores under these settings, and what one part costs."""
    started = time.monotonic()
    if spec.size != data.crops.shape[1]:
        data = folds.load(runs.sibling(out_dir, spec.parts_run), spec.size)
    choices = features.choose(spec.weights, spec.weights_file, settings().weights, spec.backbone)
    made = folds.planned(spec, data)
    tick = cross_validation.part_of(progress, 0.02, 0.15)
    shared = feature_sets.shared(spec, choices, data, tick)
    sets = feature_sets.maps_of(shared)
    totals: dict[str, Floats] = {}
    for one in cross_validation.score_folds(spec, data, made, sets, progress, beside=False):
        for method, scores in one.scores.items():
            totals.setdefault(method, np.zeros(len(data.frame)))[one.fold.test] += scores
    seconds = time.monotonic() - started
    untrained = replace(spec, steps=0)  # as fast as the trained one
    tick = cross_validation.part_of(progress, 0.9, 0.98)
    part_ms = final_model.prices(final_model.fit(untrained, data, shared, tick), [], data)
    return Trial(
        {m: total / spec.repeats for m, total in totals.items()}, part_ms["whole"], seconds
    )


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

    def rows(self, words: str, trial: Trial) -> list[dict[str, Any]]:
        """Rows of the table `ablations`, one a method; the first trial is the one compared with."""
        first = self.first = self.first or trial
        return [
            {
                "setting": words,
                "method": method,
                "n": len(self.data.frame),
                "part_ms": trial.part_ms if method == "diffusion" else None,
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
