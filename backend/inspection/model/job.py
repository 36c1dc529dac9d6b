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
from typing import TYPE_CHECKING, Any

from backend.core import facts, runs
from backend.images import resuming
from backend.inspection.model.spec import INNER, Result, Spec
from backend.records import Progress
from backend.settings import settings

if TYPE_CHECKING:
    from backend.inspection.model.folds import Data
    from backend.inspection.model.report import Summary


def check_inputs(spec: Spec, runs_folder: Path) -> None:
    """Raises UserError where the parts cannot be divided as asked."""
    from backend.inspection.model import folds
    from backend.inspection.parts.crops import read_parts

    data = folds.described(read_parts(runs_folder / spec.parts_run))
    made = folds.planned(spec, data)
    for fold in made if spec.best_per_type else ():
        folds.inner(data, fold, INNER, spec.seed)


def run(spec: Spec, out_dir: Path, progress: Progress) -> Result:
    """Score every part out of fold; writes scores, AUROCs, comparisons, maps and the model."""
    from backend.inspection.model import (
        anomaly_maps,
        best_per_type,
        cross_validation,
        feature_sets,
        features,
        final_model,
        folds,
        localisation,
        neighbours,
        report,
    )
    from backend.inspection.parts import lookalikes

    started = time.monotonic()
    progress(0.01, "reading crops")
    parts_folder = runs.sibling(out_dir, spec.parts_run)
    data = folds.load(parts_folder, spec.size)
    choices = features.choose(spec.weights, spec.weights_file, settings().weights, spec.backbone)
    made = folds.planned(spec, data)
    kinds = [one.kind for one in choices]  # "auto" may have meant others when it was stopped
    resuming.begins_again(out_dir, resuming.version([kinds, data.good.tobytes()]))
    shared = feature_sets.shared(
        spec, choices, data, cross_validation.part_of(progress, 0.02, 0.15)
    )
    sets = feature_sets.maps_of(shared)
    units = out_dir / "checkpoint"
    scored = cross_validation.kept_folds(spec, data, made, sets, progress, units / "fold")
    best = best_per_type.chosen(spec, data, scored) if spec.best_per_type else {}
    if spec.best_per_type:
        scored = list(best_per_type.scored(spec, data, scored, sets, progress, units))
    tick = cross_validation.part_of(progress, 0.8, 0.94)
    model = final_model.fit(spec, data, shared, tick, best)
    final_model.keep(spec, data, model, features.noted(choices), out_dir)
    part_ms = final_model.prices(model, list(sets), data)
    table = report.write_scores(data, scored, out_dir)
    progress(0.95, "anomaly maps")
    anomaly_maps.draw(data, scored, out_dir)
    tick = cross_validation.part_of(progress, 0.95, 0.965)
    located = localisation.rows(data, scored, parts_folder, report.DRAWS, spec.seed, tick)
    facts.write(out_dir, "localisation", located)
    neighbours.save(data, next(iter(sets.values()), None), out_dir)  # for the part explorer
    summary = report.summarise(data, table, spec.mode, spec.seed, out_dir, progress)
    progress(1.0, "done", metrics={f"AUROC {s}": v for s, v in summary.means.items() if v})
    told = best_per_type.notes(data, best) if spec.best_per_type else ()
    summary = replace(summary, notes=(*folds.notes(made), *told, *summary.notes))
    return _result(
        spec,
        data,
        summary,
        backbone=features.noted(choices),
        part_seconds=round(sum(one.part_seconds for one in shared), 5),
        part_ms=part_ms,
        seconds=round(time.monotonic() - started, 1),
        lookalikes=lookalikes.warning(parts_folder),
    )


def _result(spec: Spec, data: "Data", summary: "Summary", **measured: Any) -> Result:
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
        mode=spec.mode,
        folds=spec.folds,
        repeats=spec.repeats,
        notes=summary.notes,
        **measured,
    )
