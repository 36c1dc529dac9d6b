"""Long defects: scratches, cracks and tears."""

import numpy as np
from numpy.random import Generator

from backend.renderer.sketch import Spot
from backend.renderer.strokes import crack_paths, waves
from backend.renderer.surfaces.fields import blurred, lines, outline, speckle
from backend.renderer.surfaces.surface import Imprint, Surface, spot_turn, spread


def scratch(rng: Generator, spot: Spot, surface: Surface) -> Imprint:
    """Scored by something hard: a groove with raised lips, single, in strands, or a scuff."""
    kind = str(rng.choice(["single", "strands", "scuff"], p=[0.5, 0.3, 0.2]))
    length = spot.extent(rng, 0.1, 1.1) * (0.45 if kind == "scuff" else 1)
    angle = spot_turn(rng, surface, 0.15)
    paths, values = _strands(rng, spot, angle, length, kind)
    width = rng.uniform(0.5, 1.0 + 1.4 * spot.severity) * spot.unit**0.6
    width *= 0.6 if kind == "scuff" else 1
    cover = lines(spot.size, paths, [width] * len(paths), values)
    soft = blurred(cover, max(0.45, 0.45 * width))
    lips = blurred(cover, max(0.9, 1.1 * width)) - soft
    depth = rng.uniform(0.25, 0.5 + 0.9 * spot.severity) * max(width, 0.7)
    height = (lips * np.float32(1.2) - soft) * np.float32(depth)
    opacity = rng.uniform(0.1, 0.35 + 0.5 * spot.severity)
    paint = surface.nature.beneath
    if rng.random() < 0.3 and surface.nature.hard:  # filled with dirt
        paint = paint * np.float32(0.25)
    return Imprint(kind, soft, height, paint, opacity, gloss=rng.uniform(0.5, 1.8), solid=False)


