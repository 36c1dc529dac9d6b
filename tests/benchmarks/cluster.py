"""Units on a Ray cluster of two processes against the ideal, half the time of one process."""

import os
import time
from pathlib import Path

import numpy as np

from tests.benchmarks.jobs import quiet, run_job

FOLDS, SCALE = 8, 0.15  # SCALE: of source B's 1,327 parts
WANTED = 0.8


def cluster(folder: Path) -> None:
    """Eight one-core test rounds on two Ray workers (aim: 0.8 of the ideal)."""
    from importlib.util import find_spec

    if find_spec("ray") is None:
        print("  Ray is not installed: see docs/cluster.md")
        return
    parts = run_job(folder / "runs", "parts", {"scale": SCALE, "size": 128})
    alone = _seconds(folder, parts.id, "one", "")
    _told("eight test rounds, one process", alone, "s")
    started = time.perf_counter()
    _empty_units(folder, 2)
    _told("start of the cluster and its workers", time.perf_counter() - started, "s")
    both = _seconds(folder, parts.id, "two", "local:2")
    _told("eight test rounds, two workers", both, "s")
    _told("efficiency", alone / 2 / both, f"of the ideal (aim: {WANTED})")
    count = 200
    started = time.perf_counter()
    _empty_units(folder, count)
    _told("a unit that does nothing", (time.perf_counter() - started) / count * 1000, "ms")


def _told(name: str, value: float, unit: str) -> None:
    print(f"  {name:<44}{value:9.3g} {unit}", flush=True)


def _use(address: str) -> None:
    from backend import settings as settings_module

    os.environ["DISTILLERY_CLUSTER"] = address
    settings_module.settings.cache_clear()


def _seconds(folder: Path, parts_run: str, name: str, address: str) -> float:
    """Wall time of the test rounds alone: features were computed before."""
    import torch

    from backend.core import runs
    from backend.inspection.model import cross_validation, feature_sets, features, folds
    from backend.inspection.model.spec import Spec
    from backend.settings import settings

    torch.set_num_threads(1)
    _use(address)
    spec = Spec(parts_run=parts_run, weights="scattering", folds=FOLDS)
    data = folds.load(folder / "runs" / parts_run, spec.size)
    choices = features.choose(spec.weights, "", settings().weights, "")
    sets = feature_sets.maps_of(feature_sets.shared(spec, choices, data, lambda *_: None))
    out_dir = runs.create(folder / "runs", "inspect", {"name": name}).folder
    made = folds.planned(spec, data)
    started = time.perf_counter()
    cross_validation.kept_folds(spec, data, made, sets, quiet, out_dir / "checkpoint" / "fold")
    return time.perf_counter() - started


def _empty_units(folder: Path, count: int) -> None:
    from backend.core import cluster as core
    from backend.core import runs

    _use("local:2")
    out_dir = runs.create(folder / "runs", "inspect", {}).folder
    items = {out_dir / "checkpoint" / "x" / f"unit-{k}.npy": k for k in range(count)}
    core.make_all(_nothing, 0, items, out_dir, quiet, noun="unit")


def _nothing(shared: int, item: int, file: Path, tick: object) -> None:
    with file.open("wb") as stream:
        np.save(stream, np.zeros(1))
