"""Inkjet simulator: the embedded default data of flow B. Every picture here is rendered, not real.

A pattern is a set of ink drops laid on a grid by nozzles (a nozzle prints one row of the crop).
The drops err as drops do: placement, size, satellites, deflected and weak nozzles, ragged and
bleeding edges, lines out of place, parts out of angle. Each cause has one magnitude. In a GOOD
part all magnitudes lie within `TOLERANCE`; a BAD part is the same print with one of them pushed
beyond by severity x U(`EXCESS`) tolerances. At severity 0 a BAD part is its GOOD twin. Soft drops
are summed (coalescence), passed through a sigmoid to ink cover, then seen by a camera.

Lengths are in px of a 128 px crop, about 8.5 um each: the 5 px grid is 600 dpi.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]

FEATURES = ("angle", "dist1", "dist6", "dots", "edge1", "edge2", "edge3", "edge4")

# Our choice: source B gives 1,327 parts, 20-30 % BAD and 9.7 GOOD to 1 BAD for `angle` only.
COUNTS: dict[str, tuple[int, int]] = {  # feature -> (n_good, n_bad)
    "angle": (116, 12),
    "dist1": (124, 50),
    "dist6": (130, 44),
    "dots": (120, 56),
    "edge1": (126, 46),
    "edge2": (124, 42),
    "edge3": (128, 40),
    "edge4": (125, 44),
}

TOLERANCE = {
    "drop placement": 0.60,  # px, standard deviation of a drop's landing point
    "satellites": 0.03,  # share of drops that trail a satellite
    "missing nozzle": 0.15,  # share of a nozzle's ink that is lost
    "deflected nozzle": 0.80,  # px, shift of the row of one nozzle
    "ragged edge": 0.55,  # px, standard deviation of the drops along an edge
    "bleeding": 1.20,  # px, reach of the ink that creeps out of an edge
    "line spacing": 0.70,  # px, shift of one line
    "skew": 0.90,  # degrees, turn of one stroke against the rest
}
EXCESS = {  # (low, high) in tolerances that a BAD part of severity 1 has on top of its GOOD twin
    "drop placement": (1.0, 2.2),
    "satellites": (2.0, 6.0),
    "missing nozzle": (2.5, 6.0),
    "deflected nozzle": (1.5, 4.0),
    "ragged edge": (1.0, 2.6),
    "bleeding": (1.2, 3.5),
    "line spacing": (1.2, 4.0),
    "skew": (1.2, 4.0),
}
_EDGE_CAUSES = {
    "ragged edge": 0.4,
    "bleeding": 0.25,
    "missing nozzle": 0.15,
    "satellites": 0.1,
    "deflected nozzle": 0.1,
}
CAUSES: dict[str, dict[str, float]] = {  # feature -> cause -> share of its BAD parts
    "angle": {"skew": 0.6, "ragged edge": 0.2, "deflected nozzle": 0.2},
    "dist1": {"line spacing": 0.5, "bleeding": 0.3, "missing nozzle": 0.2},
    "dist6": {"line spacing": 0.5, "satellites": 0.25, "deflected nozzle": 0.25},
    "dots": {"missing nozzle": 0.35, "drop placement": 0.35, "satellites": 0.3},
    "edge1": _EDGE_CAUSES,
    "edge2": _EDGE_CAUSES,
    "edge3": _EDGE_CAUSES,
    "edge4": _EDGE_CAUSES,
}

CROPS_PER_COMPONENT = 4  # seeds 4k .. 4k + 3 are crops of one component
EXTENT = 128.0  # px, the crop that the lengths in this file refer to
PITCH = 5.0  # px between neighbouring drops of the grid
DROP = 2.6  # px, sigma of a drop's soft disc; alone it covers a radius of 3.1 px
_MARGIN = 2 * PITCH  # the print goes on beyond the crop


@dataclass(frozen=True)
class SimulatedPart:
    """One rendered crop. S = size."""

    image: Bytes  # [S, S, 3]
    feature: str
    label: int  # 1 GOOD, 0 BAD
    group: str  # the component; crops of one share paper, ink, light and focus
    defect: str  # "" or the cause, a key of TOLERANCE
    mask: Bytes  # [S, S], 255 where the print differs from its GOOD twin
    params: dict[str, float]  # severity, magnitude of each cause, component and camera


@dataclass(frozen=True)
class Layout:
    """Nominal drops of a pattern, K of them, in px from the centre of the crop (x right, y down)."""

    xy: Floats  # [K, 2]
    element: NDArray[np.intp]  # [K], which line or stroke a drop belongs to
    normal: Floats  # [K, 2], outward at an edge, (0, 0) inside
    along: Floats  # [K], position along the edge
    radius: float = DROP

    @property
    def nozzle(self) -> NDArray[np.intp]:
        """[K], the nozzle that prints each drop: one per grid row, counted from the top."""
        return np.unique(np.round(self.xy[:, 1] / PITCH * 2), return_inverse=True)[1]


@dataclass(frozen=True)
class Drops:
    """Drops as they landed, px from the centre of the crop."""

    xy: Floats  # [N, 2]
    sigma: Floats  # [N]
    ink: Floats  # [N], 1 = a full drop


@dataclass(frozen=True)
class Component:
    """What all crops of one component share."""

    ink: float  # reflectance of full ink, fraction
    paper: float  # reflectance of bare paper, fraction
    texture: float  # contrast of the paper's fibres, fraction
    light: float  # strength of the illumination gradient, fraction
    light_angle: float  # rad
    blur: float  # px, sigma of the optics


def _grid(half: float = EXTENT / 2 + _MARGIN) -> Floats:
    """[K, 2] grid points within +-half px, offset by half a pitch from the centre."""
    axis = np.arange(PITCH / 2, half, PITCH)
    axis = np.concatenate([-axis[::-1], axis])
    return np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2).astype(np.float32)


def _stroke(points: Floats, axis_angle: float, half_width: float, element: int) -> Layout:
    """A straight band through the origin at an angle (degrees), of the grid drops inside it."""
    a = math.radians(axis_angle)
    tangent, normal = np.array([math.cos(a), math.sin(a)]), np.array([-math.sin(a), math.cos(a)])
    offset = points @ normal
    points, offset = points[abs(offset) <= half_width], offset[abs(offset) <= half_width]
    side = np.where(abs(offset) > half_width - PITCH * 0.9, np.sign(offset), 0.0)
    return Layout(
        points,
        np.full(len(points), element),
        (side[:, None] * normal).astype(np.float32),
        (points @ tangent).astype(np.float32),
    )


def _join(layouts: list[Layout]) -> Layout:
    names = ("xy", "element", "normal", "along")
    return Layout(*(np.concatenate([getattr(one, name) for one in layouts]) for name in names))


def _lines(pitch: float) -> Layout:
    """Upright lines three drops wide, `pitch` px apart, one in the middle."""
    count = int((EXTENT / 2 + _MARGIN) / pitch)
    rows = _grid()[:, 1:2]
    column = np.unique(rows)[:, None]
    lines = []
    for i in range(-count, count + 1):
        points = np.concatenate(
            [np.hstack([np.full_like(column, dx), column]) for dx in (-PITCH, 0.0, PITCH)]
        ).astype(np.float32)
        line = _stroke(points, 90, PITCH, i + count)
        lines.append(replace(line, xy=line.xy + np.array([i * pitch, 0], np.float32)))
    return _join(lines)


def _filled(angle: float) -> Layout:
    """Ink on the side of a straight edge through the centre; the normal points at `angle`."""
    a = math.radians(angle)
    normal = np.array([math.cos(a), math.sin(a)])
    points = _grid(EXTENT / 2 * 1.2 + _MARGIN)
    depth = points @ normal
    points, depth = points[depth <= 0], depth[depth <= 0]
    at_edge = depth > -PITCH
    return Layout(
        points,
        np.zeros(len(points), dtype=np.intp),
        (at_edge[:, None] * normal).astype(np.float32),
        (points @ np.array([-normal[1], normal[0]])).astype(np.float32),
    )


def _dots() -> Layout:
    points = _grid(8 * PITCH)[:, :] * np.float32(16 / PITCH)
    nothing = np.zeros(len(points), np.float32)
    return Layout(points, nothing.astype(np.intp), np.zeros_like(points), nothing, radius=3.3)


def _corner() -> Layout:
    """Two strokes from a common vertex: one along the rows, one 55 degrees off it."""
    points = _grid() + np.float32(PITCH / 2)
    vertex = np.array([-35.0, 30.0], np.float32)
    level = _stroke(points[points[:, 0] >= 0], 0, PITCH * 1.1, 0)
    steep = _stroke(points[points[:, 1] <= 0], -55, PITCH * 1.3, 1)
    both = _join([level, steep])
    return replace(both, xy=both.xy + vertex)


@lru_cache(maxsize=None)
def layout(feature: str) -> Layout:
    """The nominal drops of a feature type; raises ValueError for a name not in FEATURES."""
    match feature:
        case "angle":
            return _corner()
        case "dist1":
            return _lines(4 * PITCH)
        case "dist6":
            return _lines(9 * PITCH)
        case "dots":
            return _dots()
        case "edge1" | "edge2" | "edge3" | "edge4":
            return _filled({"edge1": 0.0, "edge2": -90.0, "edge3": 45.0, "edge4": 102.0}[feature])
    raise ValueError(f"unknown feature {feature!r}; one of {', '.join(FEATURES)}")
