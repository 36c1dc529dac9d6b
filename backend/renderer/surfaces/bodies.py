"""Compact defects: dents, pits, inclusions, lost and extra material."""

import numpy as np
from numpy.random import Generator

from backend.renderer.sketch import Spot
from backend.renderer.surfaces.fields import blurred, inside, lines, outline, speckle
from backend.renderer.surfaces.surface import Imprint, Surface, one_of, spot_turn, spread


def dent(rng: Generator, spot: Spot, surface: Surface) -> Imprint:
    """Pressed in by a blow: a bowl with a raised rim, round or drawn out; colour stays."""
    radius = max(2.5, spot.extent(rng, 0.015, 0.16))
    slim, angle = rng.uniform(0.35, 1), rng.uniform(0, np.pi)
    window, offsets = spot.around(spot.at, 2.2 * radius + 3)
    depth = outline(rng, offsets, radius, 0.06, slim, angle)
    power = rng.uniform(1.6, 4)
    bowl = np.exp(-(depth**power))
    rim = np.exp(-(((depth - 1.25) / 0.35) ** 2)) * rng.uniform(0, 0.22)
    deep = radius * slim * rng.uniform(0.1, 0.2 + 0.35 * spot.severity)
    cover = spread(spot.size, window, np.clip(1.6 - depth, 0, 1))
    height = spread(spot.size, window, (rim - bowl) * np.float32(deep))
    rubbed = rng.uniform(0, 0.25) if surface.nature.hard else 0.0
    kind = "round" if slim > 0.6 else "oblong"
    return Imprint(kind, cover, height, surface.nature.beneath, rubbed, level=rng.uniform(0, 0.5))


def pit(rng: Generator, spot: Spot, surface: Surface) -> Imprint:
    """A hole with steep walls and a dark ground: single, or a swarm of them."""
    swarm = rng.random() < 0.4
    count = int(rng.integers(4, 22)) if swarm else 1
    radius = spot.extent(rng, 0.004, 0.022) if swarm else spot.extent(rng, 0.007, 0.07)
    reach = spot.extent(rng, 0.03, 0.16) if swarm else 0.0
    cover = np.zeros((spot.size, spot.size), np.float32)
    for _ in range(count):
        at = np.clip(spot.at + rng.normal(0, reach + 1e-6, 2), 0, spot.size - 1)
        own = max(1.0, radius * float(rng.lognormal(0, 0.35 if swarm else 0.1)))
        window, offsets = spot.around(at, 2.2 * own + 2)
        slim, angle = rng.uniform(0.4, 1), spot_turn(rng, surface, 0.5)
        depth = outline(rng, offsets, own, rng.uniform(0.03, 0.22), slim, angle)
        hole = inside(depth, own * slim, max(0.7, 0.35 * own))
        cover[window] = np.maximum(cover[window], hole)
    deep = max(1.2, radius) * rng.uniform(0.5, 0.8 + 0.6 * spot.severity)
    dark = surface.nature.beneath * np.float32(rng.uniform(0.1, 0.55))
    opacity = rng.uniform(0.25, 0.5 + 0.45 * spot.severity)
    height = blurred(cover, 0.5) * np.float32(-deep)
    return Imprint("swarm" if swarm else "single", cover, height, dark, opacity, gloss=0.3)


def inclusion(rng: Generator, spot: Spot, surface: Surface) -> Imprint:
    """Foreign matter shut in: a speck, a stringer along the grain, a swarm, or a fibre."""
    soft = not surface.nature.hard
    kinds = ["speck", "stringer", "swarm", "fibre"]
    weights = [0.4, 0.05, 0.2, 0.35] if soft else [0.45, 0.3, 0.25, 0.0]
    kind = str(rng.choice(kinds, p=weights))
    cover = (_fibre if kind == "fibre" else _specks)(rng, spot, surface, kind)
    paint = one_of(rng, surface.nature.foreign)
    high = rng.uniform(-0.5, 0.8) * spot.unit
    opacity = rng.uniform(0.4, 0.6 + 0.4 * spot.severity)
    mottle = 1 + 0.25 * speckle(rng, spot.size, max(0.6, spot.unit))[..., None]
    height = blurred(cover, 0.6) * np.float32(high)
    return Imprint(
        kind, cover, height, paint * mottle, opacity, gloss=rng.uniform(0.2, 1), level=0.4
    )


