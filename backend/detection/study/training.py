"""One detector trained for a fixed number of steps through ultralytics. Heavy (torch).

Every arm gets the same number of steps of full batches, however many images it has: small sets are
gone through more often. So also the learning rate, the warm-up and the end of mosaic come at the
same step.
"""

import json
import logging
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import Sampler
from ultralytics.data.build import InfiniteDataLoader
from ultralytics.models.yolo.detect import DetectionPredictor, DetectionTrainer
from ultralytics.utils import LOGGER, SETTINGS

from backend.detection.onnx_detector import MOST_BOXES, NMS_IOU
from backend.detection.study.samples import Sample
from backend.detection.study.spec import Spec
from backend.images import imagefiles

EPOCHS = 10  # ultralytics changes its learning rate once an epoch
LEARNING_RATE = 0.002
LEAST_CONFIDENCE = 0.001
CHUNK = 32
OnStep = Callable[[int], None]


def rounds(steps: int) -> tuple[int, int]:
    """Epochs and steps an epoch that make at least `steps` steps, fewer than ten more."""
    epochs = min(EPOCHS, steps)
    return epochs, -(-steps // epochs)


class Cycled(Sampler[int]):
    """`length` places an epoch, going through all images in a new order before any comes again."""

    def __init__(self, images: int, length: int, seed: int):
        self.images = images
        self.length = length
        self.random = np.random.default_rng([seed, 11])
        self.left: list[int] = []

    def __len__(self) -> int:
        return self.length

    def __iter__(self) -> Iterator[int]:
        for _ in range(self.length):
            if not self.left:
                self.left = self.random.permutation(self.images).tolist()
            yield self.left.pop()


class BudgetTrainer(DetectionTrainer):
    """ultralytics' trainer with epochs of a fixed number of steps, without validation or files."""

    steps_an_epoch = 1

    def get_dataloader(
        self, dataset_path: str, batch_size: int = 16, rank: int = 0, mode: str = "train"
    ) -> Any:
        if mode != "train":
            return self.train_loader
        dataset = self.build_dataset(dataset_path, mode, batch_size)
        length = self.steps_an_epoch * batch_size
        return InfiniteDataLoader(
            dataset,
            batch_size=batch_size,
            sampler=Cycled(len(dataset), length, self.args.seed),
            num_workers=0,
            collate_fn=dataset.collate_fn,
        )

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
    images: Sequence[Sample],
    folder: Path,
    seed: int,
    on_step: OnStep,
) -> torch.nn.Module:
    """A network trained on these images; `folder` is used while it trains.

    on_step: called with the number of steps done; what it raises ends the training.
    """
    SETTINGS.update(sync=False)
    LOGGER.setLevel(logging.ERROR)
    epochs, steps = rounds(spec.steps)
    arguments = {
        "model": str(weights or f"{spec.model}.yaml"),
        "data": str(_linked(images, folder)),
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
    trainer.steps_an_epoch = steps
    done = iter(range(1, epochs * steps + 1))
    trainer.add_callback("on_train_batch_end", lambda _: on_step(next(done)))
    trainer.train()
    trained: Any = trainer
    network: torch.nn.Module = trained.ema.ema.eval()
    return network


def _linked(images: Sequence[Sample], folder: Path) -> Path:
    """The data.yaml of a set of links to images and labels, for ultralytics writes beside them."""
    for kind in ("images", "labels"):
        (folder / kind).mkdir(parents=True, exist_ok=True)
    for k, sample in enumerate(images):
        _link(Path(sample.path), folder / "images" / f"{k:06d}.png")
        _link(sample.label_path, folder / "labels" / f"{k:06d}.txt")
    content = {"path": str(folder), "train": "images", "val": "images", "names": {0: "defect"}}
    (folder / "data.yaml").write_text(json.dumps(content), encoding="utf-8")
    return folder / "data.yaml"


def _link(source: Path, target: Path) -> None:
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copy(source, target)


def predict(network: torch.nn.Module, images: Sequence[Sample], spec: Spec) -> list[np.ndarray]:
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
        chunk = [
            imagefiles.read_rgb(Path(s.path))[..., ::-1] for s in images[start : start + CHUNK]
        ]
        for result in predictor([np.ascontiguousarray(pixels) for pixels in chunk]):
            boxes = result.boxes.cpu()
            found.append(np.column_stack([boxes.xyxy.numpy(), boxes.conf.numpy()]))
    return found
