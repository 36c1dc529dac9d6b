"""One labelled image, from the folder it comes from to the figures of the detectors that saw it.

Every reader of labels gives it, every maker of images makes it, and sets, detectors, studies and
comparisons take it as it is. What it shows is read when it is asked for.
"""

from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass, field, replace
from enum import StrEnum
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np

from backend.core import runs
from backend.images import imagefiles
from backend.images.imagefiles import Depth
from backend.images.vocabulary import INTACT
from backend.records import Box, UserError

FILE = "file"  # of an image's params: its name as it was imported
Layer = np.ndarray | Path  # in memory, or the file it is read from when it is asked for
Mask = Callable[[], np.ndarray]  # draws it: uint8 [H, W], 255 where defect


class Marks(StrEnum):
    """What is known of an image's marks.

    known: its labels say what it shows, if only that it has no defect. none: nothing labels it.
    unknown: marks were not read, or nobody has labelled it yet, so nobody may take it as intact.
    """

    KNOWN = "known"
    NONE = "none"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Origin:
    """How an image was made, and what is kept beside it.

    params: as JSON. original: the same picture without the defect. full: the image as large as it
    was, where it was made smaller. arrays: by name, as the noise it was denoised from.
    """

    seed: int | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    original: Layer | None = None
    full: Layer | None = None
    arrays: Mapping[str, Layer] = field(default_factory=dict)

    def array(self, name: str) -> np.ndarray | None:
        """One of the arrays, None where it is not kept. Raises UserError for a damaged file."""
        kept = self.arrays.get(name)
        if not isinstance(kept, Path):
            return kept
        try:
            return np.asarray(np.load(kept, allow_pickle=False))
        except (OSError, ValueError) as error:
            raise UserError(f"Cannot read {kept}. Make the images again.") from error


@dataclass(frozen=True)
class LabelledImage:
    """An image and what its labels say.

    data: its file, or its pixels uint8 [H, W, 3]. source: how it was made, in words ("rendered",
    "photograph", …). boxes: in px of it. mask: None where it is not known. name: its own in its
    set. group: images of one specimen share it. split: train, val, test or "". depth: of its set,
    for reading a file of more than 8 bits.
    """

    data: Layer
    source: str = ""
    boxes: tuple[Box, ...] = ()
    mask: Layer | Mask | None = field(default=None, compare=False)
    _: KW_ONLY
    name: str = ""
    group: str = ""
    split: str = ""
    marks: Marks = Marks.KNOWN
    depth: Depth | None = None
    origin: Origin = field(default=Origin(), compare=False)

    @property
    def path(self) -> Path:
        """Its file, of an image that has one."""
        assert isinstance(self.data, Path)
        return self.data

    @property
    def size(self) -> tuple[int, int]:
        """Width and height, px, as its EXIF turns it. Raises UserError as `imagefiles.size`."""
        if isinstance(self.data, Path):
            return imagefiles.size(self.data)
        return self.data.shape[1], self.data.shape[0]

    @property
    def hash(self) -> str:
        """SHA-256 over its file and its mask's, so that a changed one is noticed."""
        return runs.fingerprint(*(f for f in (self.data, self.mask) if isinstance(f, Path)))

    @property
    def shown_name(self) -> str:
        """Its file's name as it was imported; its own in its set where it was made here."""
        return str(self.origin.params.get(FILE) or self.name)

    @property
    def labelled(self) -> bool:
        """False where nobody knows whether and where it shows a defect."""
        return self.marks is not Marks.UNKNOWN

    @property
    def main_class(self) -> str:
        """The class of its largest box, of several the last; INTACT where it has none."""
        areas = [(b.xyxy[2] - b.xyxy[0]) * (b.xyxy[3] - b.xyxy[1]) for b in self.boxes]
        largest = [b for b, area in zip(self.boxes, areas, strict=True) if area == max(areas)]
        return largest[-1].class_name if largest else INTACT

    def read_rgb(self) -> np.ndarray:
        """Its pixels uint8 [H, W, 3]. Raises UserError where its file cannot be read."""
        if isinstance(self.data, Path):
            return imagefiles.read_rgb(self.data, self.depth)
        return self.data

    def read_mask(self) -> np.ndarray | None:
        """The mask, uint8 [H, W], 255 where defect; all 0 where it is known to be intact.

        Raises UserError where a mask file is damaged or of another size than the image.
        """
        if self.mask is None:
            return None
        drawn = opened(self.mask) if isinstance(self.mask, (Path, np.ndarray)) else self.mask()
        drawn = drawn[..., 0] if drawn.ndim == 3 else drawn
        width, height = self.size
        if drawn.shape != (height, width):
            where = self.data if isinstance(self.data, Path) else f"image {self.name}"
            raise UserError(
                f"The mask of {where} has {drawn.shape[1]} × {drawn.shape[0]} px, the image "
                f"{width} × {height}. Give both the same size."
            )
        return drawn

    def at_size_of(self, pixels: np.ndarray) -> "LabelledImage":
        """The same picture as these pixels uint8 [H, W, 3] show it, smaller or larger, with its
        boxes scaled and without its mask."""
        (width, height), (high, wide) = self.size, pixels.shape[:2]
        x, y = wide / width, high / height
        corners = ((b.xyxy[0] * x, b.xyxy[1] * y, b.xyxy[2] * x, b.xyxy[3] * y) for b in self.boxes)
        boxes = tuple(replace(b, xyxy=c) for b, c in zip(self.boxes, corners, strict=True))
        return replace(self, data=pixels, boxes=boxes, mask=None)


def bare(path: Path, split: str) -> LabelledImage:
    """An image that nothing labels. Raises UserError where its file is no readable image."""
    imagefiles.size(path)
    return LabelledImage(path, split=split, marks=Marks.NONE)


def opened(layer: Layer) -> np.ndarray:
    """A layer's pixels, uint8. Raises UserError where its file cannot be read."""
    return imagefiles.read_rgb(layer) if isinstance(layer, Path) else layer


@dataclass(frozen=True)
class LabelledSet:
    """Images that were read together.

    layout: as they were read. classes: that their labels name. notes: what was found and what was
    passed over, in words. hash: over contents and boxes, where nothing may change any more.
    """

    images: tuple[LabelledImage, ...]
    layout: str = ""
    classes: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    hash: str = ""

    def __add__(self, other: "LabelledSet") -> "LabelledSet":
        """The images of both, their deep pictures scaled alike."""
        images = (*self.images, *other.images)
        found = {image.depth for image in images if image.depth is not None}
        depth = reduce(Depth.joined, found) if found else None
        scaled = tuple(replace(image, depth=image.depth and depth) for image in images)
        return LabelledSet(scaled, notes=(*self.notes, *other.notes))
