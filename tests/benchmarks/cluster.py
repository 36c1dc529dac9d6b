"""Units on a Ray cluster of two processes against the ideal, half the time of one process."""

import os
import time
from pathlib import Path

import numpy as np

from tests.benchmarks.jobs import quiet, run_job

FOLDS = 8
WANTED = 0.8


def cluster(folder: Path) -> None:
    """Eight one-core test rounds on two Ray workers (aim: 0.8 of the ideal)."""
    from importlib.util import find_spec

    if find_spec("ray") is None:
        print("  Ray is not installed: see docs/cluster.md")
        return
    parts = run_job(folder / "runs", "parts", {"scale": 0.3, "size": 128})
    alone = _seconds(folder, parts.id, "one", "")
    started = time.perf_counter()
    _warm(folder)
    start = time.perf_counter() - started
    both = _seconds(folder, parts.id, "two", "local:2")
    print(f"  {'start of the cluster':<44}{start:9.3g} s")
    print(f"  {'eight test rounds, one process':<44}{alone:9.3g} s")
    print(f"  {'eight test rounds, two workers':<44}{both:9.3g} s")
    print(f"  {'efficiency':<44}{alone / 2 / both:9.3g} of the ideal (aim: {WANTED})")
    _price_of_nothing(folder)


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


def _warm(folder: Path) -> None:
    """Start the cluster and both of its workers."""
    _empty_units(folder, 2)


def _price_of_nothing(folder: Path) -> None:
    count = 200
    started = time.perf_counter()
    _empty_units(folder, count)
    each = (time.perf_counter() - started) / count * 1000
    print(f"  {'a unit that does nothing':<44}{each:9.3g} ms")


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
