"""The images of a study, kept at the size of the training."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from backend.detection import yolo_set
from backend.images import imagefiles
from backend.images.labelled_image import LabelledImage, Origin
from backend.images.vocabulary import ONE_CLASS
from backend.records import Box


def keep(folder: Path, number: int, image: LabelledImage, size: int) -> LabelledImage:
    """The image, its longer edge at most `size` px, as a file in `folder` that is named after the
    number. Every defect is of one class; what it was shrunk from is its origin's `full`.

    Raises UserError where it is too small for a detector then.
    """
    small = image.at_size_of(shrunk(image.read_rgb(), size))
    full = image.data if isinstance(image.data, Path) else None
    where = f"{full or number} ({image.source}), as it is trained on,"
    yolo_set.check_edge(where, small.size)
    name = f"{number:06d}"
    path = folder / f"{name}.png"
    imagefiles.write(path, small.read_rgb())
    boxes = tuple(Box(ONE_CLASS[0], box.xyxy) for box in small.boxes)
    origin = Origin(full=full)
    return replace(small, data=path, boxes=boxes, name=name, depth=None, origin=origin)


def enlarged(image: LabelledImage, size: int) -> LabelledImage:
    """A photograph that was kept, `size` px large as far as it was so once, in memory."""
    full = image.origin.full
    assert isinstance(full, Path)
    return image.at_size_of(shrunk(imagefiles.read_rgb(full), size))


def shrunk(pixels: np.ndarray, size: int) -> np.ndarray:
    """The image averaged down to `size` px on its longer edge; a smaller one stays."""
    height, width = pixels.shape[:2]
    factor = size / max(height, width)
    if factor >= 1:
        return pixels
    shape = max(1, round(width * factor)), max(1, round(height * factor))
    return np.asarray(Image.fromarray(pixels).resize(shape, Image.Resampling.LANCZOS))


def as_json(image: LabelledImage) -> dict[str, Any]:
    """An image that was kept, as the study's record holds it."""
    return {
        "path": str(image.path),
        "boxes": [box.xyxy for box in image.boxes],
        "source": image.source,
        "group": image.group,
        "original": str(image.origin.full or ""),
    }


def from_json(values: dict[str, Any]) -> LabelledImage:
    """The image of a record, of one that an older version wrote too."""
    path, full = Path(values["path"]), values["original"]
    boxes = tuple(Box(ONE_CLASS[0], (x1, y1, x2, y2)) for x1, y1, x2, y2 in values["boxes"])
    return LabelledImage(
        path,
        values["source"],
        boxes,
        name=path.stem,
        group=values["group"],
        origin=Origin(full=Path(full) if full else None),
    )
