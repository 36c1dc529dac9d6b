"""Inclusions: specks, stones and swarms of foreign matter in the glass."""

import numpy as np
from numpy.random import Generator

from backend.renderer.pen import Pen
from backend.renderer.sketch import Sketch, Spot


def sketch_inclusion(rng: Generator, spot: Spot) -> Sketch:
    """A speck, a stone with a strained halo, or a swarm of specks."""
    pen = Pen(spot.size)
    kind = str(rng.choice(["speck", "stone", "swarm"], p=[0.55, 0.27, 0.18]))
    bright = rng.random() < 0.25
    if kind == "speck":
        radius = max(0.9, spot.extent(rng, 0.003, 0.018))
        _blob(rng, pen, spot.at, radius, 0.12, bright, spot)
    elif kind == "stone":
        radius = spot.extent(rng, 0.008, 0.045)
        for share in (1.0, 0.8, 0.65, 0.55):  # strained glass around it
            halo = share * 2.6 * radius
            _blob(rng, pen, spot.at, halo, 0.1, True, spot, 0.05 / share**2)
        _blob(rng, pen, spot.at, radius, 0.4, bright, spot)
        _blob(rng, pen, spot.at + rng.normal(0, 0.3 * radius, 2), 0.4 * radius, 0.4, True, spot)
    else:
        spread = spot.extent(rng, 0.01, 0.05)
        for _ in range(int(rng.integers(4, 16))):
            at = spot.at + rng.normal(0, spread, 2) * [1, rng.uniform(0.4, 1)]
            _blob(rng, pen, at, rng.uniform(0.4, 1.3) * spot.unit, 0.3, bright, spot)
    return Sketch(pen.layers(spot.light), kind, solid=True)


def _blob(
    rng: Generator,
    pen: Pen,
    at: np.ndarray,
    radius: float,
    ragged: float,
    bright: bool,
    spot: Spot,
    strength: float = 1.0,
) -> None:
    turn = np.linspace(0, 2 * np.pi, 14, endpoint=False)
    rim = radius * (1 + ragged * rng.uniform(-1, 1, 14))
    outline = at + np.stack([np.cos(turn), np.sin(turn)], 1) * rim[:, None]
    deep = strength * (0.4 + 0.6 * spot.severity) * rng.uniform(0.7, 1)
    pen.facet(outline, 0.1 * deep if bright else deep, deep if bright else 0.25 * deep, 0.3 * deep)
