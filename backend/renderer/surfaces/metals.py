"""Intact metal: brushed, ground or turned; cast; rolled."""

import cv2
import numpy as np
from numpy.random import Generator

from backend.renderer.dirt import wear
from backend.renderer.paint import noise_field, rgb, temperature
from backend.renderer.surfaces.fields import axes, cells, dots, speckle, step, streaks
from backend.renderer.surfaces.surface import DARK, Nature, Surface

RUST, OIL, HEAT, WATER = (0.62, 0.42, 0.28), (0.62, 0.56, 0.42), (0.6, 0.58, 0.75), (0.8, 0.8, 0.78)
SLAG, CHALK, SAND = (0.06, 0.06, 0.06), (0.75, 0.73, 0.68), (0.45, 0.36, 0.26)
TINTS = ((1.0, 1.0, 1.0), (0.97, 0.99, 1.03), (1.02, 1.0, 0.96), (1.15, 0.98, 0.68))
RARE = (0.45, 0.27, 0.24, 0.04)  # brass and its like


def brushed_metal(rng: Generator, size: int) -> Surface:
    """Lines of a brush, of a grinding belt or of a lathe, and the bands they leave."""
    unit, angle = size / 256, _grain(rng)
    kind = str(rng.choice(["brushed", "ground", "turned"], p=[0.5, 0.3, 0.2]))
    long = rng.uniform(18, 110) * unit
    groove = streaks(rng, size, angle, long, max(0.9, 1.1 * unit))
    groove += rng.uniform(0.3, 1) * streaks(rng, size, angle, 2.5 * long, rng.uniform(2, 5) * unit)
    bands = streaks(rng, size, angle, 4 * size, rng.uniform(9, 60) * unit)
    if kind == "ground":
        other = angle + rng.choice([-1, 1]) * rng.uniform(0.15, 1.2)
        groove += 0.6 * streaks(rng, size, other, 0.6 * long, max(0.9, unit))
    if kind == "turned":
        groove, bands = _turned(rng, size, angle, groove), bands * np.float32(0.3)
    cloud = noise_field(rng, size, rng.uniform(1, 4), 3)
    tone = rng.uniform(0.16, 0.62)
    rough = rng.uniform(0.03, 0.13)
    light = 1 + rough * groove + rng.uniform(0.02, 0.1) * bands + rng.uniform(0, 0.1) * cloud
    albedo = _grey(rng, tone, light)
    albedo = wear(rng, albedo, rng.uniform(-0.03, 0.05), int(rng.integers(0, 9)))
    height = groove * np.float32(rng.uniform(0.03, 0.14) * unit) + cloud * np.float32(
        rng.uniform(0, 0.25) * unit
    )
    gloss = np.full((size, size), rng.uniform(0.1, 0.6) * (0.4 + tone), np.float32)
    nature = _nature(rng, tone, angle, rng.uniform(0.12, 0.3), rng.uniform(0.4, 1.0))
    return Surface(height, albedo, gloss, kind, nature)


