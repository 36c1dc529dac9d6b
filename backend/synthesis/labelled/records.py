"""One labelled image from elsewhere, and what reading a folder gives."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from backend.records import Box, UserError

Mask = Callable[[], np.ndarray]


@dataclass(frozen=True)
class Labelled:
    """An image and what its labels say.

    path: absolute. name: its path in the folder, without suffix. group: views of one part share
    it. split: train, val, test or "". width, height: px, as its EXIF turns it. mask: draws the
    mask when it is asked for; None where the mask is not known.
    """

    path: Path
    name: str
    group: str
    split: str
    width: int
    height: int
    boxes: tuple[Box, ...] = ()
    mask: Mask | None = field(default=None, compare=False)

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
