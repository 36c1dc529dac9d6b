"""Defects that Stable Diffusion paints into a drawn shape on a photograph."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.random import Generator

from backend.composites.change import Proposal
from backend.composites.from_renderer import Rendered
from backend.images import pictures

# The model redraws the whole shape, also ground that hardly changes: only a difference of more
# than this, of full scale, is labelled as defect.
VISIBLE = 0.06
LEAST = 96  # px, of a window to paint in


@dataclass(frozen=True)
class Inpainted:
    """Stable Diffusion as a maker.

    inpaint: (seed, prompt, start uint8 [S, S, 3], mask uint8 [S, S]) → an object with `.pixels`.
    shapes: the renderer, whose defects' masks are the shapes to paint in. size: S, px.
    """

    inpaint: Callable[[int, str, np.ndarray, np.ndarray], Any]
    shapes: Rendered
    prompts: tuple[str, ...]
    size: int
    tries = 2  # an image takes minutes

    def propose(
        self, random: Generator, pixels: np.ndarray, allowed: np.ndarray, emphasis: float
    ) -> Proposal | None:
        """One defect in a square window; outside its shape the photograph is kept."""
        drawing = self.shapes.propose(random, pixels, allowed, emphasis)
        if drawing is None or not drawing.drawn.any():
            return None
        seed, prompt = int(random.integers(2**31)), str(random.choice(self.prompts))
        window = square_around(drawing.drawn)
        before, shape = pixels[window], grown(drawing.drawn[window])
        start = pictures.resized(before, self.size)
        mask = cv2.resize(shape, (self.size, self.size), interpolation=cv2.INTER_NEAREST)
        painted = self.inpaint(seed, prompt, start, mask)
        if painted.flagged:
            return None
        edge = before.shape[0]
        way = cv2.INTER_AREA if edge < self.size else cv2.INTER_CUBIC
        difference = cv2.resize(
            painted.pixels.astype(np.float32) - start, (edge, edge), interpolation=way
        )
        changed = (before + difference) / np.float32(255)
        record = {"prompt": prompt, "seed": seed}
        name = drawing.class_name
        return Proposal(window, changed, shape > 0, name, record, VISIBLE, most_gain=1.0)


def square_around(drawn: np.ndarray) -> tuple[slice, slice]:
    """A square window about a mask bool [H, W], with room around it as far as there is any."""
    spans = [np.flatnonzero(drawn.any(axis)) for axis in (1, 0)]
    longest = max(int(span[-1] - span[0]) + 1 for span in spans)
    edge = int(np.clip(1.5 * longest, min(LEAST, *drawn.shape), min(drawn.shape)))
    starts = [
        int(np.clip((int(span[0]) + int(span[-1]) - edge) // 2, 0, full - edge))
        for span, full in zip(spans, drawn.shape, strict=True)
    ]
    return slice(starts[0], starts[0] + edge), slice(starts[1], starts[1] + edge)


def grown(drawn: np.ndarray) -> np.ndarray:
    """A defect's lines bool [h, w] as a shape with room to paint in, uint8 0 or 255."""
    reach = 2 * max(2, round(min(drawn.shape) / 40)) + 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
    return np.asarray(cv2.dilate(drawn.astype(np.uint8) * 255, disc))