def _turned(rng: Generator, size: int, angle: float, groove: np.ndarray) -> np.ndarray:
    """The grooves bent about a centre far outside: what a lathe or a face mill leaves."""
    along, across = axes(size, angle)
    far = size * np.float32(rng.uniform(0.8, 3))
    radius = np.hypot(along - rng.uniform(-0.3, 0.3) * size, across + far) - far
    cos, sin = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    half = np.float32(size / 2)
    across_x, across_y = along * cos - radius * sin + half, along * sin + radius * cos + half
    bent = cv2.remap(groove, across_x, across_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    pitch = rng.uniform(2.5, 7) * size / 256
    feed = np.sin(radius * np.float32(2 * np.pi / max(pitch, 2.6)))
    return bent * np.float32(0.6) + feed * np.float32(rng.uniform(0.3, 1.0))


def cast_metal(rng: Generator, size: int) -> Surface:
    """The skin of a mould: sand grains, shot-blasted dimples, or the flow marks of a die."""
    unit = size / 256
    kind = str(rng.choice(["sand cast", "shot blasted", "die cast"], p=[0.4, 0.3, 0.3]))
    grain = {"sand cast": (1.4, 3.2), "shot blasted": (0.8, 1.5), "die cast": (1.0, 4.0)}[kind]
    wide = max(0.7, rng.uniform(*grain) * unit)
    deep = {"sand cast": (0.1, 0.36), "shot blasted": (0.1, 0.28), "die cast": (0.03, 0.12)}[kind]
    skin = speckle(rng, size, wide) + 0.6 * speckle(rng, size, max(0.5, 0.4 * wide))
    skin += rng.uniform(0, 0.7) * speckle(rng, size, 2.2 * wide)
    cloud = noise_field(rng, size, rng.uniform(1.5, 6), 4)
    flow = streaks(rng, size, rng.uniform(0, np.pi), 90 * unit, rng.uniform(6, 20) * unit)
    tone = rng.uniform(0.14, 0.5)
    light = 1 + rng.uniform(0.02, 0.09) * skin + rng.uniform(0.05, 0.16) * cloud
    if kind == "die cast":
        light += rng.uniform(0.02, 0.1) * flow
    albedo = _grey(rng, tone, light)
    if rng.random() < 0.5:  # sand, dust and tiny dimples, as every casting has them
        specks = dots(rng, size, int(rng.integers(10, 70)), 0.5 * unit)
        albedo = albedo * (1 - rng.uniform(0.1, 0.5) * specks[..., None])
    height = skin * np.float32(rng.uniform(*deep) * wide) + cloud * np.float32(
        rng.uniform(0.1, 1.0) * unit
    )
    gloss = np.full((size, size), rng.uniform(0.05, 0.4) * (0.4 + tone), np.float32)
    even = rng.uniform(0.2, 0.5)
    return Surface(height, albedo, gloss, kind, _nature(rng, tone, _grain(rng), even, even))


def rolled_steel(rng: Generator, size: int) -> Surface:
    """Sheet: faint long lines of the rolls, mottled by what is left of the scale."""
    unit, angle = size / 256, _grain(rng)
    kind = str(rng.choice(["hot rolled", "cold rolled", "pickled"], p=[0.45, 0.3, 0.25]))
    roll = streaks(rng, size, angle, rng.uniform(60, 300) * unit, max(0.9, 1.2 * unit))
    bands = streaks(rng, size, angle, 3 * size, rng.uniform(12, 70) * unit)
    fine = speckle(rng, size, max(0.45, rng.uniform(0.5, 1.3) * unit))
    mottle = streaks(rng, size, angle, rng.uniform(20, 60) * unit, rng.uniform(7, 18) * unit)
    mottle += 0.6 * cells(rng, size, rng.uniform(4, 9) * unit)
    tone = rng.uniform(0.14, 0.4) if kind == "hot rolled" else rng.uniform(0.3, 0.65)
    weights = {"hot rolled": (0.03, 0.1, 0.1), "cold rolled": (0.05, 0.02, 0.04)}
    lines, patches, grain = weights.get(kind, (0.03, 0.05, 0.08))
    light = 1 + rng.uniform(0.4, 1.4) * (lines * roll + patches * mottle + grain * fine)
    light += rng.uniform(0.01, 0.07) * bands
    albedo = _grey(rng, tone, light)
    if kind == "hot rolled":  # a thin skin of oxide, bluish where it holds
        skin = step(mottle, rng.uniform(-0.5, 0.8), rng.uniform(0.2, 0.8))[..., None]
        albedo = albedo * (1 - rng.uniform(0, 0.22) * skin * rgb(1.1, 1.0, 0.85))
    height = fine * np.float32(rng.uniform(0.03, 0.17) * unit) + roll * np.float32(0.06 * unit)
    gloss = np.full((size, size), rng.uniform(0.1, 0.5) * (0.3 + tone), np.float32)
    nature = _nature(rng, tone, angle, rng.uniform(0.15, 0.35), rng.uniform(0.3, 0.6))
    return Surface(height, albedo, gloss, kind, nature)


def _grain(rng: Generator) -> float:
    """Along a side of the picture, as a part lies under a camera, or now and then anyhow."""
    if rng.random() < 0.75:
        return float(rng.integers(0, 2) * np.pi / 2 + rng.normal(0, 0.05))
    return float(rng.uniform(0, np.pi))


def _grey(rng: Generator, tone: float, light: np.ndarray) -> np.ndarray:
    """The colour of a metal at the brightness [H, W], float32 [H, W, 3]."""
    tint = np.array(TINTS[int(rng.choice(4, p=RARE))]) * temperature(rng, 0.03)
    return np.clip(tone * light, 0.01, 1)[..., None] * tint.astype(np.float32)


def _nature(rng: Generator, tone: float, grain: float, along: float, across: float) -> Nature:
    bare = rgb(1, 1, 0.99) * min(0.95, tone * rng.uniform(1.15, 2.0))
    return Nature(
        beneath=bare,
        behind=DARK,
        added=rgb(1, 1, 1) * tone * rng.uniform(0.7, 1.4),
        stains=(RUST, OIL, HEAT, WATER, (0.5, 0.5, 0.5)),
        foreign=(SLAG, SLAG, CHALK, SAND),
        grain=grain,
        along=along,
        across=across,
    )
