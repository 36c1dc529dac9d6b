"""Placing one defect where it may lie and can be seen."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.random import Generator

from backend.renderer.bubbles import sketch_bubble
from backend.renderer.camera import Camera
from backend.renderer.chips import sketch_chip
from backend.renderer.compositing import composite, see
from backend.renderer.cracks import sketch_crack
from backend.renderer.inclusions import sketch_inclusion
from backend.renderer.lighting import Light
from backend.renderer.scenes import Scene
from backend.renderer.scratches import sketch_scratch
from backend.renderer.sketch import Sketch, Spot

SKETCHERS: dict[str, Callable[[Generator, Spot], Sketch]] = {
    "crack": sketch_crack,
    "scratch": sketch_scratch,
    "chip": sketch_chip,
    "bubble": sketch_bubble,
    "inclusion": sketch_inclusion,
}


def place(
    rng: Generator,
    image: np.ndarray,
    scene: Scene,
    light: Light,
    camera: Camera,
    name: str,
    severity: tuple[float, float],
    allowed: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, dict[str, Any]] | None:
    """Image with one more defect, its own mask bool [H, W] and its parameters.

    None after some tries in which nothing of the defect could be seen in the allowed part.
    """
    size = image.shape[0]
    inside = np.flatnonzero(allowed)
    for _ in range(4):
        y, x = divmod(int(inside[rng.integers(len(inside))]), size)
        grade = float(rng.uniform(*severity))
        spot = Spot(x + 0.5, y + 0.5, size, size / 256, grade, light, scene.edge)
        sketch = see(SKETCHERS[name](rng, spot), camera, allowed)
        for boost in (1.0, 2.0, 5.0):
            merged, own = composite(image, sketch, light, boost)
            own &= allowed
            if own.sum() >= 9:
                break
        else:
            continue
        record = {
            "class": name,
            "kind": sketch.kind,
            "severity": round(grade, 4),
            "x": round(spot.x, 2),
            "y": round(spot.y, 2),
        }
        return merged, own, record
    return None
