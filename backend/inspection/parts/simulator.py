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
from dataclasses import asdict, dataclass, replace
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
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
    "satellites": (3.0, 8.0),
    "missing nozzle": (2.0, 6.0),
    "deflected nozzle": (1.5, 4.0),
    "ragged edge": (1.0, 2.6),
    "bleeding": (1.2, 3.5),
    "line spacing": (2.0, 5.5),
    "skew": (1.5, 4.5),
}
CAUSES: dict[str, dict[str, float]] = {  # feature -> cause -> share of its BAD parts
    "angle": {"skew": 0.6, "ragged edge": 0.2, "deflected nozzle": 0.2},
    "dist1": {"line spacing": 0.5, "bleeding": 0.3, "missing nozzle": 0.2},
    "dist6": {"line spacing": 0.5, "satellites": 0.25, "deflected nozzle": 0.25},
    "dots": {"missing nozzle": 0.35, "drop placement": 0.35, "satellites": 0.3},
    "edge1": {"ragged edge": 0.4, "bleeding": 0.25, "satellites": 0.2, "missing nozzle": 0.15},
    "edge2": {"ragged edge": 0.4, "bleeding": 0.35, "deflected nozzle": 0.25},
    "edge3": {"ragged edge": 0.4, "bleeding": 0.3, "satellites": 0.2, "missing nozzle": 0.1},
    "edge4": {"ragged edge": 0.5, "bleeding": 0.35, "missing nozzle": 0.15},
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
    excess: float  # what it has more of the cause than its GOOD twin, in tolerances
    mask: Bytes  # [S, S], 255 where the print differs from its GOOD twin
    params: dict[str, float]  # severity, magnitude of each cause, what its component shares


@dataclass(frozen=True)
class Layout:
    """Nominal drops of a pattern, K of them; px from the centre of the crop, x right, y down."""

    xy: Floats  # [K, 2]
    element: NDArray[np.intp]  # [K], which line or stroke a drop belongs to
    normal: Floats  # [K, 2], outward at an edge, (0, 0) inside
    along: Floats  # [K], position along the edge
    drop: float = DROP  # sigma of its drops


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
    return Layout(
        np.concatenate([one.xy for one in layouts]),
        np.concatenate([one.element for one in layouts]),
        np.concatenate([one.normal for one in layouts]),
        np.concatenate([one.along for one in layouts]),
    )


def _lines(pitch: float) -> Layout:
    """Upright lines three drops wide, `pitch` px apart, one of them in the middle."""
    points = _grid() + np.array([PITCH / 2, 0], np.float32)
    one = _stroke(points, 90, PITCH * 1.1, 0)
    count = int((EXTENT / 2 + _MARGIN) / pitch)
    return _join(
        [
            replace(one, xy=one.xy + np.array([i * pitch, 0], np.float32), element=one.element + n)
            for n, i in enumerate(range(-count, count + 1))
        ]
    )


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
    """8 x 8 separate drops, 16 px apart."""
    points = _grid(4 * PITCH) * np.float32(16 / PITCH)
    nothing = np.zeros(len(points), np.float32)
    return Layout(points, nothing.astype(np.intp), np.zeros_like(points), nothing, drop=3.3)


def _corner() -> Layout:
    """Two strokes from a common vertex: one along the rows, one 55 degrees off it."""
    points = _grid() + np.float32(PITCH / 2)
    vertex = np.array([-35.0, 30.0], np.float32)
    level = _stroke(points[points[:, 0] >= 0], 0, PITCH * 1.1, 0)
    steep = _stroke(points[points[:, 1] <= 0], -55, PITCH * 1.3, 1)
    both = _join([level, steep])
    return replace(both, xy=both.xy + vertex)


@cache
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


def _good_magnitudes(rng: np.random.Generator) -> dict[str, float]:
    """Each cause at a share Beta(2, 3) of its tolerance: mean 0.4, never beyond 1."""
    return {cause: limit * rng.beta(2, 3) for cause, limit in TOLERANCE.items()}


def _draw_defect(feature: str, rng: np.random.Generator) -> tuple[str, float]:
    """A cause of the feature and what severity 1 adds to its magnitude."""
    causes = CAUSES[feature]
    cause = str(rng.choice(list(causes), p=list(causes.values())))
    return cause, TOLERANCE[cause] * rng.uniform(*EXCESS[cause])


def _land(nominal: Layout, magnitude: dict[str, float], rng: np.random.Generator) -> Drops:
    """Where the drops land. Draws the same random numbers whatever the magnitudes are."""
    visible = np.flatnonzero(abs(nominal.xy).max(axis=1) < EXTENT / 2 - 2 * PITCH)
    victim = rng.choice(visible)
    nozzle = abs(nominal.xy[:, 1] - nominal.xy[victim, 1]) < 0.1
    element = nominal.element == nominal.element[victim]
    shift, turn, deflection = rng.choice([-1.0, 1.0], size=3)

    xy = nominal.xy + magnitude["drop placement"] * rng.standard_normal(nominal.xy.shape)
    xy += magnitude["ragged edge"] * rng.standard_normal((len(xy), 1)) * nominal.normal
    xy[nozzle, 1] += deflection * magnitude["deflected nozzle"]
    pivot = nominal.xy[element][abs(nominal.along[element]).argmin()]
    xy[element] = (xy[element] - pivot) @ _turn(turn * magnitude["skew"]) + pivot
    xy[element, 0] += shift * magnitude["line spacing"]

    sigma = nominal.drop * (1 + 0.04 * rng.standard_normal(len(xy)))
    ink = np.where(nozzle, max(0.0, 1 - magnitude["missing nozzle"]), 1.0)
    satellites = _satellites(nominal, xy, visible, magnitude["satellites"], rng)
    bleeding = _bleeding(nominal, xy, visible, magnitude["bleeding"], rng)
    return Drops(
        np.concatenate([xy, satellites.xy, bleeding.xy]),
        np.concatenate([sigma, satellites.sigma, bleeding.sigma]),
        np.concatenate([ink, satellites.ink, bleeding.ink]),
    )


def _satellites(
    nominal: Layout, xy: Floats, visible: NDArray[np.intp], share: float, rng: np.random.Generator
) -> Drops:
    """Small drops behind a share of those drops that have bare paper behind them (to the right)."""
    edge = nominal.normal[visible]
    parents = visible[(edge[:, 0] > 0.3) | (abs(nominal.normal).max() == 0)]
    count = min(len(parents), math.floor(share * len(parents) + rng.random()))
    parents = rng.permutation(parents)
    tail = np.array([7.0, 0.0]) + rng.standard_normal((len(parents), 2)) * 1.2
    sigma, ink = rng.uniform(1.0, 1.5, len(parents)), rng.uniform(0.6, 1.0, len(parents))
    return Drops((xy[parents] + tail)[:count], sigma[:count], ink[:count])


def _bleeding(
    nominal: Layout, xy: Floats, visible: NDArray[np.intp], reach: float, rng: np.random.Generator
) -> Drops:
    """Ink that creeps out along the fibres, up to `reach` px, over one stretch of an edge."""
    edge = visible[abs(nominal.normal[visible]).sum(axis=1) > 0]
    if not len(edge):
        return Drops(np.zeros((0, 2)), np.zeros(0), np.zeros(0))
    start, length = rng.choice(edge), rng.uniform(24, 48)
    same_edge = (nominal.normal[edge] @ nominal.normal[start] > 0.5) & (
        nominal.element[edge] == nominal.element[start]
    )
    near = abs(nominal.along[edge] - nominal.along[start]) < length / 2
    roots = np.repeat(edge[same_edge & near], 2)
    out = nominal.drop * 0.6 + reach * rng.random((len(roots), 1))
    crept = xy[roots] + nominal.normal[roots] * out + rng.standard_normal((len(roots), 2))
    ink = np.full(len(roots), 0.6 * min(1.0, reach))
    return Drops(crept, rng.uniform(1.5, 2.2, len(roots)), ink)


def _turn(degrees: float) -> Floats:
    """[2, 2] to multiply row vectors with."""
    a = math.radians(degrees)
    return np.array([[math.cos(a), math.sin(a)], [-math.sin(a), math.cos(a)]], np.float32)


def _place_crop(rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Rotation with zoom [2, 2] and shift [2] px of the crop against the pattern."""
    zoom = np.float32(1 + 0.008 * rng.standard_normal())
    return _turn(0.4 * rng.standard_normal()) * zoom, rng.uniform(-2, 2, 2).astype(np.float32)


def _ink_film(drops: Drops, size: int) -> Floats:
    """[S, S] film thickness: soft discs summed, as one product since a Gaussian separates."""
    centre = ((np.arange(size) + 0.5) * EXTENT / size - EXTENT / 2).astype(np.float32)
    xy, scale = drops.xy.astype(np.float32), (-0.5 / drops.sigma**2).astype(np.float32)[:, None]
    across = np.exp(scale * (centre - xy[:, :1]) ** 2)
    down = np.exp(scale * (centre - xy[:, 1:]) ** 2)
    return (down * drops.ink.astype(np.float32)[:, None]).T @ across


def _ink_density(film: Floats) -> Floats:
    """[S, S] 0 bare paper to 1 full ink: wetted from half a drop's height, darker with more."""
    wetted = 1 / (1 + np.exp(np.clip((0.5 - film) / 0.07, -30, 30)))
    return wetted * (1 - np.exp(-1.8 * film))


def _fibres(size: int, rng: np.random.Generator) -> Floats:
    """[S, S] paper texture of mean 0 and standard deviation about 1, at two scales."""
    coarse, fine = (rng.standard_normal((n, n)).astype(np.float32) for n in (20, 64))
    grow = [
        cv2.resize(noise, (size, size), interpolation=cv2.INTER_CUBIC) for noise in (coarse, fine)
    ]
    return grow[0] + grow[1]


def _component(seed: int) -> Component:
    rng = np.random.default_rng([seed // CROPS_PER_COMPONENT, 1])
    return Component(
        ink=rng.uniform(0.12, 0.24),
        paper=rng.uniform(0.72, 0.86),
        texture=rng.uniform(0.010, 0.025),
        light=rng.uniform(0.0, 0.12),
        light_angle=rng.uniform(0, 2 * math.pi),
        blur=rng.uniform(0.7, 1.2),
    )


def _photograph(
    film: Floats, fibres: Floats, component: Component, rng: np.random.Generator
) -> Bytes:
    """[S, S, 3] what the camera makes of the print: paper, ink, light, optics, sensor noise."""
    size = len(film)
    density = _ink_density(film)
    paper = component.paper * (1 + component.texture * fibres)
    scene = paper * (1 - density) + component.ink * density
    axis = np.linspace(-1, 1, size, dtype=np.float32)
    a = component.light_angle
    slope = math.cos(a) * axis[None, :] + math.sin(a) * axis[:, None]
    exposure = 1 + 0.04 * rng.standard_normal()
    scene = cv2.GaussianBlur(
        (scene * exposure * (1 + component.light * slope)).astype(np.float32),
        (0, 0),
        component.blur * size / EXTENT,
    )
    noise = rng.standard_normal((size, size), dtype=np.float32)
    scene = scene + noise * np.sqrt(0.008**2 + 0.0003 * np.maximum(scene, 0))
    grey = np.clip(np.round(scene * 255), 0, 255).astype(np.uint8)
    return np.repeat(grey[:, :, None], 3, axis=2)


def simulate_part(
    feature: str, label: int, seed: int, size: int = 128, severity: float = 1.0
) -> SimulatedPart:
    """Render one crop, [size, size, 3]; the same arguments give the same bytes.

    The two labels of a seed are twins: the same print, camera and paper, without and with a
    defect. Severity scales the defect: 1 starts beyond tolerance and overlaps with GOOD in looks,
    0 is the GOOD twin under the label BAD, so that AUROC against severity starts at chance.
    Raises ValueError for an unknown feature, a label other than 0 and 1, or severity < 0.
    """
    if label not in (0, 1) or severity < 0:
        raise ValueError(f"label must be 1 or 0 and severity >= 0, got {label} and {severity}")
    nominal, key = layout(feature), [seed, FEATURES.index(feature)]
    part_rng = np.random.default_rng([*key, 2])
    magnitude = _good_magnitudes(part_rng)
    turn, shift = _place_crop(part_rng)
    fibres = _fibres(size, part_rng)

    def print_film(magnitude: dict[str, float]) -> Floats:
        drops = _land(nominal, magnitude, np.random.default_rng([*key, 3]))
        film = _ink_film(replace(drops, xy=drops.xy @ turn + shift), size)
        return film * (1 + 0.05 * fibres)

    film, defect, mask = print_film(magnitude), "", np.zeros((size, size), np.uint8)
    excess = 0.0
    if label == 0:
        defect, extra = _draw_defect(feature, np.random.default_rng([*key, 4]))
        magnitude[defect] += severity * extra
        excess = severity * extra / TOLERANCE[defect]
        good_film, film = film, print_film(magnitude)
        mask = _departure(good_film, film)
    component = _component(seed)
    image = _photograph(film, fibres, component, part_rng)
    params = {"severity": severity * (1 - label), **magnitude, **asdict(component)}
    return SimulatedPart(image, feature, label, group_of(seed), defect, excess, mask, params)


def _departure(good: Floats, bad: Floats) -> Bytes:
    """[S, S] 255 where the ink of two prints differs by over 0.1 of full ink, grown by 1 px.

    Where a faint defect stays below that everywhere, half of its largest difference counts.
    """
    difference = abs(_ink_density(bad) - _ink_density(good))
    differs = difference > min(0.1, difference.max() / 2)
    return cv2.dilate(differs.astype(np.uint8) * 255, np.ones((3, 3), np.uint8)).astype(np.uint8)


def group_of(seed: int) -> str:
    """The component that a crop's seed belongs to."""
    return f"component-{seed // CROPS_PER_COMPONENT:06d}"


def plan(scale: float = 1.0, seed: int = 0) -> list[tuple[str, int, str, int]]:
    """(feature, label, group, seed) of every part of the table, in shuffled order.

    Counts are `COUNTS` times scale, at least 12 GOOD and 3 BAD a type: 1,327 parts at scale 1.
    Four crops make a component. BAD crops come somewhat together, as from one worn print head.
    """
    parts = [
        (feature, label)
        for feature, (n_good, n_bad) in COUNTS.items()
        for label, n, least in ((1, n_good, 12), (0, n_bad, 3))
        for _ in range(max(least, round(n * scale)))
    ]
    rng = np.random.default_rng(seed)
    order = np.argsort([rng.random() + 0.2 * (label == 0) for _, label in parts])
    first = seed * 2**20
    numbered = [(*parts[k], group_of(first + n), first + n) for n, k in enumerate(order)]
    return [numbered[k] for k in rng.permutation(len(numbered))]
