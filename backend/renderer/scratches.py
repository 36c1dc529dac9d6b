"""Scratches: scored lines, single or in strands, and scuffs."""

import numpy as np
from numpy.random import Generator

from backend.renderer.pen import Pen
from backend.renderer.sketch import Sketch, Spot
from backend.renderer.strokes import waves

SCUFFS = 0.5  # of all scratches
MOST_SCORES = 700  # of a scuff


def sketch_scratch(rng: Generator, spot: Spot) -> Sketch:
    """A score: one or several nearly parallel strands, thin, straight or bowed, often broken; or
    a scuff, where a rough body was rubbed along."""
    pen = Pen(spot.size)
    if rng.random() < SCUFFS:
        _scuff(rng, pen, spot)
        return Sketch(pen.layers(spot.light), "scuff", solid=True)
    length = spot.extent(rng, 0.12, 1.25)
    ahead, aside = _directions(rng)
    count = max(10, int(length / (5 * spot.unit)))
    t = np.linspace(-0.5, 0.5, count + 1)[:, None]
    spine = _spine(rng, spot, length, ahead, aside, t)
    strands = int(rng.integers(2, 6)) if rng.random() < 0.4 else 1
    gap = rng.uniform(0.8, 4) * spot.unit
    for strand in range(strands):
        drift = aside * gap * (strand - (strands - 1) / 2 + rng.normal(0, 0.3))
        points = spine + drift + aside * t * rng.normal(0, gap)
        first, last = (rng.uniform(0, 0.3), rng.uniform(0.6, 1)) if strands > 1 else (0.0, 1.0)
        _strand(rng, pen, points[int(first * count) : int(last * count) + 2], spot)
    if rng.random() < 0.35:  # the score's floor is ground
        half = aside * gap * 0.5 * strands * np.clip(6 * (0.5 - np.abs(t)), 0, 1)
        _ground(pen, spine, half, 0.05 + 0.2 * rng.random() * spot.severity)
    return Sketch(pen.layers(spot.light), "strands" if strands > 1 else "single")


def _directions(rng: Generator) -> tuple[np.ndarray, np.ndarray]:
    """Unit vectors along and across, at a random angle."""
    angle = rng.uniform(0, np.pi)
    ahead = np.array([np.cos(angle), np.sin(angle)])
    return ahead, np.array([-ahead[1], ahead[0]])


def _spine(
    rng: Generator, spot: Spot, length: float, ahead: np.ndarray, aside: np.ndarray, t: np.ndarray
) -> np.ndarray:
    """The middle line at t [n, 1], -0.5 to 0.5, as [n, 2] px; mostly nearly straight."""
    bow = rng.normal(0, 0.05) if rng.random() < 0.7 else rng.normal(0, 0.2)
    return spot.at + length * (ahead * t + aside * bow * (0.25 - t**2))


def _ground(pen: Pen, spine: np.ndarray, half: np.ndarray, milky: float) -> None:
    """A pale band [n, 2] px about a middle line, ground and so scattering."""
    band = np.vstack([spine - half, (spine + half)[::-1]])
    pen.facets.insert(0, (band, (255 * 0.15 * milky, 255 * 0.4 * milky, 255 * milky)))


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


def _scuff(rng: Generator, pen: Pen, spot: Spot) -> None:
    """Many short scores side by side in a band of uneven pressure, its ground scattering.

    The grains of a rough body each leave a score as long as they touch: dense in the middle of the
    track and where it pressed, thinning out towards its rim. A short rub is as wide as long.
    """
    length = spot.extent(rng, 0.06, 1.2)
    slim = rng.uniform(0.02, 0.09) if length > 0.45 * spot.size else rng.uniform(0.06, 0.5)
    width = max(2.0 * spot.unit, slim * length)
    ahead, aside = _directions(rng)
    t = np.linspace(-0.5, 0.5, 33)[:, None]
    spine = _spine(rng, spot, length, ahead, aside, t)
    press = np.clip(0.55 + 0.6 * waves(rng, 1, 33, int(rng.integers(4, 14)))[0], 0.02, 1)
    fading = np.clip(rng.uniform(2, 9) * (0.5 - np.abs(t)), 0, 1)
    _ground(pen, spine, aside * width * 0.5 * fading, (0.05 + 0.3 * spot.severity) * rng.random())
    reach = rng.uniform(0.01, 0.06) * length + rng.uniform(1.5, 7) * spot.unit
    crowd = rng.uniform(0.25, 1.1) * length * width / (reach * spot.unit)
    count = int(np.clip(crowd, 12, MOST_SCORES))
    at = rng.choice(33, count, p=press / press.sum())
    across = np.clip(rng.normal(0, 0.27, count), -0.5, 0.5) * fading[at, 0]
    jitter = ahead * (rng.uniform(-0.5, 0.5, (count, 1)) * length / 32)
    middle = spine[at] + aside * (across * width)[:, None] + jitter
    turn = rng.normal(0, rng.uniform(0.03, 0.5), (count, 1))
    half = (ahead + aside * turn) * (0.5 * reach * rng.uniform(0.3, 1.4, (count, 1)))
    opacity = (0.15 + 0.75 * spot.severity * rng.uniform(0.3, 1, count)) * press[at] ** 0.5
    lit = rng.uniform(0.1, 1) * rng.uniform(0.4, 1, count)
    scores = np.stack([middle - half, middle + half], axis=1)
    thick = rng.uniform(0.4, 1.0 + spot.severity) * spot.unit**0.6
    dark, haze = opacity * (1.1 - 0.7 * lit), 0.3 * opacity
    pen.line(scores, thick, dark[:, None], (opacity * lit)[:, None], haze[:, None])
