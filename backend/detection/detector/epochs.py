"""The epochs of a YOLO training through ultralytics, offline, in the job's own process."""

import pickle
import time
from pathlib import Path
from typing import Any

import torch
from ultralytics import YOLO

from backend.detection import shipped
from backend.detection.detector import batches
from backend.detection.detector.spec import Recipe
from backend.detection.mixing import FIRST, Mixing
from backend.detection.start_weights import SHIPPED
from backend.numeric import checkpoints
from backend.numeric.ultralytics_alone import alone
from backend.records import Progress

TRAINING_SHARE = 0.86
AUGMENTATION: dict[str, dict[str, float]] = {
    "usual": {},
    "light": {"mosaic": 0.0, "scale": 0.2, "translate": 0.05, "hsv_h": 0.0, "hsv_s": 0.2},
    "none": dict.fromkeys(
        ("mosaic", "scale", "translate", "hsv_h", "hsv_s", "hsv_v", "fliplr"), 0.0
    ),
}


def run(
    recipe: Recipe,
    weights: Path | None,
    data: Path,
    folder: Path,
    progress: Progress,
    mixing: Mixing | None = None,
    real: frozenset[str] = frozenset(),
) -> None:
    """Train in a folder, or go on there: its `weights/best.pt` and `results.csv`.

    mixing: how images named in `real` and the others take turns; None: all as they come.
    """
    alone()
    last = folder / "weights" / "last.pt"
    if _is_finished(last):
        return
    goes_on = last.exists()
    model = YOLO(last) if goes_on else start(recipe.model, weights, folder)
    epochs = _Epochs(recipe.epochs, progress)
    model.add_callback("on_train_start", epochs.begin)
    model.add_callback("on_fit_epoch_end", epochs)
    told: dict[str, Any] = {"resume": True} if goes_on else arguments(recipe, data, folder)
    if mixing and mixing.way == FIRST:
        told["patience"] = 0  # it is not over before the real images had their turn
    model.train(trainer=batches.keeping(folder / batches.FOLDER, mixing, real), **told)


def _is_finished(last: Path) -> bool:
    """Did ultralytics close the training? It then strips the epoch from our own checkpoint.

    A checkpoint that was cut short is removed.
    """
    if not last.exists():
        return False
    try:
        saved = torch.load(last, map_location="cpu", weights_only=False)  # nosec B614
    except (RuntimeError, EOFError, pickle.UnpicklingError):
        last.unlink()  # ultralytics was killed while it wrote: the training begins anew
        return False
    return saved.get("epoch") == -1


def start(model: str, weights: Path | None, folder: Path) -> YOLO:
    """An untrained network, or one with pretrained weights, whose file is checked first.

    folder: where the program's own weights are written in ultralytics' format.
    """
    if weights is None:
        return YOLO(f"{model}.yaml", task="detect")
    if weights == SHIPPED:
        return YOLO(shipped.as_checkpoint(folder / "start.pt"), task="detect")
    checkpoints.check_detector(weights)
    return YOLO(weights, task="detect")


def arguments(recipe: Recipe, data: Path, folder: Path) -> dict[str, Any]:
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
        "project": str(folder.parent),
        "name": folder.name,
        "exist_ok": True,
        "plots": False,
        "verbose": False,
        "deterministic": True,
        **AUGMENTATION[recipe.augmentation],
    }


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
        message = f"epoch {done} of {self.epochs}, score {metrics.get('mAP50', 0):.2f}"
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
