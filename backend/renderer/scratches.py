"""Scratches: scored lines, single or in strands."""

import numpy as np
from numpy.random import Generator

from backend.renderer.pen import Pen
from backend.renderer.sketch import Sketch, Spot
from backend.renderer.strokes import waves


def sketch_scratch(rng: Generator, spot: Spot) -> Sketch:
    """A score: one or several nearly parallel strands, thin, straight or bowed, often broken."""
    pen, length = Pen(spot.size), spot.extent(rng, 0.12, 1.25)
    angle = rng.uniform(0, np.pi)
    ahead = np.array([np.cos(angle), np.sin(angle)])
    aside = np.array([-ahead[1], ahead[0]])
    count = max(10, int(length / (5 * spot.unit)))
    t = np.linspace(-0.5, 0.5, count + 1)[:, None]
    bow = rng.normal(0, 0.05) if rng.random() < 0.7 else rng.normal(0, 0.2)
    spine = spot.at + length * (ahead * t + aside * bow * (0.25 - t**2))
    strands = int(rng.integers(2, 6)) if rng.random() < 0.4 else 1
    gap = rng.uniform(0.8, 4) * spot.unit
    for strand in range(strands):
        drift = aside * gap * (strand - (strands - 1) / 2 + rng.normal(0, 0.3))
        points = spine + drift + aside * t * rng.normal(0, gap)
        first, last = (rng.uniform(0, 0.3), rng.uniform(0.6, 1)) if strands > 1 else (0.0, 1.0)
        _strand(rng, pen, points[int(first * count) : int(last * count) + 2], spot)
    if rng.random() < 0.35:  # the score's floor is ground: a pale band
        half = aside * gap * 0.5 * strands * np.clip(6 * (0.5 - np.abs(t)), 0, 1)
        band = np.vstack([spine - half, (spine + half)[::-1]])
        milky = 0.05 + 0.2 * rng.random() * spot.severity
        pen.facets.insert(0, (band, (255 * 0.15 * milky, 255 * 0.4 * milky, 255 * milky)))
    return Sketch(pen.layers(spot.light), "strands" if strands > 1 else "single")


def _strand(rng: Generator, pen: Pen, points: np.ndarray, spot: Spot) -> None:
    count = len(points) - 1
    opacity = 0.2 + 0.55 * spot.severity * rng.uniform(0.5, 1.2)
    along = opacity * np.clip(0.75 + 0.4 * waves(rng, 1, count, 2 + count // 4)[0], 0.1, 1)
    if rng.random() < 0.35:
        along = along * (waves(rng, 1, count, 4 + count // 5)[0] > -0.45)
    ends = np.minimum(np.linspace(0, 6, count), np.linspace(6, 0, count))
    along = along * np.clip(ends + 0.15, 0, 1)
    width = rng.uniform(0.35, 0.7 + 0.9 * spot.severity) * spot.unit**0.6
    lit = rng.uniform(0.6, 1)
    pen.line(points, width, along * rng.uniform(0.35, 0.8), along * lit, 0.3 * along)