def _specks(rng: Generator, spot: Spot, surface: Surface, kind: str) -> np.ndarray:
    count = {"speck": 1, "stringer": int(rng.integers(1, 7)), "swarm": int(rng.integers(4, 16))}[
        kind
    ]
    radius = spot.extent(rng, 0.009, 0.045) * (0.55 if count > 1 else 1)
    grain = surface.nature.grain
    ahead = np.array([np.cos(grain), np.sin(grain)])
    reach = spot.extent(rng, 0.03, 0.14)
    cover = np.zeros((spot.size, spot.size), np.float32)
    for _ in range(count):
        aside = rng.normal(0, 1, 2) * (reach if kind == "swarm" else 0.15 * radius)
        run = ahead * rng.normal(0, reach) if kind == "stringer" and count > 1 else 0.0
        at = np.clip(spot.at + (aside + run if count > 1 else 0.0), 0, spot.size - 1)
        slim = rng.uniform(0.08, 0.25) if kind == "stringer" else rng.uniform(0.45, 1)
        own = max(1.1, radius * float(rng.lognormal(0, 0.3))) * (2.2 if kind == "stringer" else 1)
        angle = grain + rng.normal(0, 0.05) if kind == "stringer" else rng.uniform(0, np.pi)
        window, offsets = spot.around(at, 2 * own + 2)
        depth = outline(rng, offsets, own, rng.uniform(0.08, 0.25), max(slim, 0.8 / own), angle)
        cover[window] = np.maximum(cover[window], inside(depth, own * max(slim, 0.4), 0.9))
    return cover


def _fibre(rng: Generator, spot: Spot, surface: Surface, kind: str) -> np.ndarray:
    """A hair, a straw or a foreign thread, curled."""
    length, width = spot.extent(rng, 0.05, 0.45), rng.uniform(0.8, 4.5) * spot.unit
    parts = 14
    heading = rng.uniform(0, 2 * np.pi) + np.cumsum(rng.normal(0, rng.uniform(0.03, 0.35), parts))
    moves = np.stack([np.cos(heading), np.sin(heading)], 1) * length / parts
    path = np.cumsum(moves, 0)
    path += spot.at - path.mean(0)
    return blurred(lines(spot.size, [path], [max(width, 0.9)], [1.0]), 0.35)


def missing(rng: Generator, spot: Spot, surface: Surface) -> Imprint:
    """Broken or flaked away: a ragged floor lower down, its walls lit or in shade; at the part's
    edge, where the picture shows one, a piece is gone."""
    radius, at, torn = spot.extent(rng, 0.025, 0.2), spot.at, False
    if surface.edge is not None and rng.random() < 0.65:
        nx, ny, c = surface.edge
        at = np.clip(at + (c - nx * spot.x - ny * spot.y) * np.array([nx, ny]), 0, spot.size - 1)
        torn = True
    window, offsets = spot.around(at, 2.0 * radius + 3)
    fibrous = surface.nature.fibrous
    slim = rng.uniform(0.12, 0.4) if fibrous else rng.uniform(0.4, 1)
    angle = surface.nature.grain if fibrous else rng.uniform(0, np.pi)
    ragged = rng.uniform(0.12, 0.32)
    depth = outline(rng, offsets, radius, ragged, slim, angle, int(rng.integers(6, 15)))
    coarse = speckle(rng, spot.size, max(1.2, rng.uniform(0.1, 0.35) * radius))[window]
    fine = speckle(rng, spot.size, max(0.5, 0.7 * spot.unit))[window]
    floor = inside(
        depth + 0.05 * coarse, radius * slim, rng.uniform(1.2, 4.0) * max(spot.unit, 0.6)
    )
    deep = rng.uniform(1.0, 2.0 + 3.5 * spot.severity) * max(spot.unit, 0.6)
    bowl = np.clip(1.4 - depth, 0, 1) * np.float32(rng.uniform(0, 0.15) * radius)
    rough = (0.22 * coarse + 0.08 * fine) * np.float32(rng.uniform(0.3, 1.2) * deep)
    height = spread(spot.size, window, (rough - deep - bowl) * floor)
    cover = spread(spot.size, window, floor)
    light = spread(spot.size, window, 0.09 * coarse + 0.06 * fine)
    paint = surface.nature.beneath * (1 + light)[..., None]
    opacity = rng.uniform(0.3, 0.6 + 0.35 * spot.severity)
    kind = "broken edge" if torn else "flake"
    return Imprint(kind, cover, height, paint, opacity, gloss=rng.uniform(0.1, 0.6), level=0.7)