def _strands(
    rng: Generator, spot: Spot, angle: float, length: float, kind: str
) -> tuple[list[np.ndarray], np.ndarray]:
    """Paths px and their strength: nearly parallel, each drawn in pieces of changing pressure."""
    count = {"single": 1, "strands": int(rng.integers(2, 6)), "scuff": int(rng.integers(8, 26))}[
        kind
    ]
    ahead = np.array([np.cos(angle), np.sin(angle)])
    aside = np.array([-ahead[1], ahead[0]])
    gap = rng.uniform(1.0, 4.0) * spot.unit * (1.6 if kind == "scuff" else 1)
    bow = rng.normal(0, 0.06) if rng.random() < 0.75 else rng.normal(0, 0.22)
    paths, values = [], []
    for _ in range(count):
        first, last = (0.0, 1.0) if count == 1 else np.sort(rng.uniform(0, 1, 2) * [0.6, 1.2])
        pieces = int(np.clip(length / (7 * spot.unit), 6, 24))
        t = np.linspace(first, min(max(last, first + 0.15), 1), pieces + 1)[:, None] - 0.5
        shift = aside * gap * rng.normal(0, count / 3 + 0.01) + aside * t * rng.normal(0, gap)
        spine = spot.at + length * (ahead * t + aside * bow * (0.25 - t**2)) + shift
        press = np.clip(0.7 + 0.45 * waves(rng, 1, pieces, 2 + pieces // 4)[0], 0.12, 1)
        press *= np.clip(np.minimum(np.linspace(0.3, 4, pieces), np.linspace(4, 0.1, pieces)), 0, 1)
        if rng.random() < 0.3:
            press = press * (waves(rng, 1, pieces, 4 + pieces // 4)[0] > -0.4)
        paths += [spine[k : k + 2] for k in range(pieces)]
        values += press.tolist()
    return paths, np.array(values)


def crack(rng: Generator, spot: Spot, surface: Surface) -> Imprint:
    """Torn open by stress: jagged, dark, forked; or a net of hair cracks (crazing)."""
    net = rng.random() < 0.25 and not surface.nature.fibrous
    paths, widths, values = (_net if net else _branched)(rng, spot, surface)
    cover = lines(spot.size, paths, widths, values)
    width = float(np.mean(widths))
    soft = blurred(cover, 0.4)
    depth = rng.uniform(0.4, 0.8 + 0.8 * spot.severity) * max(width, 0.8)
    height = soft * np.float32(-depth)
    if rng.random() < 0.35:  # broken lips
        height = height + (blurred(cover, 1.6 * width + 0.5) - soft) * np.float32(0.7 * depth)
    dark = surface.nature.beneath * np.float32(rng.uniform(0.05, 0.3))
    opacity = rng.uniform(0.35, 0.55 + 0.4 * spot.severity)
    return Imprint(
        "net" if net else "branched", soft, height, dark, opacity, gloss=0.2, solid=False
    )


Drawn = tuple[list[np.ndarray], list[float], list[float]]


def _branched(rng: Generator, spot: Spot, surface: Surface) -> Drawn:
    """One crack, widest in its middle, with some branches; along the grain of wood."""
    length = spot.extent(rng, 0.1, 1.2)
    fibrous = surface.nature.fibrous
    angle = spot_turn(rng, surface, 1.0 if fibrous else 0.1)
    wander = rng.uniform(0.02, 0.08) if fibrous else rng.uniform(0.15, 0.6)
    ends = np.array([angle, angle + np.pi])
    step = max(2.2 * spot.unit, length / 48)
    halves = crack_paths(rng, spot.at, ends, np.full(2, length / 2), step, wander)
    main = np.concatenate([halves[1][::-1], halves[0][1:]])
    widest = rng.uniform(0.5, 1.0 + 1.6 * spot.severity**2) * spot.unit**0.7
    drawn: Drawn = ([], [], [])
    _tapered(rng, drawn, main, widest, both=True)
    for _ in range(0 if fibrous else int(rng.integers(0, 4))):
        at = int(rng.integers(1, len(main) - 1))
        ahead = main[at] - main[at - 1]
        turn = np.arctan2(ahead[1], ahead[0]) + rng.choice([-1, 1]) * rng.uniform(0.3, 1.1)
        far = length * rng.uniform(0.08, 0.35)
        twig = crack_paths(rng, main[at], np.array([turn]), np.array([far]), step, wander)[0]
        _tapered(rng, drawn, twig, 0.65 * widest, both=False)
    return drawn


def _tapered(rng: Generator, drawn: Drawn, path: np.ndarray, widest: float, both: bool) -> None:
    """The pieces of a crack, thinner towards its tip or both tips, its opening uneven."""
    parts = len(path) - 1
    t = np.linspace(0, 1, parts)
    taper = np.sqrt(np.clip(4 * t * (1 - t), 0.03, 1)) if both else np.sqrt(np.clip(1 - t, 0.05, 1))
    opening = np.clip(0.75 + 0.5 * waves(rng, 1, parts, 3 + parts // 4)[0], 0.15, 1.4)
    drawn[0].extend(path[k : k + 2] for k in range(parts))
    drawn[1].extend((widest * taper * opening).tolist())
    drawn[2].extend(np.clip(0.5 + 0.5 * taper, 0, 1).tolist())


def _net(rng: Generator, spot: Spot, surface: Surface) -> Drawn:
    """Map cracking: the borders of cells, stronger in the middle."""
    from scipy.spatial import Voronoi

    reach, count = spot.extent(rng, 0.1, 0.45), int(rng.integers(14, 46))
    squeeze = np.array([rng.uniform(0.4, 1), 1])
    seeds = rng.normal(0, 0.6 * reach, (count, 2)) * squeeze
    cells = Voronoi(spot.at + seeds)
    drawn: Drawn = ([], [], [])
    wide = rng.uniform(0.4, 1.2) * spot.unit**0.6
    for ridge in cells.ridge_vertices:
        if -1 in ridge or rng.random() < 0.15:
            continue
        one, two = cells.vertices[ridge]
        far = np.linalg.norm((one + two) / 2 - spot.at) / reach
        if far > 1.4 or np.linalg.norm(one - two) > reach:
            continue
        t = np.linspace(0, 1, 5)[:, None]
        path = one + (two - one) * t
        path[1:-1] += rng.normal(0, 0.06 * np.linalg.norm(two - one), (3, 2))
        drawn[0].append(path)
        drawn[1].append(wide * float(rng.uniform(0.5, 1.2)))
        drawn[2].append(float(np.clip(1.3 - 0.8 * far, 0.25, 1)))
    return drawn if drawn[0] else _branched(rng, spot, surface)


def tear(rng: Generator, spot: Spot, surface: Surface) -> Imprint:
    """Pulled apart: a slit that gapes, with frayed lips that lift; what lies behind shows."""
    length = spot.extent(rng, 0.08, 0.55)
    slim = rng.uniform(0.05, 0.35) * (0.5 + 0.5 * spot.severity)
    angle = spot_turn(rng, surface, 0.4)
    window, offsets = spot.around(spot.at, 0.9 * length + 4)
    depth = outline(rng, offsets, 0.5 * length, 0.16, max(slim, 2.2 * spot.unit / length), angle)
    fray = speckle(rng, spot.size, max(0.6, 0.8 * spot.unit))[window]
    gap = np.clip((1 - depth + 0.1 * fray) * 0.5 * length * max(slim, 0.1) / 0.8, 0, 1)
    lip = np.exp(-(((depth - 1.12) / 0.22) ** 2)) * (1 - gap)
    cover = spread(spot.size, window, np.maximum(gap, 0.0))
    thick = rng.uniform(1.0, 2.6) * spot.unit
    height = spread(spot.size, window, lip * (1 + 0.3 * fray) * 0.8 - 1.4 * gap) * np.float32(thick)
    threads = _threads(rng, spot, angle, length, slim)
    shown = cover * (1 - 0.8 * threads)
    return Imprint("slit", shown, height, surface.nature.behind, 1.0, level=0.8, gloss=0.1)


def _threads(rng: Generator, spot: Spot, angle: float, length: float, slim: float) -> np.ndarray:
    """Fibres that still span the gap or hang into it, 0..1."""
    ahead = np.array([np.cos(angle), np.sin(angle)])
    aside = np.array([-ahead[1], ahead[0]])
    paths = []
    for _ in range(int(rng.integers(2, 10))):
        middle = spot.at + ahead * length * rng.uniform(-0.4, 0.4)
        reach = aside * length * slim * rng.uniform(0.3, 0.9) + ahead * rng.normal(0, 0.1) * length
        start = middle - reach * rng.choice([0, 1])
        bow = rng.normal(0, 1.5, 2) * spot.unit
        paths.append(np.stack([start, middle + bow, middle + reach]))
    return lines(spot.size, paths, [0.8 * spot.unit] * len(paths), rng.uniform(0.3, 1, len(paths)))
