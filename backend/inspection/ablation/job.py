"""What each setting of an anomaly model is worth: the same folds with one thing changed at a time.

The first setting is the model's own. Every other is compared with it on the same parts, in pairs.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from backend.core import facts, runs, specs
from backend.inspection.ablation.spec import Result, Spec, grid
from backend.inspection.model.spec import Result as ModelResult
from backend.inspection.model.spec import Spec as ModelSpec
from backend.records import Progress
from backend.wording import chance, known

BESIDE = ("padim",)  # scored on the same features, to tell these from the diffusion's own settings


def run(spec: Spec, out_dir: Path, progress: Progress) -> Result:
    """Cross-validate every setting; writes the facts table `ablations`."""
    from backend.inspection.ablation.trial import Judge, measure_all, price, within
    from backend.inspection.model import cross_validation, folds
    from backend.inspection.parts import lookalikes

    folder = runs.sibling(out_dir, spec.inspect_run)
    base = _as_made(runs.read(folder))
    specs.validate(base)
    base = dataclasses.replace(
        base, jobs=spec.jobs, methods=BESIDE, class_scores=False, best_per_type=False
    )
    settings = grid(base, spec.changes)
    progress(0.01, "reading crops")
    data = folds.load(runs.sibling(out_dir, base.parts_run), base.size)
    judge = Judge.of(data, spec.resamples, base.seed)
    for setting in settings.values():
        folds.planned(setting, data)  # what cannot be divided is told before hours of work
    tick = cross_validation.part_of(progress, 0.02, 0.8)
    trials = measure_all(settings, data, out_dir, spec.jobs, tick)
    rows: list[dict[str, Any]] = []
    for place, (words, trial) in enumerate(trials.items()):
        width = 0.19 / len(trials)
        told = within(progress, 0.8 + place * width, width, f"{words}, timing")
        ms = price(settings[words], data, out_dir, told)
        rows += judge.rows(words, trial, ms)
    facts.write(out_dir, "ablations", rows)
    progress(1.0, "done")
    return _result(rows, judge.averaged, base, lookalikes.warning(folder))


def _as_made(run: runs.Run) -> ModelSpec:
    """The settings of a model, with the features that `auto` meant when it was made."""
    made = runs.spec(run, ModelSpec)
    timed = {} if run.result is None else runs.result(run, ModelResult).part_ms
    sets = [name for name in timed if name != "whole"] or ["scattering"]
    named = made.weights == "auto" and bool(timed)
    return dataclasses.replace(made, weights="+".join(sets)) if named else made


def chances(rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Setting → two-sided p of its difference to the model as it is, after Holm over the settings.

    From the width of the interval, as if the bootstrap were normal; without one nothing is known.
    """
    from backend.numeric import statistics

    raw = {}
    for row in rows:
        figures: list[Any] = [row.get(f"difference{end}") for end in ("", "_low", "_high")]
        if all(map(known, figures)):
            value, low, high = figures
            width = (high - low) / (2 * statistics.Z95)
            raw[row["setting"]] = statistics.normal_p(value, width)
    return statistics.holm(raw)


def verdict(rows: Sequence[Mapping[str, Any]]) -> str:
    """Which settings are better or worse than the model as it is; rows of one method."""
    sure, others = chances(rows), len(rows) - 1
    told = [row for row in rows if sure.get(row["setting"], 1) < 0.05]
    parts = [
        f"{side} than the model as it is: "
        + ", ".join(f"{row['setting']} ({chance(sure[row['setting']])})" for row in found)
        for side, found in (
            ("Better", [row for row in told if row["difference"] > 0]),
            ("Worse", [row for row in told if row["difference"] < 0]),
        )
        if found
    ]
    if parts:
        return f"{'. '.join(parts)}. After Holm over {others} settings."
    return "Cannot be told: no setting differs from the model as it is beyond chance (Holm)."


def _result(
    rows: list[dict[str, Any]], averaged: tuple[str, ...], base: ModelSpec, alike: str
) -> Result:
    mine = [row for row in rows if row["method"] == "diffusion"]
    return Result(
        verdict=verdict(mine),
        settings=len(mine),
        own_auroc=round(mine[0]["auroc"], 4),
        averaged=averaged,
        folds=base.folds,
        mode=base.mode,
        lookalikes=alike,
    )
