"""Chips: shells broken out of the edge, bruised tracks (gouges) and pits."""

import cv2
import numpy as np
from numpy.random import Generator

from backend.renderer.pen import Pen
from backend.renderer.sketch import Sketch, Spot
from backend.renderer.strokes import crack_paths, crush, fractures, waves


def sketch_chip(rng: Generator, spot: Spot) -> Sketch:
    """A chip of the pane's edge where the scene shows one, else a gouge or a pit."""
    if spot.edge is not None and rng.random() < 0.8:
        return _edge_chip(rng, spot, spot.edge)
    return _gouge(rng, spot) if rng.random() < 0.55 else _pit(rng, spot)


def _edge_chip(rng: Generator, spot: Spot, edge: tuple[float, float, float]) -> Sketch:
    """A shell broken out of the pane's edge: ripples around the point of the blow."""
    nx, ny, c = edge
    blow = spot.at + (c - nx * spot.x - ny * spot.y) * np.array([nx, ny])
    blow = np.clip(blow, 0, spot.size)
    radius = spot.extent(rng, 0.02, 0.17)
    return Sketch(_shell(rng, spot, blow, radius), "edge chip", solid=True)


def _shell(rng: Generator, spot: Spot, blow: np.ndarray, radius: float) -> np.ndarray:
    """Conchoidal fracture around `blow`, shaded by the light; layers [H, W, 3]."""
    window, (dx, dy) = spot.around(blow, 2.1 * radius)
    far, turn = np.hypot(dx, dy), np.arctan2(dy, dx)
    rim = np.ones_like(far)
    for wave in range(1, 7):
        rim += rng.normal(0, 0.22 / wave) * np.cos(wave * turn + rng.uniform(0, 6.3))
    depth = far / (radius * np.clip(rim, 0.35, 2))
    inside = np.clip((1 - depth) * radius / (1.2 * spot.unit), 0, 1)
    grain = cv2.resize(rng.uniform(-1, 1, (9, 9)).astype(np.float32), far.shape[::-1])
    fine = cv2.resize(rng.uniform(-1, 1, (25, 25)).astype(np.float32), far.shape[::-1])
    phase = rng.uniform(1, 5) * depth**0.8 + 0.35 * grain + rng.uniform(0, 1)
    relief = rng.uniform(0.15, 0.5) * np.sin(2 * np.pi * phase) * np.clip(1.2 - depth, 0.2, 1)
    lx, ly = spot.light.direction
    lean = (dx * lx + dy * ly) / (far + 0.2 * radius)
    slope = lean * (0.45 + relief) + 0.3 * grain + 0.2 * fine
    border = np.exp(-(((depth - 0.95) * radius / (0.9 * spot.unit)) ** 2)) * (0.4 + 0.3 * grain)
    dark = np.clip(np.clip(-1.3 * slope, 0, 1) + border, 0, 1)
    shell = np.stack([dark, np.clip(1.3 * slope, 0, 1), np.full_like(dark, 0.3)], 2)
    layers = np.zeros((spot.size, spot.size, 3), np.float32)
    layers[window] = shell * (inside * (0.5 + 0.5 * spot.severity))[..., None]
    return layers


def _gouge(rng: Generator, spot: Spot) -> Sketch:
    """A bruised track: two ragged rails of tiny flakes and a rubbed floor between them."""
    pen, length = Pen(spot.size), spot.extent(rng, 0.1, 1.4)
    step = 2.2 * spot.unit
    angle, ends = rng.uniform(0, 2 * np.pi, 1), np.array([length])
    coarse = crack_paths(rng, spot.at, angle, ends, 4 * step, rng.uniform(0.01, 0.12))[0]
    places = np.linspace(0, len(coarse) - 1, max(6, int(length / step)))
    spine = np.stack([np.interp(places, np.arange(len(coarse)), c) for c in coarse.T], 1)
    spine += spot.at - spine.mean(0)
    move = np.gradient(spine, axis=0)
    aside = np.c_[-move[:, 1], move[:, 0]] / (np.linalg.norm(move, axis=1, keepdims=True) + 1e-6)
    count = len(spine)
    profile = np.clip(np.minimum(np.linspace(0.1, 5, count), np.linspace(2, 0.05, count)), 0, 1)
    half = rng.uniform(1.0, 3 + 4.5 * spot.severity) * spot.unit * profile
    floor = np.vstack([spine + aside * half[:, None], (spine - aside * half[:, None])[::-1]])
    milky = rng.uniform(0.1, 0.35) * (0.3 + spot.severity)
    pen.facet(floor, 0.25 * milky, 0.15 * milky, milky)
    rails = rng.uniform(-1, 1, int(rng.integers(1, 5)))
    for rail in np.r_[-0.9, 0.9, rails]:
        line = spine + aside * (half * rail)[:, None]
        _flakes(rng, pen, line, half * rng.uniform(0.08, 0.4), spot)
    return Sketch(pen.layers(spot.light), "gouge")


def _flakes(rng: Generator, pen: Pen, line: np.ndarray, spread: np.ndarray, spot: Spot) -> None:
    """Tiny dark and bright splinters scattered along a line."""
    count = len(line) - 1
    strength = (0.25 + 0.6 * spot.severity) * rng.uniform(0.5, 1)
    tone = 0.5 + 0.5 * waves(rng, 1, count, count // 3)[0] + rng.normal(0, 0.3, count)
    tone = strength * np.clip(tone, 0, 1)
    ragged = line + rng.normal(0, 1, line.shape) * (spread + 0.15 * spot.unit)[:, None]
    lit = rng.random(count) < 0.3
    width = rng.uniform(0.4, 1.5, count) * spot.unit**0.6
    dark, glint = np.where(lit, 0.15, 1), np.where(lit, 1, 0.35)
    pen.line(ragged, width, tone * dark, tone * glint, 0.3 * tone)


def _pit(rng: Generator, spot: Spot) -> Sketch:
    """A small roundish bruise: crushed facets inside a broken rim of little arcs."""
    pen, radius = Pen(spot.size), spot.extent(rng, 0.008, 0.09)
    crush(rng, pen, spot, radius * rng.uniform(0.6, 1))
    squeeze = np.array([1, rng.uniform(0.55, 1)])[:: rng.choice([-1, 1])]
    arcs = int(rng.integers(3, 10))
    turn = (
        rng.uniform(0, 2 * np.pi, (arcs, 1)) + rng.uniform(0.4, 2.4, (arcs, 1)) * np.arange(8) / 7
    )
    rim = radius * (rng.uniform(0.5, 1.15, (arcs, 1)) + 0.12 * waves(rng, arcs, 8, 4))
    lines = spot.at + np.stack([np.cos(turn), np.sin(turn)], 2) * rim[..., None] * squeeze
    fractures(rng, pen, lines, 1.2 * spot.unit**0.6, 0.95, spot)
    return Sketch(pen.layers(spot.light), "pit", solid=True)
