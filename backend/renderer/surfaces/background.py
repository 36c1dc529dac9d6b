"""The edge of a part and what lies beyond it."""

from dataclasses import replace

import numpy as np
from numpy.random import Generator

from backend.renderer.paint import random_colour
from backend.renderer.surfaces.fields import speckle
from backend.renderer.surfaces.surface import Surface


def cut_part(rng: Generator, surface: Surface) -> Surface:
    """The part ends along a straight line; its edge is bevelled, beyond it lies the bench."""
    size, unit = surface.size, surface.size / 256
    angle = rng.integers(0, 4) * np.pi / 2 + rng.normal(0, 0.05)
    nx, ny = float(np.cos(angle)), float(np.sin(angle))
    c = (nx + ny) * size / 2 + rng.uniform(0.28, 0.46) * size
    axis = np.arange(size, dtype=np.float32)
    beyond = np.float32(nx) * axis[None, :] + np.float32(ny) * axis[:, None] - np.float32(c)
    outside = np.clip(beyond + 0.5, 0, 1)
    bevel = max(1.0, rng.uniform(1, 5) * unit)
    drop = np.clip(beyond + bevel, 0, bevel) * np.float32(rng.uniform(0.2, 1.1))
    bench = (
        random_colour(rng, 0.01, 0.12, 0.2)
        if rng.random() < 0.75
        else random_colour(rng, 0.3, 0.8, 0.06)
    )
    ground = bench * (1 + 0.03 * speckle(rng, size, 1.0))[..., None]
    albedo = surface.albedo + (ground - surface.albedo) * outside[..., None]
    height = surface.height * (1 - outside) - drop
    gloss = surface.gloss * (1 - outside)
    nature = surface.nature
    if rng.random() < 0.6:  # where a piece of the edge is gone, the bench shows
        near = np.clip(beyond / (0.1 * size) + 1, 0, 1)[..., None]
        nature = replace(nature, beneath=nature.beneath * (1 - 0.75 * near) + 0.75 * near * bench)
    return replace(
        surface,
        height=height.astype(np.float32),
        albedo=albedo.astype(np.float32),
        gloss=gloss.astype(np.float32),
        nature=nature,
        part=beyond < -1,
        edge=(nx, ny, float(c)),
    )
