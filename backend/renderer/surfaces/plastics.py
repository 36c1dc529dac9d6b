"""Intact plastic: moulded, glossy, satin or grained, plain or with ribs and steps."""

import cv2
import numpy as np
from numpy.random import Generator

from backend.renderer.dirt import dust, wear
from backend.renderer.paint import noise_field, random_colour, rgb
from backend.renderer.surfaces.fields import axes, blurred, speckle, streaks
from backend.renderer.surfaces.surface import DARK, Nature, Surface


def plastic(rng: Generator, size: int) -> Surface:
    """A moulded wall of one colour under the texture of its mould."""
    unit = size / 256
    kind = str(rng.choice(["glossy", "satin", "grained"], p=[0.35, 0.3, 0.35]))
    colour = _colour(rng)
    cloud = noise_field(rng, size, rng.uniform(0.6, 2))
    light = 1 + rng.uniform(0, 0.05) * cloud + rng.uniform(0.003, 0.015) * speckle(rng, size, 0.6)
    if rng.random() < 0.3:  # where the melt flowed
        flow = streaks(rng, size, rng.uniform(0, np.pi), 120 * unit, rng.uniform(10, 30) * unit)
        light += rng.uniform(0.005, 0.03) * flow
    albedo = light[..., None] * colour
    albedo = dust(rng, albedo, rng.uniform(-0.05, 0.12), int(rng.integers(0, 14)))
    albedo = wear(rng, albedo, rng.uniform(-0.01, 0.02), int(rng.integers(0, 8)))
    height = cloud * np.float32(rng.choice([0, 1]) * rng.uniform(0, 1.6) * unit) + _mould(
        rng, size, kind
    )
    if rng.random() < 0.4:
        height = height + _relief(rng, size)
    gloss = {"glossy": (0.3, 0.7), "satin": (0.1, 0.3), "grained": (0.05, 0.25)}[kind]
    wide = rng.uniform(0.12, 0.3) if kind == "glossy" else rng.uniform(0.25, 0.55)
    shine = np.full((size, size), rng.uniform(*gloss), np.float32)
    nature = Nature(
        beneath=np.clip(colour * rng.uniform(0.6, 1.3) + rng.uniform(0, 0.15), 0, 1),
        behind=DARK,
        added=colour,
        stains=((0.62, 0.5, 0.36), (0.5, 0.48, 0.45), (0.8, 0.8, 0.8), (0.55, 0.42, 0.3)),
        foreign=((0.03, 0.03, 0.03), (0.03, 0.03, 0.03), (0.25, 0.15, 0.08), (0.85, 0.85, 0.8)),
        grain=rng.uniform(0, np.pi),
        along=wide,
        across=wide,
    )
    return Surface(height, np.clip(albedo, 0.01, 1).astype(np.float32), shine, kind, nature)


def _colour(rng: Generator) -> np.ndarray:
    """White, grey or black three times in five, else any colour, float32 [3]."""
    pick = rng.random()
    if pick < 0.25:
        return rgb(0.82, 0.82, 0.8) * rng.uniform(0.75, 1.1)
    if pick < 0.45:
        return rgb(0.06, 0.06, 0.065) * rng.uniform(0.7, 2.2)
    if pick < 0.6:
        return rgb(0.42, 0.43, 0.44) * rng.uniform(0.5, 1.3)
    return random_colour(rng, 0.1, 0.45, 0.5)


def _mould(rng: Generator, size: int, kind: str) -> np.ndarray:
    """The texture that the mould leaves, px."""
    unit = size / 256
    if kind == "grained":  # eroded or etched: pebbles of one size
        wide = max(0.9, rng.uniform(1.0, 3.2) * unit)
        pebbles = np.abs(speckle(rng, size, wide))
        return blurred(np.minimum(pebbles, 1.2), 0.4 * wide) * np.float32(
            rng.uniform(0.15, 0.6) * wide
        )
    deep = rng.uniform(0.01, 0.03) if kind == "glossy" else rng.uniform(0.04, 0.12)
    return speckle(rng, size, max(0.6, unit)) * np.float32(deep * unit)


def _relief(rng: Generator, size: int) -> np.ndarray:
    """A rib, a step, or a raised ring: what parts have that is no defect, px."""
    unit = size / 256
    angle = rng.integers(0, 2) * np.pi / 2 + rng.normal(0, 0.04)
    _, across = axes(size, angle)
    across = across - np.float32(rng.uniform(-0.4, 0.4) * size)
    high, soft = rng.uniform(0.8, 3.5) * unit, max(1.0, rng.uniform(1, 4) * unit)
    pick = rng.random()
    if pick < 0.4:
        return np.float32(high) * np.tanh(across / np.float32(soft))
    if pick < 0.75:
        wide = rng.uniform(3, 20) * unit
        return np.float32(high) * np.clip((wide - np.abs(across)) / np.float32(soft), 0, 1)
    ring = np.zeros((size, size), np.uint8)
    centre = tuple(int(v) for v in rng.uniform(0.1, 0.9, 2) * size)
    radius, wide = int(rng.uniform(0.08, 0.35) * size), max(2, int(rng.uniform(2, 6) * unit))
    cv2.circle(ring, centre, radius, 255, wide if rng.random() < 0.5 else -1, cv2.LINE_AA)
    return blurred(ring.astype(np.float32) / 255, 0.5 * soft) * np.float32(high)
