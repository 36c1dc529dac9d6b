"""Defects a student paints, taken off its own scene and laid over the photograph's light."""

from pathlib import Path

import numpy as np
from numpy.random import Generator

from backend.composites import fit_in
from backend.composites.change import Proposal
from backend.records import UserError
from backend.students.sampler import Sampler

OTHERS = 3  # other defects painted into the same scene, to see the scene behind the first


class Painted:
    """A student as a maker. Raises UserError for one that paints no mask."""

    tries = 6

    def __init__(self, student_run: Path, freedom: fit_in.Freedom):
        self.sampler = Sampler(student_run)
        self.freedom = freedom
        if not self.sampler.paints_mask:
            raise UserError(
                "Student run: the paper's student paints no mask. Choose one of the preset default."
            )

    def propose(
        self, random: Generator, pixels: np.ndarray, allowed: np.ndarray, emphasis: float
    ) -> Proposal | None:
        """One defect, turned and scaled; the student's own background is not taken over."""
        change, mask, scene = self.defect(random)
        scale = fit_in.edge_of(random, self.freedom, pixels.shape) / self.sampler.size
        layers = fit_in.turned(random, self.freedom, np.dstack([change, mask]), scale)
        drawn = layers[..., 1] > 0.5
        placed = fit_in.put(random, drawn, allowed)
        if placed is None:
            return None
        window, part = placed
        before = pixels[window].astype(np.float32) / 255
        changed = shaded(before, layers[part][..., :1], scene)
        return Proposal(window, changed, drawn[part], "defect")

    def defect(self, random: Generator) -> tuple[np.ndarray, np.ndarray, float]:
        """Light that a defect adds or takes and its mask, float32 [S, S]; its scene's brightness.

        The student paints image = scene + defect. The same scene with other defects shows at each
        pixel, where no defect is, what lies behind this one.
        """
        latents = np.stack([self.sampler.draw(random) for _ in range(1 + OTHERS)])
        own = self.sampler.scene_dim
        latents[:, :own] = latents[0, :own]
        images, masks = self.sampler.paint(latents)
        grey = images.astype(np.float32).mean(3) / 255
        clearest = masks.argmin(0)[None]
        scene = np.take_along_axis(grey, clearest, 0)[0]
        weight = np.clip(masks[0] / 0.3, 0, 1)
        return (grey[0] - scene) * weight, masks[0], float(np.average(scene, weights=weight + 1e-6))


def shaded(before: np.ndarray, change: np.ndarray, scene: float) -> np.ndarray:
    """A picture [h, w, 3] 0..1 with a change of light [h, w, 1] that was seen before a `scene`.

    Where the picture has less light to lose, or less room to gain, the change is so much smaller.
    """
    fewer = np.minimum(1, before / max(scene, 1e-3))
    less_room = np.minimum(1, (1 - before) / max(1 - scene, 1e-3))
    return before + change * np.where(change < 0, fewer, less_room)
