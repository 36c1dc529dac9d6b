"""How fast packages are, from the bytes of a picture to the verdict, on one thread."""

from functools import partial
from pathlib import Path

import numpy as np

from backend.core.runs import Run
from backend.deployment.latency import timing
from backend.deployment.latency.caller import Caller
from backend.deployment.latency.timing import Sample, Variant
from backend.deployment.package import contract
from backend.numeric import quantiles
from tests.benchmarks.jobs import run_job

CALLS = 400
SCALE = 0.3  # of source B's 1,327 parts
LEARNING = {"folds": 2, "steps": 5, "methods": ["padim"], "class_scores": False}
PRODUCT = "matrix product of 512 × 512 (baseline)"


def latency(folder: Path) -> None:
    """From a picture's bytes to the verdict on one thread, in turn with a matrix product (aims: one
    feature set p50 8 ms, p99 20 ms, 100 parts a second; two sets 15 and 30 ms; detector at 160 px
    12 ms)."""
    place = folder / "deployment"
    made = {**_anomaly_models(place), **_detectors(place)}
    calls = {name: Variant(_call(run), CALLS) for name, run in made.items()}
    samples = list(timing.in_turn({PRODUCT: Variant(_product(), CALLS), **calls}))
    _told(PRODUCT, samples)
    for name in made:
        _told(name, samples)


def _anomaly_models(place: Path) -> dict[str, Run]:
    """Packages of a model with one feature set and of two with two; the YOLO of one of these is
    untrained, which changes nothing of its speed."""
    from ultralytics import YOLO

    place.mkdir(parents=True)
    YOLO("yolov8n.yaml").save(place / "yolov8n.pt")
    parts = run_job(place, "parts", {"scale": SCALE})
    made = {}
    asked = {
        "one feature set": "scattering",
        "two": "coco+scattering",
        "two, no download": "rendered+scattering",
    }
    for name, weights in asked.items():
        values = {"weights": weights, "weights_file": str(place / "yolov8n.pt"), **LEARNING}
        model = run_job(place, "inspect", {"parts_run": parts.id, **values})
        packing = {"model_run": model.id, "tolerance": 0.001}  # hardly trained
        made[f"anomaly model, {name}"] = run_job(place, "package", packing)
    return made


def _detectors(place: Path) -> dict[str, Run]:
    """Packages of YOLOv8n, trained for one epoch."""
    images = run_job(place, "generate", {"count": 18, "intact_share": 0.2})
    data = run_job(place, "dataset", {"source_runs": [images.id], "counts": [18]})
    made = {}
    for size in (160, 640):
        values = {"dataset_run": data.id, "epochs": 1, "size": size}
        model = run_job(place, "detector", values)
        made[f"detector, {size} px"] = run_job(place, "package", {"model_run": model.id})
    return made


def _call(run: Run) -> timing.Call:
    caller = Caller(contract.read(contract.folder_of(run.folder)))
    return partial(caller.whole, contract.session(caller.package))


def _product() -> timing.Call:
    from threadpoolctl import threadpool_limits

    threadpool_limits(1)
    square = np.ones((512, 512), np.float32)
    return lambda k: square @ square


def _told(name: str, samples: list[Sample]) -> None:
    """Percentiles on the wall, and processor time, which other work does not lengthen."""
    mine = [one for one in samples if one.variant == name]
    base = np.median([one.cpu_ms for one in samples if one.variant == PRODUCT])
    wall = np.array([one.ms for one in mine])
    own = float(np.median([one.cpu_ms for one in mine]))
    p50, p99 = (quantiles.quantile(wall, share) for share in (0.5, 0.99))
    print(f"  {name:<44}{p50[0]:9.2f} ms p50 [{p50[1]:.2f}, {p50[2]:.2f}]", end="")
    print(f"   p99 {p99[0]:.2f} [{p99[1]:.2f}, {p99[2]:.2f}]   {1000 / wall.mean():.0f} parts/s")
    print(f"  {'  its processor time':<44}{own:9.2f} ms p50   {own / base:6.2f} × the baseline")
