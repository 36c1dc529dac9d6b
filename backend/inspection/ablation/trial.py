"""One setting of an ablation: cross-validated, judged and timed. Heavy (torch)."""

import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from backend.core import runs
from backend.inspection.model import cross_validation, features, folds, inspector, report
from backend.inspection.model.folds import Data
from backend.inspection.model.spec import Spec
from backend.numeric import statistics
from backend.records import MIN_BAD, Progress, UserError
from backend.settings import settings

Floats = NDArray[np.float64]
TIMED = 20  # single parts that are timed


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
    choice = features.choose(spec.weights, spec.weights_file, settings().weights)
    made = folds.planned(spec, data)
    shared = cross_validation.shared_features(
        spec, choice, data, cross_validation.part_of(progress, 0.02, 0.15)
    )
    maps = shared.maps if shared else None
    totals: dict[str, Floats] = {}
    for one in cross_validation.score_folds(spec, data, made, maps, progress):
        for method, scores in one.scores.items():
            totals.setdefault(method, np.zeros(len(data.frame)))[one.fold.test] += scores
    seconds = time.monotonic() - started
    progress(0.9, "timing single parts")
    scratch = out_dir / "checkpoint" / "timed"
    (scratch / "artifacts").mkdir(parents=True, exist_ok=True)
    untrained = replace(spec, steps=0)  # as fast as the trained one
    tick = cross_validation.part_of(progress, 0.9, 0.98)
    cross_validation.save_model(untrained, data, shared, choice.note, scratch, tick)
    part_ms = _part_ms(scratch / "artifacts" / "model", data)
    shutil.rmtree(scratch)
    return Trial({m: total / spec.repeats for m, total in totals.items()}, part_ms, seconds)


def _part_ms(folder: Path, data: Data) -> float:
    """Median processor time, ms, from one crop to its score on one thread, after a few to warm up.

    Not the clock on the wall: another job on the machine must not count against a setting.
    """
    model, _ = inspector.load(folder)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    taken = []
    try:
        with torch.inference_mode():
            for k in range(TIMED + 3):
                i = k % len(data.crops)
                asked = [torch.tensor(rows[i : i + 1]) for rows in (data.crops, data.types)]
                started = time.process_time()
                model(*asked)
                taken.append(time.process_time() - started)
    finally:
        torch.set_num_threads(threads)
    return float(np.median(taken[3:])) * 1000


@dataclass
class Judge:
    """Mean AUROC of each setting over the same features, and its difference to the first one."""

    data: Data
    averaged: tuple[str, ...]
    resamples: int
    seed: int
    first: Trial | None = None

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
        mean = self._mean_auroc(scores)
        found = self._bootstrap(mean)
        figures = dict(zip(("auroc", "low", "high"), found, strict=True))
        if own is None or own is scores:
            return figures
        first = self._mean_auroc(own)

        def difference(index: NDArray[np.intp]) -> float:
            return mean(index) - first(index)

        names = ("difference", "difference_low", "difference_high")
        return figures | dict(zip(names, self._bootstrap(difference), strict=True))

    def _bootstrap(self, metric: Any) -> statistics.Interval:
        groups = self.data.frame["group"]
        return statistics.group_bootstrap(metric, groups, self.resamples, seed=self.seed)

    def _mean_auroc(self, scores: Floats) -> Callable[[NDArray[np.intp]], float]:
        """Over the averaged features, of the parts that it is given."""
        chosen = [t for t, name in enumerate(self.data.names) if name in self.averaged]
        return partial(report.mean_auroc, self.data, scores, chosen)
