"""The model fitted on all parts that its mode allows, as the folds were. Heavy (torch)."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from backend.inspection.model import cross_validation, diffusion_scorer, feature_sets, variants
from backend.inspection.model.diffusion_scorer import Scorer
from backend.inspection.model.feature_sets import Extracted
from backend.inspection.model.features import Tick
from backend.inspection.model.folds import Data
from backend.inspection.model.fused_scorer import Fused
from backend.inspection.model.inspector import TIMED, Inspector, processor_ms, save
from backend.inspection.model.spec import Spec


def fit(
    spec: Spec,
    data: Data,
    shared: Sequence[Extracted],
    tick: Tick,
    best: Mapping[int, str] | None = None,
) -> Inspector:
    """shared: features of all parts; none has the model train its own backbone. best: type → the
    row of the scores whose way it is scored, where it is not the diffusion's."""
    good = np.flatnonzero(data.good)
    sets = shared or [feature_sets.own(spec, data, good, tick)]
    scorers = [
        _scorer(spec, data, one, feature_sets.share_of(tick, place, len(sets)), best or {})
        for place, one in enumerate(sets)
    ]
    model = Fused(scorers)
    share, alone = model.get_buffer("share"), [variants.alone(one.name) for one in sets]
    for t, row in (best or {}).items():
        if row in alone:
            share[:, t] = 0
            share[alone.index(row), t] = 1
    return Inspector([one.backbone for one in sets], model).eval()


def _scorer(spec: Spec, data: Data, one: Extracted, tick: Tick, best: Mapping[int, str]) -> Scorer:
    bad = cross_validation.bad_of(spec, data, np.arange(len(data.good)))
    crossed = cross_validation.cross(spec, data, one.maps, np.flatnonzero(data.good), bad)
    settings = cross_validation.settings_of(spec)
    prepared = diffusion_scorer.prepare(crossed, settings)
    scorer = diffusion_scorer.fit_prepared(prepared, settings, data.types[bad], tick)
    if plain := [t for t, row in best.items() if row == variants.UNTRAINED]:
        start = diffusion_scorer.fit_prepared(prepared, replace(settings, steps=0), data.types[bad])
        diffusion_scorer.as_untrained(scorer, start, plain)
    return scorer


def keep(spec: Spec, data: Data, model: Inspector, backbone_note: str, out_dir: Path) -> None:
    """Save it for export, as artifacts/model."""
    about = {
        "features": list(data.names),
        "size": spec.size,
        "mode": spec.mode,
        "rule": spec.rule,
        "backbone": backbone_note,
        "n_good": int(data.good.sum()),
        "parts_run": spec.parts_run,
        "inspect_run": out_dir.name,
    }
    folder = out_dir / "artifacts" / "model"
    folder.mkdir(parents=True, exist_ok=True)
    save(folder, model, about)


def prices(model: Inspector, names: Sequence[str], data: Data) -> dict[str, float]:
    """Processor time a part, ms on one thread: of the whole model, and of each feature set alone.

    Without the sets where there is one, or each fold has its own.
    """
    crops, types = (torch.tensor(rows[:TIMED]) for rows in (data.crops, data.types))
    found = {"whole": processor_ms(model, crops, types)}
    if len(names) > 1:
        found |= {
            name: processor_ms(model.alone(place), crops, types) for place, name in enumerate(names)
        }
    return {name: round(ms, 2) for name, ms in found.items()}
