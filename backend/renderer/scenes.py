"""Scenes behind, on and in front of a pane of intact glass, one painter per lighting.

A scene holds no defect. Dirt, dust, smudges, reflections and hair-fine wear marks are part of it:
they are what a detector must learn not to report.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator

from backend.renderer.dirt import dust, reflections, smudge, wear
from backend.renderer.paint import noise_field, ramp, random_colour, random_tint
from backend.renderer.views import photograph


@dataclass(frozen=True)
class Scene:
    """A view through intact glass."""

    image: np.ndarray  # float32 [H, W, 3] RGB, 0..1
    kind: str
    glass: np.ndarray  # bool [H, W], where the pane is
    edge: tuple[float, float, float] | None  # (nx, ny, c): glass lies where nx x + ny y < c (px)


def draw_scene(rng: Generator, size: int, lighting: str, edge_chance: float = 0.2) -> Scene:
    """Scene of `size` px under one of LIGHTINGS; `edge_chance` of showing the edge of the pane."""
    painters = {
        "back light": _back_light,
        "dark field": _dark_field,
        "bright field": _bright_field,
        "photograph": photograph,
    }
    image, kind = painters[lighting](rng, size)
    edge = _pane_edge(rng, size) if rng.random() < edge_chance else None
    glass = np.ones((size, size), bool)
    if edge is not None:
        image, glass = _cut_pane(rng, image, edge)
    image = image * _vignette(rng, size)
    return Scene(np.clip(image, 0, 1), kind, glass, edge)


def _back_light(rng: Generator, size: int) -> tuple[np.ndarray, str]:
    """Diffuse lamp behind the pane: bright, even, nearly grey; wear hardly shows."""
    level = rng.uniform(0.6, 0.95) if rng.random() < 0.75 else rng.uniform(0.35, 0.7)
    tint = random_tint(rng, 0.025) if rng.random() < 0.8 else random_colour(rng, 0.85, 1.0, 0.08)
    light = 1 + rng.uniform(0.01, 0.09) * ramp(rng, size)
    light += rng.uniform(0, 0.03) * noise_field(rng, size, rng.uniform(1, 4))
    image = level * light[..., None] * tint
    image = wear(rng, image, -rng.uniform(0, 0.012), int(rng.integers(0, 8)))
    image = dust(rng, image, -rng.uniform(0.02, 0.12), int(rng.integers(0, 9)))
    return smudge(rng, image, rng.uniform(-0.02, 0.01)), "diffuse lamp"


def _dark_field(rng: Generator, size: int) -> tuple[np.ndarray, str]:
    """Grazing light on a dark ground: only what scatters is bright."""
    level = rng.uniform(0.01, 0.14)
    glow = np.clip(ramp(rng, size), 0, None) ** 2 * rng.uniform(0, 0.25)
    light = level + glow + 0.3 * level * noise_field(rng, size, rng.uniform(1, 5))
    image = np.clip(light, 0, 1)[..., None] * random_colour(rng, 0.8, 1.0, 0.3)
    image = wear(rng, image, rng.uniform(0, 0.03), int(rng.integers(0, 20)))
    image = dust(rng, image, rng.uniform(0.05, 0.35), int(rng.integers(3, 50)))
    return smudge(rng, image, rng.uniform(0, 0.03)), "grazing light"


def _bright_field(rng: Generator, size: int) -> tuple[np.ndarray, str]:
    """Light from the camera's side: mid grey with veiling glare, wear marks show as pale hairs."""
    level = rng.uniform(0.5, 0.82) if rng.random() < 0.7 else rng.uniform(0.25, 0.6)
    tint = random_tint(rng, 0.04) if rng.random() < 0.75 else random_colour(rng, 0.85, 1.0, 0.08)
    light = 1 + rng.uniform(0.01, 0.12) * ramp(rng, size)
    light += rng.uniform(0, 0.05) * noise_field(rng, size, rng.uniform(1, 3), 2)
    image = level * light[..., None] * tint
    image = wear(rng, image, rng.uniform(0.005, 0.035), int(rng.integers(0, 45)))
    image = dust(rng, image, rng.uniform(0.02, 0.15), int(rng.integers(0, 14)))
    if rng.random() < 0.3:
        image = reflections(rng, image)
    return smudge(rng, image, rng.uniform(-0.02, 0.05)), "front light"


def _vignette(rng: Generator, size: int) -> np.ndarray:
    """Light fall-off towards the corners, [size, size, 1]."""
    depth = rng.uniform(0, 0.25) if rng.random() < 0.7 else 0.0
    axis = np.linspace(-1, 1, size, dtype=np.float32) ** 2
    return (1 - depth * (axis[None, :] + axis[:, None]) / 2)[..., None].astype(np.float32)


def _pane_edge(rng: Generator, size: int) -> tuple[float, float, float]:
    """Straight edge cutting off up to a fifth of the picture, near one of its four sides."""
    angle = rng.integers(0, 4) * np.pi / 2 + rng.normal(0, 0.08)
    nx, ny = float(np.cos(angle)), float(np.sin(angle))
    reach = rng.uniform(0.3, 0.46) * size
    return nx, ny, (nx + ny) * size / 2 + float(reach)


def _cut_pane(
    rng: Generator, image: np.ndarray, edge: tuple[float, float, float]
) -> tuple[np.ndarray, np.ndarray]:
    """Replace what lies beyond the edge, and draw the ground edge as a bright and a dark line."""
    size, (nx, ny, c) = image.shape[0], edge
    axis = np.arange(size, dtype=np.float32)
    beyond = np.float32(nx) * axis[None, :] + np.float32(ny) * axis[:, None] - np.float32(c)
    outside = np.clip(beyond + 0.5, 0, 1)[..., None]
    mean = np.array(cv2.mean(image.astype(np.float32))[:3], np.float32)
    other = np.clip(mean * rng.uniform(0.3, 1.25) + rng.uniform(-0.05, 0.1), 0, 1)
    other = other * (0.3 * image / (mean + 1e-3) + 0.7)
    band = size * rng.uniform(0.004, 0.02)
    line = np.exp(-(((beyond + band) / band) ** 2))[..., None]
    seam = np.exp(-((beyond / (size * 0.004)) ** 2))[..., None]
    ground = np.array([0.55, 0.8, 0.7], np.float32) * rng.uniform(0.3, 1.1)
    image = image + line * rng.uniform(0.1, 0.6) * (ground - image)
    image = (image * (1 - outside) + other * outside) * (1 - rng.uniform(0.2, 0.7) * seam)
    return image.astype(np.float32), beyond < 0
