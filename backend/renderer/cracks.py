"""Cracks: a blow and its spiderweb, a running crack, a spindle in the pane, shattered glass."""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.random import Generator

from backend.renderer.pen import Pen
from backend.renderer.sketch import Sketch, Spot
from backend.renderer.strokes import crack_paths, crush, fractures


def sketch_crack(rng: Generator, spot: Spot) -> Sketch:
    """One of four kinds of crack, about half of them from a blow."""
    kinds: list[Callable[[Generator, Spot], Sketch]] = [_impact, _running, _spindle, _shatter]
    pick = int(rng.choice(4, p=[0.52, 0.28, 0.1, 0.1]))
    return kinds[pick](rng, spot)


def _impact(rng: Generator, spot: Spot) -> Sketch:
    """A blow: crushed centre, radial cracks that fork, and chords between them."""
    grand = spot.severity > 0.45 and rng.random() < 0.35
    reach = spot.size * rng.uniform(0.6, 1.2) if grand else spot.extent(rng, 0.07, 0.75)
    pen, radials = Pen(spot.size), _radials(rng, spot, reach, 1.6 if grand else 1.0)
    width, opacity = _stroke(rng, spot)
    chords = _chords(rng, spot, radials, reach, grand)
    fractures(rng, pen, radials, width, opacity, spot)
    _fork(rng, pen, radials[rng.random(len(radials)) < 0.4], width, opacity, spot)
    fractures(rng, pen, chords, 0.85 * width, opacity, spot, fades=False, oblique=0.15)
    hairs = int(rng.integers(0, 12))  # around the blow
    angles, far = rng.uniform(0, 2 * np.pi, hairs), reach * rng.uniform(0.05, 0.3, hairs)
    if hairs:
        short = crack_paths(rng, spot.at, angles, far, 5 * spot.unit, 0.3)
        fractures(rng, pen, short, 0.5 * width, 0.7 * opacity, spot, oblique=0.1)
    if rng.random() < 0.8:
        crush(rng, pen, spot, min(reach * rng.uniform(0.015, 0.07), 0.05 * spot.size) + spot.unit)
    shift, tone = _facets(rng, spot, [*radials, *chords], reach)
    return Sketch(pen.layers(spot.light), "spiderweb" if len(chords) else "impact", shift, tone)


def _stroke(rng: Generator, spot: Spot) -> tuple[float, float]:
    """Width (px) and opacity (0..1) of the main lines of a crack."""
    width = rng.uniform(0.6, 1.1 + 0.9 * spot.severity) * spot.unit**0.6
    return float(width), float(rng.uniform(0.4, 0.7) + 0.35 * spot.severity)


def _radials(rng: Generator, spot: Spot, reach: float, density: float) -> np.ndarray:
    """Cracks [m, n, 2] to all sides of a blow."""
    count = int(density * rng.integers(3, 7 + round(11 * spot.severity)))
    angles = (np.arange(count) + rng.uniform(-0.42, 0.42, count)) / count * 2 * np.pi
    angles += rng.uniform(0, 2 * np.pi)
    lengths = reach * np.clip(rng.lognormal(-0.35, 0.45, count), 0.12, 1.6)
    starts = spot.at + rng.normal(0, 0.01 * reach, (count, 2))
    step = max(4.0 * spot.unit, reach / 20)
    return crack_paths(rng, starts, angles, lengths, step, rng.uniform(0.04, 0.26))


def _chords(
    rng: Generator, spot: Spot, radials: np.ndarray, reach: float, grand: bool
) -> np.ndarray:
    """Concentric cracks [m, 5, 2]: from radial to radial, nearly straight, at much one distance."""
    radius = reach * rng.uniform(0.04, 0.2)
    rings = int(rng.integers(1, 3 + round(5 * spot.severity)))
    if len(radials) < 5 or (not grand and rng.random() < 0.4):
        rings = 0
    ends = [np.zeros((0, 2, 2))]
    for _ in range(rings):
        far = radius * rng.uniform(0.82, 1.2, (2, len(radials)))
        (one, reached), (two, met) = _at(radials, far[0]), _at(np.roll(radials, -1, 0), far[1])
        keep = reached & met & (rng.random(len(radials)) < rng.uniform(0.3, 0.95))
        ends.append(np.stack([one, two], 1)[keep])
        radius *= rng.uniform(1.2, 1.8)
    return _bowed(rng, np.concatenate(ends), 0.09)


