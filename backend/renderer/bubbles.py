"""Bubbles: gas shut in the glass."""

import numpy as np
from numpy.random import Generator

from backend.renderer.sketch import Sketch, Spot


def sketch_bubble(rng: Generator, spot: Spot) -> Sketch:
    """Gas in the glass: a diverging lens with a dark rim and two highlights."""
    radius = max(1.6, spot.extent(rng, 0.007, 0.13) * rng.uniform(0.6, 1))
    angle, stretch = rng.uniform(0, np.pi), 1 + rng.exponential(0.18)
    window, (dx, dy) = spot.around(spot.at, radius * stretch * 1.3 + 2)
    along = (np.cos(angle) * dx + np.sin(angle) * dy) / stretch
    depth = np.hypot(along, np.cos(angle) * dy - np.sin(angle) * dx) / radius
    inside = np.clip((1 - depth) / max(0.12, 0.7 / radius) + 0.5, 0, 1)
    lx, ly = spot.light.direction
    lean = (dx * lx + dy * ly) / (radius * np.maximum(depth, 0.3))
    rim = np.exp(-(((depth - 0.88) / rng.uniform(0.09, 0.25)) ** 2)) * inside
    glow = rim * np.clip(lean, 0, 1) ** 2 * 0.9
    for side, gain, wide in ((0.5, rng.uniform(0.3, 1), 0.16), (-0.55, rng.uniform(0, 0.6), 0.22)):
        gap = np.hypot(dx - side * radius * lx, dy - side * radius * ly) / radius
        glow = glow + gain * np.exp(-((gap / wide) ** 2)) * inside
    bend = rng.uniform(0.6, 2) * inside * np.sqrt(np.clip(1 - depth, 0, 1))
    layers = np.zeros((spot.size, spot.size, 3), np.float32)
    shift = np.zeros((spot.size, spot.size, 2), np.float32)
    body = np.stack([rim * (0.65 - 0.3 * lean), glow, 0.06 * inside], 2)
    layers[window] = np.clip(body * (0.4 + 0.6 * spot.severity), 0, 1)
    shift[window] = np.stack([dx * bend, dy * bend], 2)
    return Sketch(layers, "bubble", shift, solid=True)
