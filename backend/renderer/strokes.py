"""What broken glass is drawn with: straying paths, fracture lines, crushed facets."""

import numpy as np
from numpy.random import Generator

from backend.renderer.lighting import Light
from backend.renderer.pen import Pen
from backend.renderer.sketch import Spot


def waves(rng: Generator, lines: int, count: int, knots: int) -> np.ndarray:
    """Smooth random numbers [lines, count], -1..1, each line with `knots` turning points."""
    knots = max(knots, 2)
    values = rng.uniform(-1, 1, (lines, knots + 1))
    place = np.arange(count) * ((knots - 1) / max(count - 1, 1))
    left = place.astype(int)
    part = place - left
    return values[:, left] * (1 - part) + values[:, left + 1] * part


def crack_paths(
    rng: Generator,
    starts: np.ndarray,
    angles: np.ndarray,
    lengths: np.ndarray,
    step: float,
    wander: float,
) -> np.ndarray:
    """Cracks [m, n, 2] px that set out at `angles` (rad) and stray by about `wander` (rad)."""
    lines, count = len(angles), int(np.clip(np.max(lengths) / step, 4, 50))
    heading = wander * (waves(rng, lines, count, 2 + count // 9))
    heading += wander * rng.normal(0, 0.3, heading.shape) + np.asarray(angles)[:, None]
    kinked = rng.normal(0, 2 * wander, (lines, 1)) * (rng.random((lines, 1)) < 0.3)
    heading += kinked * (np.arange(count) > rng.integers(1, count, (lines, 1)))
    moves = np.stack([np.cos(heading), np.sin(heading)], 2)
    moves *= (np.asarray(lengths) / count)[:, None, None]
    paths = np.empty((lines, count + 1, 2))
    paths[:, :1] = np.reshape(starts, (-1, 1, 2))
    paths[:, 1:] = paths[:, :1] + np.cumsum(moves, 1)
    return paths


def fractures(
    rng: Generator,
    pen: Pen,
    lines: np.ndarray,
    width: float,
    opacity: float | np.ndarray,
    spot: Spot,
    fades: bool = True,
    oblique: float = 0.35,
) -> None:
    """Cracks [m, n, 2]: each varies in opacity, fades at its tip, is lit where it faces the light.

    The share `oblique` of them runs aslant through the pane: a pale ribbon shows between their
    lines on the front and the back face. `width` in px, `opacity` (0..1) scalar or [m].
    """
    count, parts = lines.shape[0], lines.shape[1] - 1
    if not count:
        return
    own = np.reshape(opacity, (-1, 1)) * rng.uniform(0.5, 1, (count, 1))
    along = own * np.clip(0.75 + 0.42 * waves(rng, count, parts, 2 + parts // 5), 0.06, 1)
    taper = np.minimum(np.linspace(1.3, 0.2, parts), 1) if fades else np.ones(parts)
    thick = width * rng.uniform(0.5, 1.2, (count, 1)) * np.sqrt(taper)
    lit = 0.4 * _facing(lines, spot.light) + rng.uniform(0.2, 0.5, (count, 1))
    lit = np.clip(lit + 0.45 * waves(rng, count, parts, 3 + parts // 3), 0, 1)
    for i in np.flatnonzero(rng.random(count) < oblique):
        depth = rng.normal(0, 3.5 if fades else 1.5) * spot.unit
        slant = depth * (0.4 + 0.6 * waves(rng, 1, parts + 1, 3)[0])
        other = lines[i] + slant[:, None] * np.array(spot.light.direction)[::-1]
        _ribbon(rng, pen, lines[i], other, rng.uniform(0.1, 0.7) * float(own[i % len(own), 0]))
        pen.line(other, 0.4 * thick[i], 0.4 * along[i], 0.5 * along[i] * lit[i])
    pen.line(lines, thick, along * np.clip(1.15 - 0.75 * lit, 0.25, 1), along * lit)


def _facing(points: np.ndarray, light: Light) -> np.ndarray:
    """How squarely each part of a polyline [..., n, 2] faces the light, [..., n - 1], 0..1."""
    move = np.diff(points, axis=-2)
    lx, ly = light.direction
    cross = np.abs(move[..., 0] * ly - move[..., 1] * lx)
    return cross / (np.hypot(move[..., 0], move[..., 1]) + 1e-6)


def _ribbon(rng: Generator, pen: Pen, points: np.ndarray, other: np.ndarray, shine: float) -> None:
    """The fracture face between two lines [n, 2], flashing here and there."""
    count = len(points) - 1
    flash = shine * np.clip(0.5 + waves(rng, 1, count, 3 + count // 3)[0], 0, 1)
    quads = np.stack([points[:-1], points[1:], other[1:], other[:-1]], axis=1)
    for quad, glint in zip(quads, flash.tolist(), strict=True):
        pen.facet(quad, 0.35 * shine, glint, 0.4 * shine)


def crush(rng: Generator, pen: Pen, spot: Spot, radius: float) -> None:
    """Pulverised glass: many tiny facets, each dark, bright or milky, around a pale bruise."""
    count = int(np.clip(6 + 2.2 * radius, 8, 60))
    turn = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    for scale in np.linspace(2.4, 0.9, 7):
        rim = scale * radius * (0.7 + 0.5 * rng.random(12))
        bruise = spot.at + np.stack([np.cos(turn), np.sin(turn)], 1) * rim[:, None]
        haze = 0.35 * ((2.6 - scale) / 1.7) ** 2
        pen.facet(bruise, 0.3 * haze, 0.3 * haze, haze * rng.uniform(0.7, 1.1))
    for _ in range(count):
        centre = spot.at + rng.normal(0, 0.55 * radius, 2)
        shard = centre + rng.normal(0, 0.28 * radius + 0.4, (int(rng.integers(3, 6)), 2))
        dark, glint = (rng.uniform(0.3, 1), 0.05) if rng.random() < 0.5 else (0.1, rng.random())
        pen.facet(shard, dark, glint, 0.5 * rng.random())
