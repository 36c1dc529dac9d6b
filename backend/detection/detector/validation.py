"""ultralytics' own validation with every prediction kept, so that its figures can be redone."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ultralytics import YOLO
from ultralytics.models.yolo.detect import DetectionValidator

from backend.detection import yolo_set
from backend.images.labelled_image import LabelledImage
from backend.numeric.ultralytics_alone import alone
from backend.records import UserError

BATCH = 16


@dataclass(frozen=True)
class Found:
    """What was found on one image. boxes: float [P, 6], x1 y1 x2 y2 in px of the image itself,
    confidence, class. levels: right at IoU 0.5, 0.55 … 0.95, bool [P, 10]."""

    boxes: np.ndarray
    levels: np.ndarray


@dataclass
class _Keeper:
    """Takes each image's predictions out of the validator."""

    on_image: Callable[[int], None] | None
    found: dict[str, Found] = field(default_factory=dict)

    def keep(self, path: str, boxes: np.ndarray, levels: np.ndarray) -> None:
        self.found[Path(path).stem] = Found(boxes, levels)
        if self.on_image:
            self.on_image(len(self.found))


class _Validator(DetectionValidator):
    keeper: _Keeper

    def update_metrics(self, preds: list[dict[str, torch.Tensor]], batch: dict[str, Any]) -> None:
        for place, pred in enumerate(preds):
            truth = self._prepare_batch(place, batch)
            levels = self._process_batch(pred, truth)["tp"]
            scaled = self.scale_preds(pred, truth)
            columns = [scaled["bboxes"], pred["conf"][:, None], pred["cls"][:, None]]
            boxes = torch.cat(columns, 1).cpu().numpy().astype(float)
            self.keeper.keep(truth["im_file"], boxes, levels)
        super().update_metrics(preds, batch)


def validate(
    weights: Path,
    images: Sequence[LabelledImage],
    names: tuple[str, ...],
    size: int,
    folder: Path,
    on_image: Callable[[int], None] | None = None,
) -> list[Found]:
    """Run ultralytics' `val` on the images; what it found on each.

    folder: where the images are laid out for it. on_image: called with the number of images done.
    Raises UserError for an image that it passes over.
    """
    data = yolo_set.lay_out(images, names, folder)
    keeper = _Keeper(on_image)
    made = type("Validator", (_Validator,), {"keeper": keeper})
    alone()
    YOLO(weights, task="detect").val(validator=made, **arguments(data, size, folder))
    for place, image in enumerate(images):
        if f"{place:06d}" not in keeper.found:
            raise UserError(f"ultralytics cannot use {image.path}. Save it anew, or leave it out.")
    return [keeper.found[f"{place:06d}"] for place in range(len(images))]


def arguments(data: Path, size: int, folder: Path) -> dict[str, Any]:
    """What `YOLO.val` is told; everything else is as ultralytics has it."""
    return {
        "data": str(data),
        "imgsz": size,
        "batch": BATCH,
        "device": 0 if torch.cuda.is_available() else "cpu",
        "workers": 0,
        "plots": False,
        "verbose": False,
        "project": str(folder),
        "name": "val",
        "exist_ok": True,
    }