def _at(lines: np.ndarray, far: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points [m, 2] `far` px along the lines [m, n, 2], and whether the lines reach that far."""
    each, parts = np.arange(len(lines)), lines.shape[1] - 1
    place = far / (np.linalg.norm(lines[:, 1] - lines[:, 0], axis=1) + 1e-9)
    left = np.minimum(place.astype(int), parts - 1)
    part = (place - left)[:, None]
    return lines[each, left] * (1 - part) + lines[each, left + 1] * part, place <= parts


def _bowed(rng: Generator, ends: np.ndarray, bow: float) -> np.ndarray:
    """Slightly curved, slightly uneven lines [m, 5, 2] between pairs of points [m, 2, 2]."""
    t = np.linspace(0, 1, 5)[None, :, None]
    move = ends[:, 1] - ends[:, 0]
    aside = np.stack([-move[:, 1], move[:, 0]], 1) * rng.normal(0, bow, (len(ends), 1))
    length = np.linalg.norm(move, axis=1)[:, None, None]
    uneven = rng.normal(0, 0.2 * bow, (len(ends), 5, 2)) * length + aside[:, None]
    return ends[:, :1] + move[:, None] * t + uneven * (4 * t * (1 - t))


def _fork(
    rng: Generator, pen: Pen, lines: np.ndarray, width: float, opacity: float, spot: Spot
) -> None:
    """A branch at a small angle from somewhere along each line [m, n, 2]; now and then two."""
    lines = np.concatenate([lines, lines[rng.random(len(lines)) < 0.35]])
    count, parts = lines.shape[0], lines.shape[1] - 1
    if not count:
        return
    each, at = np.arange(count), rng.integers(parts // 3, parts, count)
    ahead = lines[each, at + 1] - lines[each, at]
    turn = rng.choice([-1, 1], count) * rng.uniform(0.2, 0.75, count)
    rest = np.linalg.norm(lines[:, -1] - lines[each, at], axis=1) * rng.uniform(0.3, 1.1, count)
    angles = np.arctan2(ahead[:, 1], ahead[:, 0]) + turn
    starts = lines[each, at]
    branches = crack_paths(rng, starts, angles, rest + 4 * spot.unit, 5 * spot.unit, 0.2)
    fractures(rng, pen, branches, 0.65 * width, 0.85 * opacity, spot)


def _facets(
    rng: Generator, spot: Spot, web: list[np.ndarray], reach: float
) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Displacement and brightness of the pieces between cracks, fading with the distance."""
    if rng.random() < 0.3:
        return None, None
    size = spot.size // 2  # half size: the pieces are smooth
    walls = np.ones((size, size), np.uint8)
    cv2.polylines(walls, [(line / 2).astype(np.int32) for line in web], False, 0, 1)
    count, labels = cv2.connectedComponents(walls, connectivity=4, ltype=cv2.CV_16U)
    tilt = rng.normal(0, 1, (count, 3)) * spot.severity
    tilt *= [*[spot.unit * rng.uniform(0.4, 2.2)] * 2, 0.05 * rng.random() ** 2]
    axis = np.arange(size, dtype=np.float32) * 2
    far = (axis[None, :] - np.float32(spot.x)) ** 2 + (axis[:, None] - np.float32(spot.y)) ** 2
    fade = np.exp(far * np.float32(-1 / (0.4 * reach**2 + 1)))
    pieces = tilt.astype(np.float32)[labels] * fade[..., None]
    pieces = cv2.resize(pieces, (spot.size, spot.size), interpolation=cv2.INTER_LINEAR)
    return pieces[..., :2], pieces[..., 2]


def _running(rng: Generator, spot: Spot) -> Sketch:
    """A single crack through the pane, often from border to border, sometimes forked."""
    pen = Pen(spot.size)
    across = rng.random() < 0.25 + 0.4 * spot.severity
    half = 1.1 * spot.size if across else 0.5 * spot.extent(rng, 0.1, 1.0)
    angles = rng.uniform(0, 2 * np.pi) + np.array([0, np.pi])
    step = max(4 * spot.unit, half / 45)
    wander = rng.uniform(0.06, 0.45)
    lines = crack_paths(rng, spot.at, angles, np.array([half, half]), step, wander)
    width, opacity = _stroke(rng, spot)
    fractures(rng, pen, lines, width * rng.uniform(0.9, 1.5), opacity, spot, oblique=0.45)
    _fork(rng, pen, lines[rng.random(2) < 0.35], width, opacity, spot)
    return Sketch(pen.layers(spot.light), "border to border" if across else "single")


def _spindle(rng: Generator, spot: Spot) -> Sketch:
    """Fracture inside the pane: a slim bundle of shells, each a lens with a dark rim."""
    pen, length = Pen(spot.size), spot.extent(rng, 0.07, 0.6)
    angle = rng.uniform(0, 2 * np.pi)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    slim, t = rng.uniform(0.06, 0.24), np.linspace(0, np.pi, 9)
    for _ in range(int(rng.integers(3, 8 + round(8 * spot.severity)))):
        long = rng.uniform(0.04, 0.3)
        bow = long * slim * rng.uniform(0.3, 2.2) * np.array([[1], [-rng.uniform(0.2, 1)]])
        along = rng.normal(0, 0.2) - long * np.cos(t)
        away = rng.normal(0, 0.25 * slim) + bow * np.sin(t)
        rims = spot.at + length * (np.stack([along + 0 * away, away], 2) @ turn)
        tone = (rng.uniform(0.5, 0.95), 0.1) if rng.random() < 0.35 else (0.08, 0.4 * rng.random())
        pen.facet(np.vstack([rims[0], rims[1][::-1]]), *tone, 0.1)
        fractures(rng, pen, rims, 1.5 * spot.unit**0.6, 1.0, spot, fades=False)
    start, end = spot.at - 0.5 * length * turn[0], np.array([length])
    seam = crack_paths(rng, start, np.array([angle]), end, 4 * spot.unit, 0.12)
    fractures(rng, pen, seam, spot.unit**0.6, 0.7, spot)
    return Sketch(pen.layers(spot.light), "spindle")


def _shatter(rng: Generator, spot: Spot) -> Sketch:
    """Toughened or laminated glass fallen into dice, finer towards the blow."""
    from scipy.spatial import Voronoi

    pen, reach = Pen(spot.size), spot.extent(rng, 0.2, 1.3)
    count = int(rng.integers(60, 110 + round(200 * spot.severity)))
    far = reach * rng.uniform(0.0, 1, count) ** rng.uniform(0.5, 1.3)
    turn = rng.uniform(0, 2 * np.pi, count)
    turn += (rng.random() < 0.5) * 0.6 * (np.round(turn * 2.5) / 2.5 - turn)  # along radials
    seeds = spot.at + np.stack([np.cos(turn), np.sin(turn)], 1) * far[:, None]
    cells = Voronoi(seeds + rng.normal(0, 0.3, seeds.shape))
    ends = cells.vertices[np.array([r for r in cells.ridge_vertices if -1 not in r])]
    depth = np.linalg.norm(ends - spot.at, axis=2).max(1) / reach
    keep = depth < rng.uniform(0.7, 1.05, len(ends))
    chords, depth = _bowed(rng, ends[keep], 0.03), depth[keep]
    width, opacity = _stroke(rng, spot)
    pale = opacity * np.clip(1.2 - 0.7 * depth, 0.3, 1)
    fractures(rng, pen, chords, 0.8 * width, pale, spot, fades=False, oblique=0.12)
    fractures(rng, pen, _radials(rng, spot, 0.8 * reach, 0.6), width, opacity, spot)
    if rng.random() < 0.6:
        crush(rng, pen, spot, 0.03 * min(reach, spot.size) * rng.random() + spot.unit)
    shift, tone = _facets(rng, spot, list(chords), reach)
    return Sketch(pen.layers(spot.light), "shattered", shift, tone)
