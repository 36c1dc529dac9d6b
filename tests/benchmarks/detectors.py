"""What our side of a detector's training costs beside ultralytics' own command."""

import time
from pathlib import Path

from backend.detection import yolo_set
from backend.detection.detector import epochs, training
from backend.detection.detector.spec import Recipe
from backend.images.labelled_image import LabelledImage
from tests.benchmarks.jobs import quiet

IMAGES, EPOCHS, SIZE, ROUNDS = 64, 3, 128, 2
RECIPE = Recipe("yolov8n", SIZE, 8, EPOCHS, 100, "usual", 0)


def overhead(folder: Path) -> tuple[float, float]:
    """Seconds of a training through our job's code, and of `YOLO().train` with the same settings.

    The faster of several rounds by turns; both start from random weights.
    """
    data = _data(folder / "set")
    ours, plain = [], []
    for k in range(ROUNDS):
        plain.append(_plain(data, folder / f"plain-{k}"))
        ours.append(_ours(data, folder / f"ours-{k}"))
    return min(ours), min(plain)


def _data(folder: Path) -> Path:
    from backend.renderer import render

    shots = [render(5_000 + k, SIZE) for k in range(IMAGES)]
    items = [
        LabelledImage(shot.image, "rendered", shot.boxes, group=str(k))
        for k, shot in enumerate(shots)
    ]
    yolo_set.write(folder, items, ["val" if k % 5 == 0 else "train" for k in range(IMAGES)])
    return folder


def _ours(data: Path, out_dir: Path) -> float:
    (out_dir / "artifacts").mkdir(parents=True)
    begun = time.perf_counter()
    copied = training.data_file(data, out_dir)
    epochs.run(RECIPE, None, copied, out_dir / "training", quiet)
    return time.perf_counter() - begun


def _plain(data: Path, out_dir: Path) -> float:
    from ultralytics import YOLO

    out_dir.mkdir(parents=True)
    copied = training.data_file(data, out_dir)
    begun = time.perf_counter()
    told = epochs.arguments(RECIPE, copied, out_dir / "training")
    YOLO(f"{RECIPE.model}.yaml", task="detect").train(**told)
    return time.perf_counter() - begun
