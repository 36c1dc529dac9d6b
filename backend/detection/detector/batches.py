"""The first training batches as the network sees them, augmentation included, as pictures."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from backend.detection.mixed_training import MixedTrainer
from backend.detection.mixing import Mixing
from backend.images import imagefiles, pictures
from backend.images.pictures import Mark

FOLDER = "batches"
KEPT, SHOWN = 3, 16  # batches, and images of each


class KeepingTrainer(MixedTrainer):
    """Draws its first batches into a folder on the way."""

    def __init__(
        self, folder: Path, mixing: Mixing | None, real: frozenset[str], *args: Any, **kwargs: Any
    ):
        self.folder, self.mixing, self.real = folder, mixing, real
        super().__init__(*args, **kwargs)

    def preprocess_batch(self, batch: dict[str, Any]) -> dict[str, Any]:
        ready: dict[str, Any] = super().preprocess_batch(batch)
        kept = len(list(self.folder.glob("*.png")))
        if kept < KEPT:
            imagefiles.write(self.folder / f"batch_{kept}.png", drawn(ready))
        return ready


def keeping(folder: Path, mixing: Mixing | None, real: frozenset[str]) -> Any:
    """What `YOLO.train` takes as its trainer; batches kept before stay. mixing, real: of it."""
    return partial(KeepingTrainer, folder, mixing, real)


def drawn(batch: dict[str, Any]) -> np.ndarray:
    """The images of a batch in a grid with their boxes: uint8 [rows, columns, 3].

    batch: img float [B, 3, H, W] in 0 to 1, bboxes [T, 4] as shares (x, y, w, h of the middle),
    batch_idx [T].
    """
    pixels = (batch["img"][:SHOWN].detach().cpu().numpy() * 255).round().astype(np.uint8)
    height, width = pixels.shape[2:]
    middles = batch["bboxes"].cpu().numpy().reshape(-1, 4) * [width, height, width, height]
    corners = np.column_stack(
        [middles[:, :2] - middles[:, 2:] / 2, middles[:, :2] + middles[:, 2:] / 2]
    )
    owner = batch["batch_idx"].cpu().numpy().reshape(-1)
    images = [
        pictures.annotated(
            image.transpose(1, 2, 0), [Mark(tuple(box)) for box in corners[owner == place].tolist()]
        )
        for place, image in enumerate(pixels)
    ]
    return pictures.sheet(images)
