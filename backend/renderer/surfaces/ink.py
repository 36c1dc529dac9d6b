"""Defects of prints: ink that is missing and ink where none belongs.

Both are drawn as shapes and given the colour of the bare ground or of the ink, so that they look
like the print's own lines. Places are those where they would be found: a break across a line, a
bite at its border, a bridge between two of them.
"""

from dataclasses import replace

import cv2
import numpy as np
from numpy.random import Generator

from backend.renderer.sketch import Spot
from backend.renderer.surfaces.bodies import extra, missing
from backend.renderer.surfaces.fields import blurred, inside, lines, outline
from backend.renderer.surfaces.grooves import scratch
from backend.renderer.surfaces.surface import Imprint, Surface, spread

LEAST_INK = 0.01  # share of the picture; with less there is nothing to break


def missing_ink(rng: Generator, spot: Spot, surface: Surface) -> Imprint:
    """An open line, a bite at a border, a pin-hole, or a nozzle's row without ink."""
    ink = surface.ink
    if ink is None or not float(ink.mean()) > LEAST_INK:
        peeled = missing(rng, spot, surface)
        return replace(peeled, paint=np.float32(0.8) * surface.nature.beneath)
    kind = str(rng.choice(["open", "bite", "pin-hole", "row"], p=[0.3, 0.32, 0.26, 0.12]))
    at = _place(rng, spot, ink, kind in ("open", "bite"), True)
    if kind == "row":
        cover = _row(rng, spot, at)
    elif kind == "open":
        cover = _across(rng, spot, ink, at)
    else:
        radius = max(1.4, spot.extent(rng, 0.008, 0.05))
        cover = _blob(rng, spot, at, radius, rng.uniform(0.4, 1))
    cover = cover * np.clip(ink * 1.5, 0, 1)
    return _change(rng, kind, cover, surface.nature.beneath)


def extra_ink(rng: Generator, spot: Spot, surface: Surface) -> Imprint:
    """A bridge between lines, a spur at a border, an island, or a splash of drops."""
    ink = surface.ink
    if ink is None:
        return extra(rng, spot, surface)
    bridged = LEAST_INK < float(ink.mean()) < 0.97
    kinds, weights = ["short", "spur", "island", "splash"], [0.28, 0.3, 0.26, 0.16]
    kind = str(rng.choice(kinds, p=weights)) if bridged else str(rng.choice(kinds[2:]))
    at = _place(rng, spot, ink, kind in ("short", "spur"), False)
    if kind == "short":
        cover = _across(rng, spot, 1 - ink, at)
    elif kind == "spur":
        cover = _spur(rng, spot, at)
    elif kind == "island":
        radius = max(1.4, spot.extent(rng, 0.008, 0.045))
        cover = _blob(rng, spot, at, radius, rng.uniform(0.3, 1))
    else:
        cover = _splash(rng, spot, at)
    cover = cover * np.clip(1.3 - ink, 0, 1)
    return _change(rng, kind, cover, surface.nature.added)


def scraped(rng: Generator, spot: Spot, surface: Surface) -> Imprint:
    """A scratch that takes ink off; where there is hardly any, one that leaves dirt."""
    ink = surface.ink
    if ink is None or not float(ink.mean()) > LEAST_INK:
        drawn = scratch(rng, spot, surface)
        return replace(drawn, paint=np.float32(0.35) * surface.nature.beneath)
    x, y = _place(rng, spot, ink, False, True)
    drawn = scratch(rng, replace(spot, x=float(x), y=float(y)), surface)
    return replace(drawn, opacity=float(rng.uniform(0.5, 1)))


def _change(rng: Generator, kind: str, cover: np.ndarray, paint: np.ndarray) -> Imprint:
    faint = rng.random() < 0.25  # thinned or weak ink
    opacity = rng.uniform(0.45, 0.8) if faint else rng.uniform(0.9, 1.0)
    return Imprint(kind, np.clip(cover, 0, 1), paint=paint, opacity=opacity)


