"""Defects the renderer draws: refracted, shaded and lit as on the photographed part itself."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator

from backend import renderer
from backend.composites.change import Proposal
from backend.images.vocabulary import GLASS

LEAST, MOST = 128, 1024  # px, edge lengths the renderer draws


@dataclass(frozen=True)
class Rendered:
    """The renderer as a maker. severity: faintest and strongest defect, 0..1."""

    classes: tuple[str, ...]
    lighting: str
    severity: tuple[float, float]
    material: str = GLASS
    tries = 6

    def propose(
        self, random: Generator, pixels: np.ndarray, allowed: np.ndarray, emphasis: float
    ) -> Proposal | None:
        """One defect; emphasis 0..1 raises the least severity.

        The photograph is made square by mirroring, so a defect ends at its border or where it may
        not lie and nowhere else. Above 1024 px the defect is drawn at that size and enlarged.
        """
        height, width = pixels.shape[:2]
        square, inside = _squared(pixels, cv2.BORDER_REFLECT), _squared(allowed.astype(np.uint8))
        low, high = self.severity
        try:
            made = renderer.render(
                int(random.integers(2**31)),
                int(np.clip(len(square), LEAST, MOST)),
                classes=self.classes,
                material=self.material,
                lighting=self.lighting,
                defects=(1, 1),
                severity=(low + emphasis * (high - low), high),
                background=square,
                region=inside > 0,
            )
        except ValueError:
            return None  # the allowed part vanishes at the renderer's size
        if not made.boxes:
            return None
        difference = _at(made.image.astype(np.float32) - made.background, len(square))
        drawn = _at(made.mask, len(square))[:height, :width] >= 64
        changed = (pixels + difference[:height, :width]) / np.float32(255)
        drawing = made.params["defects"][0]
        record = {
            "lighting": made.params["lighting"],
            "kind": drawing["kind"],
            "severity": drawing["severity"],
        }
        window = slice(0, height), slice(0, width)
        return Proposal(window, changed, drawn, made.boxes[0].class_name, record)


def _squared(layer: np.ndarray, border: int = cv2.BORDER_CONSTANT) -> np.ndarray:
    """The layer with rows below or columns to the right, so that it is square."""
    height, width = layer.shape[:2]
    down, across = max(0, width - height), max(0, height - width)
    return np.asarray(cv2.copyMakeBorder(layer, 0, down, 0, across, border, value=0))


def _at(layer: np.ndarray, edge: int) -> np.ndarray:
    if layer.shape[0] == edge:
        return layer
    way = cv2.INTER_AREA if layer.shape[0] > edge else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(layer, (edge, edge), interpolation=way))
