"""Cross-validated anomaly scores per feature type, and the model fitted on all parts.

Every method sees the same features and the same folds; all crops of a group stay in one fold.
Mode "good-only": no BAD part takes part in any fit or calibration. Mode "uses-bad": the diffusion
and a supervised baseline learn from the BAD parts of the training folds too.

The job, in order: `folds` divides the parts, `cross_validation` scores each fold and fits the final
model, `anomaly_maps` draws where defects were seen, `report` says how good the scores are.
"""

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from backend.core import runs
from backend.inspection.model.spec import Result, Spec
from backend.records import Progress
from backend.settings import settings

if TYPE_CHECKING:
    from backend.inspection.model.folds import Data
    from backend.inspection.model.report import Summary


def check_inputs(spec: Spec, runs_folder: Path) -> None:
    """Raises UserError where the parts cannot be divided as asked."""
    from backend.inspection.model import folds
    from backend.inspection.parts.crops import read_parts

    folds.planned(spec, folds.described(read_parts(runs_folder / spec.parts_run)))


def run(spec: Spec, out_dir: Path, progress: Progress) -> Result:
    """Score every part out of fold; writes scores, AUROCs, comparisons, maps and the model."""
    from backend.inspection.model import (
        anomaly_maps,
        cross_validation,
        features,
        folds,
        neighbours,
        report,
    )
    from backend.inspection.parts import lookalikes

    started = time.monotonic()
    progress(0.01, "reading crops")
    parts_folder = runs.sibling(out_dir, spec.parts_run)
    data = folds.load(parts_folder, spec.size)
    choice = features.choose(spec.weights, spec.weights_file, settings().weights)
    made = folds.planned(spec, data)
    shared = cross_validation.shared_features(
        spec, choice, data, cross_validation.part_of(progress, 0.02, 0.15)
    )
    scored = list(
        cross_validation.score_folds(spec, data, made, shared.maps if shared else None, progress)
    )
    tick = cross_validation.part_of(progress, 0.8, 0.95)
    cross_validation.save_model(spec, data, shared, choice.note, out_dir, tick)
    table = report.write_scores(data, scored, out_dir)
    progress(0.96, "anomaly maps")
    anomaly_maps.draw(data, scored, out_dir)
    neighbours.save(data, shared.maps if shared else None, out_dir)  # for the part explorer
    summary = report.summarise(data, table, spec.mode, spec.seed, out_dir, progress)
    progress(1.0, "done", metrics={f"AUROC {s}": v for s, v in summary.means.items() if v})
    summary = replace(summary, notes=(*folds.notes(made), *summary.notes))
    part_seconds = shared.part_seconds if shared else 0.0
    seconds = part_seconds, time.monotonic() - started
    return _result(spec, data, summary, choice.note, seconds, lookalikes.warning(parts_folder))


def _result(
    spec: Spec,
    data: "Data",
    summary: "Summary",
    backbone: str,
    seconds: tuple[float, float],
    alike: str,
) -> Result:
    """seconds: for the features of one part, and for the whole job."""
    n_good = int(data.good.sum())
    return Result(
        mean_auroc=summary.means,
        baseline=summary.baseline,
        averaged=summary.averaged,
        weakest=summary.weakest,
        difference=summary.difference,
        n=len(data.frame),
        n_good=n_good,
        n_bad=len(data.frame) - n_good,
        features=data.names,
        unreliable=summary.unreliable,
        backbone=backbone,
        mode=spec.mode,
        folds=spec.folds,
        repeats=spec.repeats,
        part_seconds=round(seconds[0], 5),
        seconds=round(seconds[1], 1),
        lookalikes=alike,
        notes=summary.notes,
    )
