"""YOLO training and prediction through ultralytics, offline, in the job's own process."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from ultralytics import YOLO
from ultralytics.utils import SETTINGS

from backend import checkpoints
from backend.records import Progress
from backend.synthesis.detecting import judging, testset

if TYPE_CHECKING:
    from backend.synthesis.detector import Spec

LEAST_CONFIDENCE = 0.001
NMS_IOU = 0.7
MOST_BOXES = 300
TRAINING_SHARE = 0.88


@dataclass(frozen=True)
class TrainedDetector:
    """best: the weights file. confidence: best F1 on the set's own validation images."""

    best: Path
    epochs: int
    own_ap50: float
    own_images: int
    confidence: float


def train(
    spec: "Spec", weights: Path | None, dataset: Path, out_dir: Path, progress: Progress
) -> TrainedDetector:
    """Train on a data set run; goes on from the last epoch where the run was interrupted."""
    best = out_dir / "artifacts" / "detector.pt"
    data = _data_file(dataset, out_dir)
    if not best.exists():
        _run_epochs(spec, weights, data, out_dir, progress)
    own = testset.read_yolo(data.parent, "val")
    judged = judging.judge(own, predict(best, [image.path for image in own], spec.size))
    return TrainedDetector(
        best=best,
        epochs=len((out_dir / "artifacts" / "results.csv").read_text().splitlines()) - 1,
        own_ap50=judged.ap50(),
        own_images=len(own),
        confidence=judging.best_f1_confidence(judged),
    )


def _run_epochs(
    spec: "Spec", weights: Path | None, data: Path, out_dir: Path, progress: Progress
) -> None:
    """Train in `checkpoint/training`, then keep the best weights and the table of epochs."""
    SETTINGS.update(sync=False)
    folder = out_dir / "checkpoint" / "training"
    last = folder / "weights" / "last.pt"
    if not _is_finished(last):
        model = YOLO(last) if last.exists() else _start(spec, weights)
        model.add_callback("on_fit_epoch_end", _Epochs(spec.epochs, progress))
        model.train(**({"resume": True} if last.exists() else _arguments(spec, data, out_dir)))
    shutil.copy(folder / "results.csv", out_dir / "artifacts" / "results.csv")
    shutil.copy(last.with_name("best.pt"), out_dir / "artifacts" / "detector.pt")


def _is_finished(last: Path) -> bool:
    """Did ultralytics close the training? It then strips the epoch from our own checkpoint."""
    if not last.exists():
        return False
    return torch.load(last, map_location="cpu", weights_only=False).get("epoch") == -1


def _start(spec: "Spec", weights: Path | None) -> YOLO:
    if weights is None:
        return YOLO(f"{spec.model}.yaml", task="detect")
    checkpoints.read(weights)
    return YOLO(weights, task="detect")


def _arguments(spec: "Spec", data: Path, out_dir: Path) -> dict[str, Any]:
    return {
        "data": str(data),
        "imgsz": spec.size,
        "batch": spec.batch,
        "epochs": spec.epochs,
        "seed": spec.seed,
        "device": 0 if torch.cuda.is_available() else "cpu",
        "amp": torch.cuda.is_available(),
        "workers": 0,
        "project": str(out_dir / "checkpoint"),
        "name": "training",
        "exist_ok": True,
        "plots": False,
        "verbose": False,
        "deterministic": True,
    }


def _data_file(dataset: Path, out_dir: Path) -> Path:
    """A data.yaml with the absolute place of the set, as ultralytics wants it.

    The set is copied into the run's own folder, for ultralytics writes a cache beside it.
    """
    folder = out_dir / "checkpoint" / "data"
    if not folder.exists():
        shutil.copytree(dataset / "artifacts", folder, dirs_exist_ok=True)
    path = folder / "data.yaml"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"path": str(folder)}))
    return path


class _Epochs:
    """ultralytics' callback: reports each epoch's losses and metrics."""

    def __init__(self, epochs: int, progress: Progress):
        self.epochs = epochs
        self.progress = progress

    def __call__(self, trainer: Any) -> None:
        done = trainer.epoch + 1
        if done > self.epochs:
            return
        losses = trainer.label_loss_items(trainer.tloss, prefix="train")
        metrics = {_short(k): float(v) for k, v in (losses | trainer.metrics).items()}
        message = f"epoch {done} of {self.epochs}, mAP50 {metrics.get('mAP50', 0):.2f}"
        self.progress(TRAINING_SHARE * done / self.epochs, message, step=done, metrics=metrics)


def _short(name: str) -> str:
    """`metrics/mAP50(B)` → `mAP50`, `train/box_loss` → `train box loss`."""
    return name.removeprefix("metrics/").removesuffix("(B)").replace("/", " ").replace("_", " ")


def predict(weights: Path, paths: list[Path], size: int) -> list[np.ndarray]:
    """Boxes of every image, float [P, 5] of x1 y1 x2 y2 confidence in px of the image itself."""
    model = YOLO(weights, task="detect")
    found = []
    for path in paths:
        result: Any = model.predict(
            str(path),
            imgsz=size,
            conf=LEAST_CONFIDENCE,
            iou=NMS_IOU,
            max_det=MOST_BOXES,
            verbose=False,
        )
        boxes = result[0].boxes
        found.append(np.column_stack([boxes.xyxy.cpu().numpy(), boxes.conf.cpu().numpy()]))
    return found