def _place(
    rng: Generator, spot: Spot, ink: np.ndarray, at_border: bool, on_ink: bool
) -> np.ndarray:
    """[x, y] px of the nearest of some places that fit: at a border of the ink, on it or off it."""
    own = ((ink > 0.5) == on_ink).astype(np.uint8)
    if at_border:
        own = own & (cv2.erode(own, np.ones((3, 3), np.uint8)) == 0)
    found = np.flatnonzero(own)
    if not len(found):
        return spot.at
    some = found[rng.integers(len(found), size=12)]
    places = np.stack([some % spot.size, some // spot.size], 1) + 0.5
    return places[np.argmin(np.linalg.norm(places - spot.at, axis=1))]


def _blob(rng: Generator, spot: Spot, at: np.ndarray, radius: float, slim: float) -> np.ndarray:
    window, offsets = spot.around(at, 2 * radius + 3)
    depth = outline(rng, offsets, radius, rng.uniform(0.06, 0.25), slim, rng.uniform(0, np.pi))
    return spread(spot.size, window, inside(depth, radius * slim, 0.9))


def _across(rng: Generator, spot: Spot, ink: np.ndarray, at: np.ndarray) -> np.ndarray:
    """A ragged strip from the place straight to the far side of the line that it stands on."""
    smooth = cv2.GaussianBlur(ink, (0, 0), 1.5)
    x, y = (int(np.clip(v, 1, spot.size - 2)) for v in at)
    inward = np.array([smooth[y, x + 1] - smooth[y, x - 1], smooth[y + 1, x] - smooth[y - 1, x]])
    inward = inward / (np.linalg.norm(inward) + 1e-6)
    if not inward.any():
        inward = np.array([np.cos(spot.x), np.sin(spot.x)])
    far = np.arange(0, 0.22 * spot.size)
    probe = np.clip(at + far[:, None] * inward, 0, spot.size - 1).astype(int)
    ended = np.flatnonzero(ink[probe[:, 1], probe[:, 0]][3:] < 0.4)
    length = float(ended[0] + 3 if len(ended) else len(far)) + 2 * spot.unit
    width = max(1.3, spot.extent(rng, 0.008, 0.035))
    t = np.linspace(-0.15, 1.1, 7)[:, None]
    path = at + inward * t * length + rng.normal(0, 0.12 * width, (7, 2)) * 2
    widths = width * rng.uniform(0.6, 1.4, 6)
    return blurred(lines(spot.size, [path[k : k + 2] for k in range(6)], widths, np.ones(6)), 0.4)


def _spur(rng: Generator, spot: Spot, at: np.ndarray) -> np.ndarray:
    """A thorn that grows out of a border and tapers."""
    length, width = spot.extent(rng, 0.02, 0.09), max(1.2, spot.extent(rng, 0.008, 0.03))
    heading = rng.uniform(0, 2 * np.pi) + np.cumsum(rng.normal(0, 0.35, 6))
    path = at + np.cumsum(np.stack([np.cos(heading), np.sin(heading)], 1) * length / 6, 0)
    path = np.vstack([at, path])
    widths = width * np.linspace(1.2, 0.4, 6)
    return blurred(lines(spot.size, [path[k : k + 2] for k in range(6)], widths, np.ones(6)), 0.35)


def _splash(rng: Generator, spot: Spot, at: np.ndarray) -> np.ndarray:
    """Satellite drops."""
    layer = np.zeros((spot.size, spot.size), np.float32)
    reach = spot.extent(rng, 0.02, 0.12)
    for _ in range(int(rng.integers(3, 14))):
        place = np.clip(at + rng.normal(0, reach, 2), 0, spot.size - 1)
        radius = max(0.9, rng.lognormal(0, 0.5) * 1.6 * spot.unit)
        layer = np.maximum(layer, _blob(rng, spot, place, radius, rng.uniform(0.7, 1)))
    return layer


def _row(rng: Generator, spot: Spot, at: np.ndarray) -> np.ndarray:
    """One or two rows of a print head that gave nothing, along a side of the picture."""
    length = spot.extent(rng, 0.15, 1.5)
    ahead = np.array([[1.0, 0.0], [0.0, 1.0]])[int(rng.integers(2))]
    path = np.stack([at - ahead * length / 2, at + ahead * length / 2])
    return blurred(
        lines(spot.size, [path], [max(1.0, rng.uniform(1, 2.5) * spot.unit)], [1.0]), 0.4
    )
