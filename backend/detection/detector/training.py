"""YOLO training and prediction through ultralytics, offline, in the job's own process."""

import json
import pickle
import shutil
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from ultralytics import YOLO
from ultralytics.utils import SETTINGS

from backend.detection import evaluation
from backend.detection.detector import validation
from backend.detection.detector.spec import Recipe, Spec
from backend.detection.evaluation import Judged
from backend.detection.testset import test_images
from backend.detection.testset.test_images import LabelledImage
from backend.numeric import checkpoints
from backend.records import Progress

TRAINING_SHARE = 0.86
AUGMENTATION: dict[str, dict[str, float]] = {
    "usual": {},
    "light": {"mosaic": 0.0, "scale": 0.2, "translate": 0.05, "hsv_h": 0.0, "hsv_s": 0.2},
    "none": dict.fromkeys(
        ("mosaic", "scale", "translate", "hsv_h", "hsv_s", "hsv_v", "fliplr"), 0.0
    ),
}


@dataclass(frozen=True)
class TrainedDetector:
    """best: the weights file. names: its classes. own: judged on the set's own validation images.
    confidence: best F1 there."""

    best: Path
    names: tuple[str, ...]
    epochs: int
    own: Judged
    confidence: float


def train(
    spec: Spec, weights: Path | None, dataset: Path, out_dir: Path, progress: Progress
) -> TrainedDetector:
    """Train on a data set run; goes on from the last epoch where the run was interrupted."""
    best = out_dir / "artifacts" / "detector.pt"
    data = _data_file(dataset, out_dir)
    recipe = spec.recipe()
    if not best.exists():
        _run_epochs(recipe, weights, data, out_dir, progress)
    names = tuple(json.loads(data.read_text(encoding="utf-8"))["names"].values())
    own = test_images.read_yolo(data.parent, "val").images
    progress(TRAINING_SHARE, f"judging {len(own)} of its own validation images")
    folder = out_dir / "checkpoint" / "own"
    judged = judge(best, own, names, recipe.size, folder)
    return TrainedDetector(
        best=best,
        names=names,
        epochs=len((out_dir / "artifacts" / "results.csv").read_text().splitlines()) - 1,
        own=judged,
        confidence=judged.best_f1().confidence,
    )


def judge(
    weights: Path,
    images: Sequence[LabelledImage],
    names: tuple[str, ...],
    size: int,
    folder: Path,
) -> Judged:
    """Validate as ultralytics does, and judge what it found. folder: a place to work in."""
    found = validation.validate(weights, images, names, size, folder)
    boxes, levels = [f.boxes for f in found], [f.levels for f in found]
    return evaluation.judge(images, boxes, levels, names)


def _run_epochs(
    recipe: Recipe, weights: Path | None, data: Path, out_dir: Path, progress: Progress
) -> None:
    """Train in `checkpoint/training`, then keep the best weights and the table of epochs."""
    SETTINGS.update(sync=False)
    folder = out_dir / "checkpoint" / "training"
    last = folder / "weights" / "last.pt"
    if not _is_finished(last):
        goes_on = last.exists()
        model = YOLO(last) if goes_on else start(recipe.model, weights)
        epochs = _Epochs(recipe.epochs, progress)
        model.add_callback("on_train_start", epochs.begin)
        model.add_callback("on_fit_epoch_end", epochs)
        model.train(**({"resume": True} if goes_on else arguments(recipe, data, out_dir)))
    shutil.copy(folder / "results.csv", out_dir / "artifacts" / "results.csv")
    shutil.copy(last.with_name("best.pt"), out_dir / "artifacts" / "detector.pt")


def _is_finished(last: Path) -> bool:
    """Did ultralytics close the training? It then strips the epoch from our own checkpoint.

    A checkpoint that was cut short is removed.
    """
    if not last.exists():
        return False
    try:
        saved = torch.load(last, map_location="cpu", weights_only=False)
    except (RuntimeError, EOFError, pickle.UnpicklingError):
        last.unlink()  # ultralytics was killed while it wrote: the training begins anew
        return False
    return saved.get("epoch") == -1


def start(model: str, weights: Path | None) -> YOLO:
    """An untrained network, or one with pretrained weights, whose file is checked first."""
    if weights is None:
        return YOLO(f"{model}.yaml", task="detect")
    checkpoints.check_detector(weights)
    return YOLO(weights, task="detect")


def arguments(recipe: Recipe, data: Path, out_dir: Path) -> dict[str, Any]:
    """What `YOLO.train` is told."""
    return {
        "data": str(data),
        "imgsz": recipe.size,
        "batch": recipe.batch,
        "epochs": recipe.epochs,
        "patience": recipe.patience,
        "seed": recipe.seed,
        "device": 0 if torch.cuda.is_available() else "cpu",
        "amp": "bf16" if torch.cuda.is_available() else False,  # fp16 would download a network
        "workers": 0,
        "project": str(out_dir / "checkpoint"),
        "name": "training",
        "exist_ok": True,
        "plots": False,
        "verbose": False,
        "deterministic": True,
        **AUGMENTATION[recipe.augmentation],
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
    """ultralytics' callback: reports each epoch's losses, metrics and the time left."""

    def __init__(self, epochs: int, progress: Progress):
        self.epochs = epochs
        self.progress = progress
        self.begun = time.monotonic()
        self.first = 0

    def begin(self, trainer: Any) -> None:
        """The first epoch of this process starts now; a resumed training begins later than 0."""
        self.begun = time.monotonic()
        self.first = trainer.start_epoch

    def __call__(self, trainer: Any) -> None:
        done = trainer.epoch + 1
        if done > self.epochs:
            return
        losses = trainer.label_loss_items(trainer.tloss, prefix="train")
        metrics = {_short(k): float(v) for k, v in (losses | trainer.metrics).items()}
        message = f"epoch {done} of {self.epochs}, mAP50 {metrics.get('mAP50', 0):.2f}"
        message += self._left(done)
        self.progress(TRAINING_SHARE * done / self.epochs, message, step=done, metrics=metrics)

    def _left(self, done: int) -> str:
        each = (time.monotonic() - self.begun) / (done - self.first)
        seconds = each * (self.epochs - done)
        if seconds < 1:
            return ""
        return f", {seconds:.0f} s left" if seconds < 90 else f", {seconds / 60:.0f} min left"


def _short(name: str) -> str:
    """`metrics/mAP50(B)` → `mAP50`, `train/box_loss` → `train box loss`."""
    return name.removeprefix("metrics/").removesuffix("(B)").replace("/", " ").replace("_", " ")


def to_onnx(weights: Path, size: int) -> Path:
    """Write `<weights>.onnx` beside the weights, for one square picture of `size` px; its path."""
    target = weights.with_suffix(".onnx")
    with tempfile.TemporaryDirectory() as folder:
        copy = shutil.copyfile(weights, Path(folder) / weights.name)
        made = YOLO(copy, task="detect").export(
            format="onnx", imgsz=size, simplify=False, device="cpu", verbose=False
        )
        shutil.move(made, target)
    return target
