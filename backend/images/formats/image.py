"""One labelled image from elsewhere, and what reading a folder gives."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

import numpy as np

from backend.images import imagefiles
from backend.images.imagefiles import Depth
from backend.records import Box, UserError

Mask = Callable[[], np.ndarray]


class Marks(StrEnum):
    """What is known of an image's marks.

    read: it has labels, which were read; they may say that it has no defect. none: nothing labels
    it. unread: there are marks that were not read, so nobody may take it as intact.
    """

    READ = "read"
    NONE = "none"
    UNREAD = "unread"


@dataclass(frozen=True)
class Labelled:
    """An image and what its labels say.

    path: absolute. name: its path in the folder, without suffix. group: views of one part share
    it. split: train, val, test or "". width, height: px, as its EXIF turns it. mask: draws the
    mask when it is asked for; None where the mask is not known. depth: of its set, for reading it.
    """

    path: Path
    name: str
    group: str
    split: str
    width: int
    height: int
    boxes: tuple[Box, ...] = ()
    mask: Mask | None = field(default=None, compare=False)
    marks: Marks = Marks.READ
    depth: Depth | None = None

    def read_rgb(self) -> np.ndarray:
        """The image's pixels uint8 [H, W, 3]. Raises UserError where it cannot be read."""
        return imagefiles.read_rgb(self.path, self.depth)

    def read_mask(self) -> np.ndarray | None:
        """The mask, uint8 [H, W], 255 where defect; all 0 where it is known to be intact.

        Raises UserError where a mask file is damaged or of another size than the image.
        """
        if self.mask is None:
            return None
        drawn = self.mask()
        if drawn.shape != (self.height, self.width):
            raise UserError(
                f"The mask of {self.path} has {drawn.shape[1]} × {drawn.shape[0]} px, the image "
                f"{self.width} × {self.height}. Give both the same size."
            )
        return drawn


@dataclass(frozen=True)
class Import:
    """layout: as it was read. notes: what was found and what was passed over, in words."""

    images: tuple[Labelled, ...]
    layout: str
    classes: tuple[str, ...]
    notes: tuple[str, ...]
