"""Glass before the camera: defects placed where they may lie and can be seen."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator

from backend.renderer.bubbles import sketch_bubble
from backend.renderer.camera import Camera
from backend.renderer.chips import sketch_chip
from backend.renderer.compositing import LEAST_PIXELS, composite, see
from backend.renderer.cracks import sketch_crack
from backend.renderer.inclusions import sketch_inclusion
from backend.renderer.lighting import Light, draw_light
from backend.renderer.scenes import Scene, draw_scene
from backend.renderer.scratches import sketch_scratch
from backend.renderer.sketch import Sketch, Spot

SKETCHERS: dict[str, Callable[[Generator, Spot], Sketch]] = {
    "crack": sketch_crack,
    "scratch": sketch_scratch,
    "chip": sketch_chip,
    "bubble": sketch_bubble,
    "inclusion": sketch_inclusion,
}


@dataclass
class Pane:
    """Glass in its scene. image: float32 [H, W, 3], 0..1, with the defects placed so far."""

    scene: Scene
    light: Light
    camera: Camera
    image: np.ndarray

    @property
    def clean(self) -> np.ndarray:
        return self.scene.image

    @property
    def allowed(self) -> np.ndarray:
        return self.scene.glass

    @property
    def kind(self) -> str:
        return self.scene.kind

    def place(
        self, rng: Generator, name: str, severity: tuple[float, float], allowed: np.ndarray
    ) -> tuple[np.ndarray, dict[str, Any]] | None:
        """One more defect in `image`; its own mask bool [H, W] and its parameters.

        None after some tries in which nothing of the defect could be seen in the allowed part.
        """
        size = self.image.shape[0]
        inside = np.flatnonzero(allowed)
        for _ in range(4):
            y, x = divmod(int(inside[rng.integers(len(inside))]), size)
            grade = float(rng.uniform(*severity))
            spot = Spot(x + 0.5, y + 0.5, size, size / 256, grade, self.light, self.scene.edge)
            sketch = see(SKETCHERS[name](rng, spot), self.camera, allowed)
            own = self._laid(sketch, allowed)
            if own is not None:
                return own, spot.record(name, sketch.kind)
        return None

    def _laid(self, sketch: Sketch, allowed: np.ndarray) -> np.ndarray | None:
        """The mask of a sketch that shows, if need be drawn stronger; the image then has it."""
        for boost in (1.0, 2.0, 5.0):
            merged, own = composite(self.image, sketch, self.light, boost)
            own &= allowed
            if own.sum() >= LEAST_PIXELS:
                self.image = merged
                return own
        return None


def pane(rng: Generator, size: int, style: str, camera: Camera, edge_chance: float) -> Pane:
    """A made scene behind intact glass."""
    return _lit(rng, draw_scene(rng, size, style, edge_chance), style, camera)


def photographed_pane(rng: Generator, photo: np.ndarray, style: str, camera: Camera) -> Pane:
    """A photograph float32 [H, W, 3], 0..1, of glass."""
    whole = np.ones(photo.shape[:2], bool)
    return _lit(rng, Scene(photo, "own photograph", whole, None), style, camera)


def _lit(rng: Generator, scene: Scene, style: str, camera: Camera) -> Pane:
    return Pane(scene, draw_light(rng, style, scene.image), camera, scene.image)
