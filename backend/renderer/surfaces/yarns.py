"""Defects of cloth: yarn that is missing or worn through, and yarn where none belongs."""

import numpy as np
from numpy.random import Generator

from backend.renderer.sketch import Spot
from backend.renderer.surfaces.bodies import extra
from backend.renderer.surfaces.fields import blurred, inside, lines, outline, speckle
from backend.renderer.surfaces.surface import Imprint, Surface, spread


def missing_yarn(rng: Generator, spot: Spot, surface: Surface) -> Imprint:
    """A pick that is not there, or a hole worn through with frayed edges."""
    return (_pick if rng.random() < 0.45 else _hole)(rng, spot, surface)


def _pick(rng: Generator, spot: Spot, surface: Surface) -> Imprint:
    """A gap one or two yarns wide along the cloth."""
    pitch = surface.nature.pitch or 6 * spot.unit
    length, width = spot.extent(rng, 0.12, 1.2), pitch * rng.uniform(0.6, 1.5)
    path = _along(rng, spot, surface, length)
    cover = lines(spot.size, [path], [max(1.0, width)], [1.0])
    rough = speckle(rng, spot.size, max(0.7, 0.3 * pitch))
    cover = blurred(cover, 0.4) * np.clip(0.8 + 0.2 * rough, 0, 1)
    height = cover * np.float32(-0.35 * pitch)
    opacity = rng.uniform(0.3, 0.5 + 0.4 * spot.severity)
    return Imprint("pick", cover, height, surface.nature.behind, opacity, level=0.5)


def _hole(rng: Generator, spot: Spot, surface: Surface) -> Imprint:
    radius = max(2.0, spot.extent(rng, 0.02, 0.13))
    window, offsets = spot.around(spot.at, 2.2 * radius + 3)
    depth = outline(rng, offsets, radius, 0.2, rng.uniform(0.5, 1), surface.nature.grain)
    fray = speckle(rng, spot.size, max(0.7, spot.unit))[window]
    gap = inside(depth + 0.14 * fray, radius, 1.0)
    lip = np.exp(-(((depth - 1.15) / 0.25) ** 2)) * (1 - gap)
    thick = rng.uniform(1.0, 2.5) * spot.unit
    height = spread(spot.size, window, 0.7 * lip * (1 + 0.4 * fray) - gap) * np.float32(thick)
    cover = spread(spot.size, window, gap)
    ends = _ends(rng, spot, radius)
    return Imprint(
        "hole", cover * (1 - 0.85 * ends), height, surface.nature.behind, 1.0, level=0.8, gloss=0.2
    )


def _ends(rng: Generator, spot: Spot, radius: float) -> np.ndarray:
    """Broken yarns that reach into a hole, 0..1."""
    count = int(rng.integers(3, 12))
    turn = rng.uniform(0, 2 * np.pi, count)
    out = np.stack([np.cos(turn), np.sin(turn)], 1)
    start = spot.at + out * radius * 1.15
    tip = (
        spot.at
        + out * radius * rng.uniform(0.1, 0.9, (count, 1))
        + rng.normal(0, 0.2, (count, 2)) * radius
    )
    bend = (start + tip) / 2 + rng.normal(0, 0.12, (count, 2)) * radius
    paths = [np.stack(three) for three in zip(start, bend, tip, strict=True)]
    return lines(spot.size, paths, np.full(count, max(0.8, spot.unit)), rng.uniform(0.4, 1, count))


def extra_yarn(rng: Generator, spot: Spot, surface: Surface) -> Imprint:
    """A slub (thick place), a loose thread on the cloth, or a nep (knot of fibres)."""
    kind = str(rng.choice(["slub", "thread", "nep"], p=[0.35, 0.4, 0.25]))
    if kind == "nep":
        return extra(rng, spot, surface)
    pitch = surface.nature.pitch or 5 * spot.unit
    if kind == "slub":
        path = _along(rng, spot, surface, spot.extent(rng, 0.06, 0.4))
        widths = pitch * np.array([0.6, 1.1, 1.5, 1.2, 0.7]) * rng.uniform(0.7, 1.4)
    else:
        path = _curl(rng, spot, spot.extent(rng, 0.1, 0.6))
        widths = np.full(len(path) - 1, max(1.1, rng.uniform(1.0, 2.6) * spot.unit))
    pieces = [path[k : k + 2] for k in range(len(path) - 1)]
    cover = blurred(lines(spot.size, pieces, widths, np.ones(len(pieces))), 0.5)
    thick = float(np.mean(widths)) * rng.uniform(0.3, 0.7)
    shadow = 1 - 0.4 * blurred(cover, 1.5 * spot.unit + 0.5)
    paint = surface.nature.added * (0.75 + 0.35 * cover)[..., None]
    height = cover * np.float32(thick)
    return Imprint(kind, cover, height, paint * shadow.mean(), rng.uniform(0.6, 1), level=0.8)


def _along(rng: Generator, spot: Spot, surface: Surface, length: float) -> np.ndarray:
    """A nearly straight path [6, 2] px along warp or weft."""
    angle = surface.nature.grain + rng.integers(2) * np.pi / 2
    ahead = np.array([np.cos(angle), np.sin(angle)])
    t = np.linspace(-0.5, 0.5, 6)[:, None]
    return spot.at + ahead * t * length + rng.normal(0, 0.3, (6, 2)) * spot.unit


def _curl(rng: Generator, spot: Spot, length: float) -> np.ndarray:
    """A thread as it falls, [18, 2] px."""
    heading = rng.uniform(0, 2 * np.pi) + np.cumsum(rng.normal(0, rng.uniform(0.1, 0.5), 18))
    path = np.cumsum(np.stack([np.cos(heading), np.sin(heading)], 1) * length / 18, 0)
    return path + spot.at - path.mean(0)
