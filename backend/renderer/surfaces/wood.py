"""Intact wood: rings cut along the trunk, fibres, pores, gaps between boards."""

import cv2
import numpy as np
from numpy.random import Generator

from backend.renderer.paint import noise_field, rgb, temperature
from backend.renderer.surfaces.fields import axes, blurred, speckle, step, streaks
from backend.renderer.surfaces.surface import DARK, Nature, Surface

SPECIES = {  # early wood, late wood, how sharp the ring is
    "pine": ((0.82, 0.66, 0.44), (0.62, 0.4, 0.2), 2.5),
    "beech": ((0.76, 0.58, 0.42), (0.66, 0.47, 0.32), 1.5),
    "oak": ((0.68, 0.52, 0.34), (0.5, 0.35, 0.2), 1.8),
    "walnut": ((0.42, 0.29, 0.2), (0.26, 0.17, 0.11), 1.5),
    "grey": ((0.56, 0.54, 0.5), (0.42, 0.4, 0.37), 2.0),
}


def wood(rng: Generator, size: int) -> Surface:
    """A board or a veneer; grey is weathered."""
    unit, kind = size / 256, str(rng.choice(list(SPECIES)))
    early, late, sharp = SPECIES[kind]
    angle = float(rng.integers(0, 2) * np.pi / 2 + rng.normal(0, 0.08))
    ring = _rings(rng, size, angle, sharp)
    fibre = streaks(rng, size, angle, rng.uniform(25, 80) * unit, max(0.8, unit))
    cloud = streaks(rng, size, angle, 0.8 * size, rng.uniform(10, 40) * unit)
    tint = rng.uniform(0.75, 1.12) * temperature(rng, 0.05)
    depth = (ring * np.float32(rng.uniform(0.35, 1)))[..., None]
    colour = rgb(*early) * tint + (rgb(*late) - rgb(*early)) * tint * depth
    light = 1 + rng.uniform(0.02, 0.07) * fibre + rng.uniform(0.01, 0.06) * cloud
    light += rng.uniform(0.005, 0.03) * speckle(rng, size, 0.5)
    pores: np.ndarray = np.zeros((size, size), np.float32)
    if kind in ("oak", "walnut"):  # vessels cut along
        dashes = streaks(rng, size, angle, rng.uniform(7, 16) * unit, max(0.9, 1.1 * unit))
        pores = step(dashes, rng.uniform(1.2, 2.0), 0.6) * (0.4 + 0.6 * (1 - ring))
    albedo = colour * (light * (1 - rng.uniform(0.25, 0.5) * pores))[..., None]
    height = fibre * np.float32(rng.uniform(0.04, 0.2) * unit) - pores * np.float32(0.6 * unit)
    height += ring * np.float32(rng.uniform(0, 0.5) * unit)
    if rng.random() < 0.2:
        albedo, height = _gap(rng, albedo, height, angle)
    varnish = rng.uniform(0.08, 0.3) if rng.random() < 0.4 else rng.uniform(0, 0.06)
    mean = albedo.mean((0, 1))
    nature = Nature(
        beneath=np.clip(mean * rng.uniform(1.0, 1.4), 0, 0.95),
        behind=DARK,
        added=rgb(0.66, 0.5, 0.24) * rng.uniform(0.6, 1.2),
        stains=((0.55, 0.5, 0.46), (0.5, 0.52, 0.6), (0.6, 0.42, 0.3), (0.72, 0.66, 0.52)),
        foreign=((0.2, 0.11, 0.06), (0.3, 0.17, 0.08), (0.12, 0.07, 0.04)),
        grain=angle,
        along=0.15,
        across=0.35,
        fibrous=True,
    )
    shine = np.full((size, size), varnish, np.float32)
    return Surface(height, np.clip(albedo, 0.01, 1).astype(np.float32), shine, kind, nature)


def _rings(rng: Generator, size: int, angle: float, sharp: float) -> np.ndarray:
    """Growth rings 0..1: slowly darker through a year, then at once pale again."""
    along, across = axes(size, angle)
    far = rng.uniform(-0.3, 1.2) * size  # from the heart of the trunk
    bow = rng.uniform(0, 0.5) ** 2
    wander = streaks(rng, size, angle, 0.9 * size, 0.25 * size) * np.float32(0.04 * size)
    wander += streaks(rng, size, angle, 0.3 * size, 0.06 * size) * np.float32(0.006 * size)
    shift = np.float32(rng.uniform(-0.6, 0.6) * size)
    place = np.hypot(across + np.float32(far), (along - shift) * np.float32(bow)) + wander
    period = max(3.2, rng.uniform(4, 26) * size / 256)
    uneven = 0.25 * noise_field(rng, size, 4)
    year = place / np.float32(period) + uneven * np.float32(0.4)
    phase = year - np.floor(year)
    soft = np.minimum(phase ** np.float32(sharp), (1 - phase) * np.float32(period / 1.5))
    return blurred(soft.astype(np.float32), 0.5)


def _gap(
    rng: Generator, albedo: np.ndarray, height: np.ndarray, angle: float
) -> tuple[np.ndarray, np.ndarray]:
    """A dark joint between two boards, the second of another shade."""
    size = albedo.shape[0]
    _, across = axes(size, angle)
    across = across - np.float32(rng.uniform(-0.4, 0.4) * size)
    wide = np.float32(max(0.6, rng.uniform(0.6, 2.0) * size / 256))
    gap = np.clip(1.4 - np.abs(across) / wide, 0, 1)
    other = np.where(across > 0, np.float32(rng.uniform(0.85, 1.1)), np.float32(1))
    albedo = albedo * (other * (1 - 0.7 * gap))[..., None]
    return albedo, height - cv2.GaussianBlur(gap, (0, 0), 0.8) * (1.5 * wide)
