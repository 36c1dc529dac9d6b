"""One detector trained for a fixed number of steps through ultralytics. Heavy (torch).

Every arm gets the same number of steps of full batches, however many images it has: small sets are
gone through more often. So also the learning rate, the warm-up and the end of mosaic come at the
same step.
"""

import logging
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ultralytics.models.yolo.detect import DetectionPredictor
from ultralytics.utils import LOGGER

from backend.detection import shipped, yolo_set
from backend.detection.mixed_training import MixedTrainer
from backend.detection.mixing import AS_THEY_COME, REAL, Mixing
from backend.detection.onnx_graph import MOST_BOXES, NMS_IOU
from backend.detection.start_weights import SHIPPED
from backend.detection.study.spec import Spec
from backend.images.labelled_image import LabelledImage
from backend.images.vocabulary import ONE_CLASS
from backend.numeric.ultralytics_alone import alone

EPOCHS = 10  # ultralytics changes its learning rate once an epoch
LEARNING_RATE = 0.002
LEAST_CONFIDENCE = 0.001
CHUNK = 32
OnStep = Callable[[int], None]


def rounds(steps: int) -> tuple[int, int]:
    """Epochs and steps an epoch that make at least `steps` steps, fewer than ten more."""
    epochs = min(EPOCHS, steps)
    return epochs, -(-steps // epochs)


class BudgetTrainer(MixedTrainer):
    """Epochs of a fixed number of steps, without validation or files."""

    def get_dataloader(
        self, dataset_path: str, batch_size: int = 16, rank: int = 0, mode: str = "train"
    ) -> Any:
        if mode != "train":
            return self.train_loader
        return super().get_dataloader(dataset_path, batch_size, rank, mode)

    def validate(self) -> tuple[dict[str, float], float]:
        return {}, 0.0

    def save_metrics(self, metrics: dict[str, float]) -> None:
        """No table of epochs."""

    def save_model(self) -> bool:
        """Nothing is kept but the network in memory."""
        return False

    def final_eval(self) -> None:
        """Judged elsewhere, on test images."""


def fit(
    spec: Spec,
    weights: Path | None,
    images: Sequence[LabelledImage],
    folder: Path,
    seed: int,
    on_step: OnStep,
    mixing: Mixing = AS_THEY_COME,
) -> torch.nn.Module:
    """A network trained on these images; `folder` is used while it trains.

    on_step: called with the number of steps done; what it raises ends the training.
    """
    alone()
    LOGGER.setLevel(logging.ERROR)
    epochs, steps = rounds(spec.steps)
    arguments = {
        "model": str(_start(spec.model, weights, folder)),
        "data": str(yolo_set.lay_out(images, ONE_CLASS, folder, _link)),
        "epochs": epochs,
        "warmup_epochs": 1,
        "warmup_bias_lr": 0.0,
        "close_mosaic": round(0.2 * epochs),
        "imgsz": spec.size,
        "batch": spec.batch,
        "nbs": spec.batch,
        "optimizer": "AdamW",
        "lr0": LEARNING_RATE,
        "momentum": 0.9,
        "seed": seed,
        "device": 0 if torch.cuda.is_available() else "cpu",
        "amp": False,
        "cache": "ram" if spec.size <= 320 else False,
        "workers": 0,
        "patience": 0,
        "val": False,
        "save": False,
        "plots": False,
        "verbose": False,
        "project": str(folder),
        "name": "training",
        "exist_ok": True,
    }
    trainer = BudgetTrainer(overrides=arguments)
    trainer.steps_an_epoch, trainer.mixing = steps, mixing
    trainer.real = frozenset(f"{k:06d}" for k, i in enumerate(images) if i.source in REAL)
    done = iter(range(1, epochs * steps + 1))
    trainer.add_callback("on_train_batch_end", lambda _: on_step(next(done)))
    trainer.train()
    trained: Any = trainer
    network: torch.nn.Module = trained.ema.ema.eval()
    return network


def _start(model: str, weights: Path | None, folder: Path) -> Path | str:
    """A file or a layout that ultralytics' trainer can begin with; beside `folder`, which is laid
    out anew for each training."""
    if weights == SHIPPED:
        return shipped.as_checkpoint(folder.with_name("start.pt"))
    return weights or f"{model}.yaml"


def _link(image: LabelledImage, folder: Path, stem: str) -> None:
    """The image as kept, by a link where the disk knows them."""
    target = folder / f"{stem}{image.path.suffix}"
    try:
        os.link(image.path, target)
    except OSError:
        shutil.copy(image.path, target)


def predict(
    network: torch.nn.Module, images: Sequence[LabelledImage], spec: Spec
) -> list[np.ndarray]:
    """Boxes of each image, float [P, 5] of x1 y1 x2 y2 confidence in px of the image as kept."""
    predictor = DetectionPredictor(
        overrides={
            "imgsz": spec.size,
            "conf": LEAST_CONFIDENCE,
            "iou": NMS_IOU,
            "max_det": MOST_BOXES,
            "device": 0 if torch.cuda.is_available() else "cpu",
            "save": False,
            "verbose": False,
        }
    )
    predictor.setup_model(network, verbose=False)
    found = []
    for start in range(0, len(images), CHUNK):
        chunk = [image.read_rgb()[..., ::-1] for image in images[start : start + CHUNK]]
        for result in predictor([np.ascontiguousarray(pixels) for pixels in chunk]):
            boxes = result.boxes.cpu()
            found.append(np.column_stack([boxes.xyxy.numpy(), boxes.conf.numpy()]))
    return found
