"""Flat defects: stains that soak in or lie on, and scale rolled into sheet."""

import numpy as np
from numpy.random import Generator

from backend.renderer.paint import noise_field
from backend.renderer.sketch import Spot
from backend.renderer.surfaces.fields import blurred, inside, lines, outline, speckle, step, streaks
from backend.renderer.surfaces.surface import Imprint, Surface, one_of, spread


def stain(rng: Generator, spot: Spot, surface: Surface) -> Imprint:
    """A blot, a dried ring, runs downwards, splashes, or a smear."""
    kind = str(
        rng.choice(["blot", "ring", "runs", "splashes", "smear"], p=[0.36, 0.18, 0.14, 0.18, 0.14])
    )
    makers = {"runs": _runs, "splashes": _splashes, "smear": _smear}
    cover = makers.get(kind, _blot)(rng, spot, kind)
    colour = one_of(rng, surface.nature.stains)
    strength = rng.uniform(0.25, 0.5 + 0.5 * spot.severity)
    tint = np.clip(1 - strength * (1 - colour), 0.02, 1.2)
    gloss = rng.uniform(0.3, 1.8)
    return Imprint(kind, np.clip(cover, 0, 1), tint=tint, gloss=gloss, level=0.2 * rng.random())


def _blot(rng: Generator, spot: Spot, kind: str) -> np.ndarray:
    """A puddle with a wandering outline; a ring has dried from the middle."""
    radius = spot.extent(rng, 0.025, 0.24)
    window, offsets = spot.around(spot.at, 2 * radius + 4)
    depth = outline(
        rng, offsets, radius, rng.uniform(0.08, 0.28), rng.uniform(0.45, 1), rng.uniform(0, np.pi)
    )
    depth = depth + 0.12 * noise_field(rng, spot.size, rng.uniform(8, 22), 3)[window]
    soft = rng.uniform(0.8, 2) if rng.random() < 0.6 else rng.uniform(0.2, 0.7) * radius
    whole = inside(depth, radius, soft)
    patchy = 1 - rng.uniform(0, 0.5) * np.clip(
        noise_field(rng, spot.size, 9, 4)[window] + 0.3, 0, 1
    )
    if kind == "ring":
        rim = np.exp(-(((depth - 0.93) * radius / rng.uniform(1.2, 4) / spot.unit) ** 2))
        whole = whole * rng.uniform(0.1, 0.5) + rim * rng.uniform(0.4, 0.8)
    return spread(spot.size, window, whole * patchy)


def _runs(rng: Generator, spot: Spot, kind: str) -> np.ndarray:
    """Tracks that ran down one after another, from a common start, paling."""
    length, paths, widths, values = spot.extent(rng, 0.15, 0.8), [], [], []
    down = np.array([rng.normal(0, 0.08), 1.0])
    for _ in range(int(rng.integers(1, 6))):
        start = spot.at + np.array([rng.normal(0, 0.03) * spot.size, 0])
        own, wide = length * rng.uniform(0.3, 1), rng.uniform(1.5, 6) * spot.unit
        t = np.linspace(0, 1, 9)[:, None]
        path = start + down * t * own + rng.normal(0, 0.5, (9, 2)) * spot.unit
        paths += [path[k : k + 2] for k in range(8)]
        widths += (wide * rng.uniform(0.8, 1.1, 8)).tolist()
        values += np.clip(np.linspace(rng.uniform(0.6, 1), rng.uniform(0.1, 0.7), 8), 0, 1).tolist()
    return blurred(lines(spot.size, paths, widths, values), rng.uniform(0.6, 2.2) * spot.unit)


def _splashes(rng: Generator, spot: Spot, kind: str) -> np.ndarray:
    """Drops of one splash, small ones farther out."""
    layer = np.zeros((spot.size, spot.size), np.float32)
    reach, radius = spot.extent(rng, 0.04, 0.22), spot.extent(rng, 0.008, 0.04)
    for _ in range(int(rng.integers(4, 22))):
        far = np.abs(rng.normal(0, reach))
        turn = rng.uniform(0, 2 * np.pi)
        at = np.clip(spot.at + far * np.array([np.cos(turn), np.sin(turn)]), 0, spot.size - 1)
        own = max(1.0, radius * float(rng.lognormal(0, 0.5)) / (1 + far / reach))
        window, offsets = spot.around(at, 2 * own + 2)
        depth = outline(rng, offsets, own, 0.08, rng.uniform(0.5, 1), turn)
        drop = inside(depth, own, 0.9) * (0.7 + 0.3 * np.clip(depth, 0, 1) ** 2)
        layer[window] = np.maximum(layer[window], drop)
    return layer


def _smear(rng: Generator, spot: Spot, kind: str) -> np.ndarray:
    """Wiped: streaks within a slim patch, stronger where the wiping began."""
    radius, angle = spot.extent(rng, 0.06, 0.32), rng.uniform(0, 2 * np.pi)
    window, offsets = spot.around(spot.at, 1.6 * radius + 3)
    depth = outline(rng, offsets, radius, 0.15, rng.uniform(0.2, 0.5), angle)
    drawn = streaks(rng, spot.size, angle, 1.2 * radius, max(1.0, 2 * spot.unit))[window]
    along = (offsets[0] * np.cos(angle) + offsets[1] * np.sin(angle)) / radius
    patch = np.clip(1.3 - depth, 0, 1) * np.clip(0.7 + 0.5 * along, 0.15, 1)
    return spread(spot.size, window, patch * np.clip(0.6 + 0.4 * drawn, 0, 1))


def scale(rng: Generator, spot: Spot, surface: Surface) -> Imprint:
    """Oxide pressed in by the rolls: ragged flakes in a trail along them, torn and rough."""
    radius, slim = spot.extent(rng, 0.05, 0.36), rng.uniform(0.15, 0.55)
    window, offsets = spot.around(spot.at, 1.7 * radius + 3)
    grain = surface.nature.grain
    depth = outline(rng, offsets, radius, 0.2, slim, grain)
    unit = spot.unit
    flakes = streaks(rng, spot.size, grain, rng.uniform(8, 24) * unit, rng.uniform(2.5, 6) * unit)
    flakes = flakes + 0.5 * speckle(rng, spot.size, max(0.8, 1.3 * unit))
    least = 1.4 * depth**1.5 - rng.uniform(0.5, 1.0)
    patch = step((flakes[window] - least), 0.0, rng.uniform(0.15, 0.4)) * (depth < 1.7)
    fine = speckle(rng, spot.size, max(0.6, unit))
    high = rng.uniform(-0.9, 0.9) * unit
    cover = spread(spot.size, window, patch)
    height = blurred(cover, 0.5) * np.float32(high) + cover * fine * np.float32(0.25 * unit)
    dark = surface.nature.beneath * np.float32(rng.uniform(0.12, 0.45))
    if rng.random() < 0.25:  # torn out: pale
        dark = surface.nature.beneath * np.float32(rng.uniform(0.9, 1.3))
    opacity = rng.uniform(0.3, 0.5 + 0.45 * spot.severity)
    paint = dark * (1 + 0.2 * fine)[..., None]
    return Imprint("rolled in", cover, height, paint, opacity, gloss=0.4, solid=False)
