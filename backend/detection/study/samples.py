"""One labelled image of a study, kept at the size of the training."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from backend.detection import yolo_set
from backend.detection.testset.test_images import LabelledImage
from backend.images import imagefiles
from backend.images.boxes import yolo_line
from backend.records import Box

Corners = tuple[float, float, float, float]


@dataclass(frozen=True)
class Sample:
    """path: the image as kept; its label lies in `labels` beside `images`.

    boxes: corners in px of the image as kept. source: real, intact, or a synthetic source's name.
    group: images of one specimen share it. original: the image it was shrunk from.
    """

    path: str
    width: int
    height: int
    boxes: tuple[Corners, ...]
    source: str
    group: str
    original: str = ""

    @property
    def name(self) -> str:
        """The image's name among those of its source."""
        return Path(self.path).stem

    @property
    def label_path(self) -> Path:
        path = Path(self.path)
        return path.parent.parent / "labels" / f"{path.stem}.txt"

    def labelled(self) -> LabelledImage:
        """The sample as `evaluation` takes it."""
        made = tuple(Box("defect", xyxy) for xyxy in self.boxes)
        path = Path(self.path)
        return LabelledImage(
            self.name, path, self.group, made, self.source, self.width, self.height
        )

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def from_json(values: dict[str, Any]) -> Sample:
    return replace(Sample(**values), boxes=tuple(tuple(box) for box in values["boxes"]))


def keep(
    folder: Path,
    name: str,
    pixels: np.ndarray,
    boxes: Sequence[Box],
    size: int,
    *,
    source: str,
    group: str,
    original: str = "",
) -> Sample:
    """Write an image uint8 [H, W, 3], its longer edge at most `size` px, with its YOLO label.

    Raises UserError where it is too small for a detector then.
    """
    small = shrunk(pixels, size)
    height, width = small.shape[:2]
    yolo_set.check_edge(f"{original or name} ({source}), as it is trained on,", width, height)
    y, x = height / pixels.shape[0], width / pixels.shape[1]
    path = folder / "images" / f"{name}.png"
    imagefiles.write(path, small)
    corners = tuple(
        (box.xyxy[0] * x, box.xyxy[1] * y, box.xyxy[2] * x, box.xyxy[3] * y) for box in boxes
    )
    sample = Sample(str(path), width, height, corners, source, group, original)
    sample.label_path.parent.mkdir(parents=True, exist_ok=True)
    lines = [yolo_line(xyxy, width, height) for xyxy in corners]
    sample.label_path.write_text("".join(lines), encoding="utf-8")
    return sample


def shrunk(pixels: np.ndarray, size: int) -> np.ndarray:
    """The image averaged down to `size` px on its longer edge; a smaller one stays."""
    height, width = pixels.shape[:2]
    factor = size / max(height, width)
    if factor >= 1:
        return pixels
    shape = max(1, round(width * factor)), max(1, round(height * factor))
    return np.asarray(Image.fromarray(pixels).resize(shape, Image.Resampling.LANCZOS))