def extra(rng: Generator, spot: Spot, surface: Surface) -> Imprint:
    """Stuck on or grown out: spatter, a bead, or a burr."""
    kind = str(rng.choice(["spatter", "lump", "bead"], p=[0.35, 0.4, 0.25]))
    cover, high = (_bead if kind == "bead" else _lumps)(rng, spot, surface, kind)
    grit = speckle(rng, spot.size, max(0.7, 1.2 * spot.unit))
    rough = rng.uniform(0, 0.18) if rng.random() < 0.35 else 0.02
    height = cover**0.6 * (1 + np.float32(rough) * grit) * np.float32(high)
    light = 1 + np.float32(0.3 * rough) * grit
    paint = surface.nature.added * light[..., None]
    opacity = rng.uniform(0.5, 1.0)
    return Imprint(kind, cover, height, paint, opacity, gloss=rng.uniform(0.4, 1.6), level=0.8)


def _lumps(rng: Generator, spot: Spot, surface: Surface, kind: str) -> tuple[np.ndarray, float]:
    count = int(rng.integers(3, 14)) if kind == "spatter" else int(rng.integers(1, 3))
    radius = spot.extent(rng, 0.006, 0.028) if kind == "spatter" else spot.extent(rng, 0.015, 0.1)
    reach = spot.extent(rng, 0.04, 0.2) if kind == "spatter" else 0.6 * radius
    cover = np.zeros((spot.size, spot.size), np.float32)
    for _ in range(count):
        at = np.clip(spot.at + rng.normal(0, reach, 2) * (count > 1), 0, spot.size - 1)
        own = max(1.1, radius * float(rng.lognormal(0, 0.4)))
        window, offsets = spot.around(at, 2 * own + 2)
        slim = rng.uniform(0.5, 1)
        depth = outline(rng, offsets, own, rng.uniform(0.03, 0.2), slim, rng.uniform(0, np.pi))
        dome = np.clip(1 - depth**2, 0, 1)
        sharp = inside(depth, own * slim, 0.9)
        cover[window] = np.maximum(cover[window], sharp * (0.35 + 0.65 * dome))
    return cover, max(1.0, radius) * rng.uniform(0.35, 0.6 + 0.6 * spot.severity)


def _bead(rng: Generator, spot: Spot, surface: Surface, kind: str) -> tuple[np.ndarray, float]:
    """A ridge along a line: flash of a mould, a run of glue, a burr."""
    length, width = spot.extent(rng, 0.08, 0.6), rng.uniform(1.5, 3.5) * spot.unit
    angle = spot_turn(rng, surface, 0.5)
    parts = 12
    heading = angle + np.cumsum(rng.normal(0, rng.uniform(0.01, 0.15), parts))
    path = np.cumsum(np.stack([np.cos(heading), np.sin(heading)], 1) * length / parts, 0)
    path += spot.at - path.mean(0)
    widths = np.maximum(1.0, width * np.clip(rng.normal(1, 0.35, parts - 1), 0.3, 2))
    drawn = lines(
        spot.size, [path[k : k + 2] for k in range(parts - 1)], widths, np.ones(parts - 1)
    )
    return blurred(drawn, max(0.5, 0.35 * width)), width * rng.uniform(0.5, 1.3)
