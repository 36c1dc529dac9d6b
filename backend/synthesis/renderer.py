"""The embedded teacher: a renderer of defects on glass with exact masks.

A defect is drawn as geometry in layers (light lost, light reflected, light scattered, refraction),
seen through the camera's blur, and laid over a scene. The mask is what then visibly differs from
the scene within the defect's own lines, so it is exact by construction.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator

from backend.records import Box
from backend.synthesis.backgrounds import (
    LIGHTINGS,
    Camera,
    Scene,
    draw_camera,
    draw_scene,
    expose,
    noise_field,
)

CLASSES = ("crack", "scratch", "chip", "bubble", "inclusion")
VISIBLE = 0.016  # of full scale; a smaller difference is not in the mask
DARK, GLINT, HAZE = 0, 1, 2


@dataclass(frozen=True)
class Rendered:
    """One image, its truth, and the same scene without any defect."""

    image: np.ndarray  # uint8 [H, W, 3] RGB
    mask: np.ndarray  # uint8 [H, W], 255 where any defect
    boxes: tuple[Box, ...]  # one per defect: tight box of that defect's own mask, px
    params: dict  # JSON-serialisable: what was drawn for this image
    background: np.ndarray  # uint8 [H, W, 3], no defect


@dataclass(frozen=True)
class Light:
    """How a lighting turns layers into brightness."""

    direction: tuple[float, float]  # unit vector in the image plane
    colour: np.ndarray  # float32 [3], of what the defect reflects
    dark: float  # share of light that a fully dark line takes
    glint: float  # share of `colour` that a fully lit facet shows
    haze: float  # brightness of scattering relative to the scene: < 1 darkens


@dataclass(frozen=True)
class Spot:
    """Where one defect goes and how bad it is."""

    x: float  # px
    y: float  # px
    size: int  # px, side of the image
    unit: float  # px per 1/256 of the image side
    severity: float  # 0..1
    light: Light
    edge: tuple[float, float, float] | None  # of the pane, as in Scene

    @property
    def at(self) -> np.ndarray:
        return np.array([self.x, self.y])


@dataclass(frozen=True)
class Sketch:
    """Geometry of one defect before the camera."""

    layers: np.ndarray  # float32 [H, W, 3], 0..1: light lost, reflected, scattered
    kind: str
    shift: np.ndarray | None = None  # float32 [H, W, 2], px by which the scene is displaced
    tone: np.ndarray | None = None  # float32 [H, W], brightness of tilted facets, about 0


def render(
    seed: int,
    size: int = 256,
    *,
    classes: Sequence[str] = ("crack",),
    lighting: str = "mixed",
    defects: tuple[int, int] = (1, 3),
    severity: tuple[float, float] = (0.2, 1.0),
    background: np.ndarray | None = None,
    region: np.ndarray | None = None,
) -> Rendered:
    """Image number `seed`: the same arguments give the same bytes.

    `background`: a photograph uint8 [h, w, 3] RGB to place the defects on; it is resized to `size`
    and otherwise left as it is. `region`: bool [h, w], the only part where defects may lie; a
    defect of which nothing would be seen there is left out. `defects`, `severity`: drawn uniformly
    between the two ends, inclusive; (0, 0) defects give an intact image.
    Raises ValueError for arguments out of range.
    """
    _check(size, classes, lighting, defects, severity, background, region)
    rng = np.random.default_rng(seed)
    style = lighting if lighting != "mixed" else str(rng.choice(LIGHTINGS))
    scene, camera = _prepare(rng, size, style, classes, background)
    allowed = scene.glass if region is None else scene.glass & _fit_region(region, size)
    light = _draw_light(rng, style, scene.image)
    count = int(rng.integers(defects[0], defects[1] + 1))
    image, mask, boxes, drawn = scene.image, np.zeros((size, size), bool), [], []
    for _ in range(count):
        name = str(rng.choice(list(classes)))
        placed = _place(rng, image, scene, light, camera, name, severity, allowed)
        if placed is None:
            continue
        image, own, record = placed
        mask |= own
        boxes.append(Box(name, _tight_box(own)))
        drawn.append(record)
    photo, clean = _photographs(rng, camera, image, scene.image, mask, background is not None)
    params = {
        "seed": int(seed),
        "size": size,
        "lighting": style,
        "scene": scene.kind,
        "camera": {"blur": camera.blur, "noise": camera.noise, "jpeg": camera.jpeg},
        "defects": drawn,
    }
    return Rendered(photo, mask.astype(np.uint8) * 255, tuple(boxes), params, clean)


# --- arguments and scene ------------------------------------------------------------------------


def _check(size, classes, lighting, defects, severity, background, region) -> None:  # type: ignore[no-untyped-def]
    unknown = sorted(set(classes) - set(CLASSES))
    low, high = severity
    if not 128 <= size <= 1024:
        raise ValueError(f"size must be 128 to 1024 px, not {size}.")
    if unknown or not classes:
        raise ValueError(f"classes must be some of {', '.join(CLASSES)}; not {unknown or 'none'}.")
    if lighting not in (*LIGHTINGS, "mixed"):
        raise ValueError(f"lighting must be mixed or one of {', '.join(LIGHTINGS)}: {lighting!r}.")
    if not 0 <= defects[0] <= defects[1] <= 50:
        raise ValueError(f"defects must be (fewest, most) between 0 and 50, not {defects}.")
    if not 0 <= low <= high <= 1:
        raise ValueError(f"severity must be (least, most) between 0 and 1, not {severity}.")
    if background is not None and (
        background.dtype != np.uint8 or background.ndim != 3 or background.shape[2] != 3
    ):
        raise ValueError(
            f"background must be a uint8 RGB image [h, w, 3], not "
            f"{background.dtype} {list(background.shape)}."
        )
    if region is not None and (region.ndim != 2 or not region.any()):
        raise ValueError("region must be a mask [h, w] with at least one pixel set.")


def _prepare(
    rng: Generator, size: int, style: str, classes: Sequence[str], photo: np.ndarray | None
) -> tuple[Scene, Camera]:
    camera = draw_camera(rng, size, style)
    if photo is None:
        return draw_scene(rng, size, style, 0.45 if "chip" in classes else 0.12), camera
    shrink = photo.shape[0] > size or photo.shape[1] > size
    way = cv2.INTER_AREA if shrink else cv2.INTER_CUBIC
    image = cv2.resize(photo, (size, size), interpolation=way).astype(np.float32) / 255
    scene = Scene(image, "own photograph", np.ones((size, size), bool), None)
    return scene, Camera(camera.blur, 0.0, 0)


def _fit_region(region: np.ndarray, size: int) -> np.ndarray:
    whole = cv2.resize(region.astype(np.uint8), (size, size), interpolation=cv2.INTER_NEAREST) > 0
    if not whole.any():
        raise ValueError("region is empty at this size: mark a larger part of the image.")
    return whole


def _draw_light(rng: Generator, style: str, scene: np.ndarray) -> Light:
    ranges = {  # dark, glint, haze
        "back light": ((0.5, 0.95), (0.15, 0.5), (0.6, 0.95)),
        "dark field": ((0.1, 0.3), (0.7, 1.0), (1.5, 4.0)),
        "bright field": ((0.3, 0.8), (0.4, 0.9), (1.0, 1.3)),
        "photograph": ((0.4, 0.95), (0.45, 1.0), (1.0, 1.8)),
    }
    dark, glint, haze = (float(rng.uniform(*ends)) for ends in ranges[style])
    angle = rng.uniform(0, 2 * np.pi)
    mean = scene.mean((0, 1))
    hue = (mean + 0.15) / (mean.max() + 0.15)
    colour = np.clip(rng.uniform(0.8, 1.05) * (0.65 + 0.35 * hue), 0, 1).astype(np.float32)
    return Light((float(np.cos(angle)), float(np.sin(angle))), colour, dark, glint, haze)


def _photographs(
    rng: Generator,
    camera: Camera,
    image: np.ndarray,
    clean: np.ndarray,
    mask: np.ndarray,
    own: bool,
) -> tuple[np.ndarray, np.ndarray]:
    """uint8 images with and without the defects, equal in noise; an own photograph adds none."""
    if own:
        return tuple(np.rint(np.clip(i, 0, 1) * 255).astype(np.uint8) for i in (image, clean))  # type: ignore[return-value]
    if not mask.any():
        (shot,) = expose(rng, camera, clean)
        return shot, shot.copy()
    shot, intact = expose(rng, camera, image, clean)
    return shot, intact


# --- placing and compositing --------------------------------------------------------------------


def _place(
    rng: Generator,
    image: np.ndarray,
    scene: Scene,
    light: Light,
    camera: Camera,
    name: str,
    severity: tuple[float, float],
    allowed: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, dict] | None:
    """Image with one more defect, its own mask bool [H, W] and its parameters.

    None after some tries in which nothing of the defect could be seen in the allowed part.
    """
    size = image.shape[0]
    inside = np.flatnonzero(allowed)
    for _ in range(4):
        y, x = divmod(int(inside[rng.integers(len(inside))]), size)
        grade = float(rng.uniform(*severity))
        spot = Spot(x + 0.5, y + 0.5, size, size / 256, grade, light, scene.edge)
        sketch = _see(SKETCHERS[name](rng, spot), camera, allowed)
        for boost in (1.0, 2.0, 5.0):
            merged = _composite(image, sketch, light, boost)
            own = _visible_mask(merged, image, sketch)
            if own.sum() >= 6:
                break
        else:
            continue
        record = {
            "class": name,
            "kind": sketch.kind,
            "severity": round(grade, 4),
            "x": round(spot.x, 2),
            "y": round(spot.y, 2),
        }
        return merged, own, record
    return None


def _see(sketch: Sketch, camera: Camera, allowed: np.ndarray) -> Sketch:
    """The sketch through the camera's blur, cut to where it may lie."""
    layers = cv2.GaussianBlur(sketch.layers, (0, 0), camera.blur)
    if allowed.all():
        return Sketch(layers, sketch.kind, sketch.shift, sketch.tone)
    keep = allowed.astype(np.float32)
    shift = None if sketch.shift is None else sketch.shift * keep[..., None]
    tone = None if sketch.tone is None else sketch.tone * keep
    return Sketch(layers * keep[..., None], sketch.kind, shift, tone)


def _composite(image: np.ndarray, sketch: Sketch, light: Light, boost: float) -> np.ndarray:
    """Scene refracted, then dimmed, scattered and lit by the defect; float32 [H, W, 3]."""
    view = image
    if sketch.shift is not None:
        axis = np.arange(image.shape[0], dtype=np.float32)
        across = sketch.shift[..., 0] + axis[None, :]
        down = sketch.shift[..., 1] + axis[:, None]
        view = cv2.remap(view, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    if sketch.tone is not None:
        view = view * (1 + sketch.tone[..., None])
    dark, glint, haze = cv2.split(sketch.layers)
    gain_dark = min(1.0, light.dark * boost)
    gain_glint = min(1.0, light.glint * boost)
    milk = np.minimum(image * light.haze + (0.06 if light.haze > 1 else 0), light.colour)
    view = view + (milk - view) * np.minimum(haze * boost, 1)[..., None]
    view = view * (1 - gain_dark * dark)[..., None]
    view = view + (light.colour - view) * (gain_glint * glint)[..., None]
    return np.clip(view, 0, 1).astype(np.float32)


def _visible_mask(merged: np.ndarray, image: np.ndarray, sketch: Sketch) -> np.ndarray:
    """Where the defect's own lines change the scene, one px wider; bool [H, W]."""
    change = np.abs(merged - image).max(2) > VISIBLE
    lines = sketch.layers.max(2) > 0.02
    return cv2.dilate((change & lines).astype(np.uint8), CROSS) > 0


CROSS = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))


def _tight_box(mask: np.ndarray) -> tuple[float, float, float, float]:
    """xyxy in px, pixel edges: a single pixel at (3, 5) has the box (3, 5, 4, 6)."""
    xs, ys = np.flatnonzero(mask.any(0)), np.flatnonzero(mask.any(1))
    return float(xs[0]), float(ys[0]), float(xs[-1] + 1), float(ys[-1] + 1)


# --- drawing ------------------------------------------------------------------------------------


class Pen:
    """Collects lines and facets and draws them, antialiased, at sub-pixel places."""

    def __init__(self, size: int) -> None:
        self.size, self.scale = size, 2 if size <= 512 else 1
        self.facets: list[tuple[np.ndarray, tuple[float, float, float]]] = []
        self.lines: list[np.ndarray] = []  # [n, 8]: x0 y0 x1 y1 width dark glint haze

    def facet(self, corners: np.ndarray, dark: float, glint: float, haze: float = 0.0) -> None:
        """Filled polygon [n, 2] px."""
        self.facets.append((corners, (dark * 255, glint * 255, haze * 255)))

    def line(self, points: np.ndarray, width, dark, glint, haze=0.0) -> None:  # type: ignore[no-untyped-def]
        """Polyline [n, 2] px; width (px) and the three layers (0..1) are scalars or [n - 1]."""
        parts = np.empty((len(points) - 1, 8))
        parts[:, :2], parts[:, 2:4] = points[:-1], points[1:]
        for column, value in zip((4, 5, 6, 7), (width, dark, glint, haze), strict=True):
            parts[:, column] = value
        self.lines.append(parts)

    def layers(self, light: Light) -> np.ndarray:
        """float32 [H, W, 3]; the lit side of each line lies half a px towards the light."""
        side = self.size * self.scale
        canvas = np.zeros((side, side, 3), np.uint8)
        for corners, colour in self.facets:
            place = (corners * (self.scale * 16)).astype(np.int32)
            cv2.fillPoly(canvas, [place], colour, cv2.LINE_AA, 4)
        if self.lines:
            self._draw_lines(canvas)
        dx, dy = (round(v * self.scale) for v in light.direction)
        canvas[..., GLINT] = np.roll(canvas[..., GLINT], (dy, dx), (0, 1))
        small = cv2.resize(canvas, (self.size, self.size), interpolation=cv2.INTER_AREA)
        return small.astype(np.float32) / 255

    def _draw_lines(self, canvas: np.ndarray) -> None:
        """Faint before strong, so that a crossing keeps the stronger line."""
        parts = np.concatenate(self.lines)
        reach = (self.size + 50) * 1.0
        parts = parts[(np.abs(parts[:, :4] - reach / 2) < reach).all(1)]
        parts = parts[np.argsort(parts[:, 5:7].max(1), kind="stable")]
        wide = parts[:, 4] * self.scale
        thin = np.clip(wide, 0.15, 1)[:, None]  # a line below one px is drawn paler, not thinner
        colours = (np.clip(parts[:, 5:8], 0, 1) * thin * 255).tolist()
        places = (parts[:, :4] * (self.scale * 16)).astype(np.int64).tolist()
        widths = np.maximum(1, np.rint(wide)).astype(int).tolist()
        for (x0, y0, x1, y1), width, colour in zip(places, widths, colours, strict=True):
            cv2.line(canvas, (x0, y0), (x1, y1), colour, width, cv2.LINE_AA, 4)


def _wave(rng: Generator, count: int, knots: int) -> np.ndarray:
    """Smooth random numbers [count], -1..1, with `knots` turning points."""
    return np.interp(
        np.linspace(0, max(knots, 2) - 1, count),
        np.arange(max(knots, 2)),
        rng.uniform(-1, 1, max(knots, 2)),
    )


def _path(
    rng: Generator, start: np.ndarray, angle: float, length: float, step: float, wander: float
) -> np.ndarray:
    """Points [n, 2] of a crack that starts at `angle` (rad) and strays by about `wander` (rad)."""
    count = max(4, int(length / step) + 1)
    heading = angle + wander * (_wave(rng, count, 2 + count // 9) + 0.6 * rng.normal(0, 0.5, count))
    if rng.random() < 0.3:  # a kink, as where a crack meets another stress
        heading[int(rng.integers(1, count)) :] += rng.normal(0, 2.0 * wander)
    moves = np.c_[np.cos(heading), np.sin(heading)] * (length / (count - 1))
    return start + np.vstack([[0, 0], np.cumsum(moves[:-1], 0)])


def _crack_line(
    rng: Generator, pen: Pen, points: np.ndarray, width: float, opacity: float, spot: Spot
) -> None:
    """A fracture: opacity varies along it, it fades at the tip, lit where it faces the light.

    Some fractures run oblique through the pane: then a pale ribbon shows between their lines on
    the front and the back face.
    """
    count = len(points) - 1
    move = np.diff(points, axis=0)
    normal = np.c_[-move[:, 1], move[:, 0]] / (np.linalg.norm(move, axis=1, keepdims=True) + 1e-6)
    facing = np.abs(normal @ np.array(spot.light.direction))
    along = opacity * np.clip(0.72 + 0.45 * _wave(rng, count, 2 + count // 5), 0.06, 1)
    taper = np.clip(np.linspace(1.25, 0.25, count), 0, 1)
    lit = np.clip(0.4 * facing + 0.35 + 0.45 * _wave(rng, count, 3 + count // 3), 0, 1)
    if rng.random() < 0.35:
        depth = rng.normal(0, 4.5) * spot.unit * (0.4 + 0.6 * _wave(rng, count + 1, 3))
        other = points + depth[:, None] * np.array(spot.light.direction)[::-1]
        shine = rng.uniform(0.1, 0.7) * opacity
        flash = shine * np.clip(0.5 + _wave(rng, count, 3 + count // 3), 0, 1)
        for i in range(count):
            quad = np.array([points[i], points[i + 1], other[i + 1], other[i]])
            pen.facet(quad, 0.35 * shine, flash[i], 0.4 * shine)
        pen.line(other, 0.4 * width * taper, 0.4 * along, 0.5 * along * lit)
    dark = along * np.clip(1.15 - 0.75 * lit, 0.25, 1)
    pen.line(points, width * np.sqrt(taper), dark, along * lit)


# --- cracks -------------------------------------------------------------------------------------


def _crack(rng: Generator, spot: Spot) -> Sketch:
    kinds: list[Callable[[Generator, Spot], Sketch]] = [_impact, _running, _spindle, _shatter]
    pick = int(rng.choice(4, p=[0.5, 0.27, 0.13, 0.1]))
    return kinds[pick](rng, spot)


def _extent(rng: Generator, spot: Spot, low: float, high: float) -> float:
    """Length in px between two fractions of the image side; worse defects reach further."""
    share = np.clip(0.55 * rng.random() + 0.45 * spot.severity, 0, 1)
    return float(spot.size * low * (high / low) ** share)


def _impact(rng: Generator, spot: Spot) -> Sketch:
    """A blow: crushed centre, radial cracks that fork, and chords between them."""
    pen, reach = Pen(spot.size), _extent(rng, spot, 0.08, 0.8)
    radials = _radials(rng, spot, reach)
    width = rng.uniform(0.6, 1.1 + 0.7 * spot.severity) * spot.unit**0.6
    opacity = rng.uniform(0.35, 0.65) + 0.35 * spot.severity
    web = [*radials, *_chords(rng, spot, radials, reach)]
    for place, line in enumerate(web):
        main = place < len(radials)
        thick = width * rng.uniform(0.55, 1.2) * (1 if main else 0.8)
        _crack_line(rng, pen, line, thick, opacity * rng.uniform(0.5, 1), spot)
        if main and rng.random() < 0.45:
            _fork(rng, pen, line, width, opacity, spot)
    for _ in range(int(rng.integers(0, 14))):  # hairlines around the blow
        angle, far = rng.uniform(0, 2 * np.pi), reach * rng.uniform(0.06, 0.35)
        hair = _path(rng, spot.at, angle, far, 4 * spot.unit, 0.3)
        _crack_line(rng, pen, hair, 0.5 * width, 0.7 * opacity, spot)
    if rng.random() < 0.8:
        _crush(rng, pen, spot, reach * rng.uniform(0.015, 0.07) + spot.unit)
    kind = "impact" if len(web) == len(radials) else "spiderweb"
    shift, tone = _facets(rng, spot, web, reach)
    return Sketch(pen.layers(spot.light), kind, shift, tone)


def _radials(rng: Generator, spot: Spot, reach: float) -> list[np.ndarray]:
    count = int(rng.integers(3, 7 + round(11 * spot.severity)))
    angles = (np.arange(count) + rng.uniform(-0.42, 0.42, count)) / count * 2 * np.pi
    angles += rng.uniform(0, 2 * np.pi)
    lengths = reach * np.clip(rng.lognormal(-0.35, 0.45, count), 0.12, 1.6)
    wander = rng.uniform(0.05, 0.3)
    step = max(4.0 * spot.unit, reach / 22)
    starts = spot.at + rng.normal(0, 0.012 * reach, (count, 2))
    return [
        _path(rng, start, angle, length, step, wander)
        for start, angle, length in zip(starts, angles, lengths, strict=True)
    ]


def _chords(
    rng: Generator, spot: Spot, radials: list[np.ndarray], reach: float
) -> list[np.ndarray]:
    """Concentric cracks: from radial to radial, nearly straight, at much the same distance."""
    if len(radials) < 5 or rng.random() < 0.4:
        return []
    chords = []
    radius = reach * rng.uniform(0.06, 0.2)
    for _ in range(int(rng.integers(1, 3 + round(4 * spot.severity)))):
        chance = rng.uniform(0.35, 0.95)
        for one, two in zip(radials, radials[1:] + radials[:1], strict=True):
            if rng.random() < chance:
                ends = [_at_radius(line, radius * rng.uniform(0.82, 1.2)) for line in (one, two)]
                if ends[0] is not None and ends[1] is not None:
                    chords.append(_bowed(rng, ends[0], ends[1]))
        radius *= rng.uniform(1.25, 1.9)
    return chords


def _at_radius(line: np.ndarray, radius: float) -> np.ndarray | None:
    far = np.linalg.norm(line - line[0], axis=1)
    if far[-1] < radius:
        return None
    return np.array([np.interp(radius, far, line[:, 0]), np.interp(radius, far, line[:, 1])])


def _bowed(rng: Generator, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    t = np.linspace(0, 1, 5)[:, None]
    move = end - start
    aside = np.array([-move[1], move[0]]) * rng.normal(0, 0.1)
    jitter = rng.normal(0, 0.025, (5, 2)) * np.linalg.norm(move) * (t * (1 - t) * 4)
    return start + move * t + aside * (4 * t * (1 - t)) + jitter


def _fork(
    rng: Generator, pen: Pen, line: np.ndarray, width: float, opacity: float, spot: Spot
) -> None:
    """One or two branches at a small angle from somewhere along the line."""
    for _ in range(int(rng.integers(1, 3))):
        at = int(rng.integers(len(line) // 3, len(line) - 1))
        ahead = line[at + 1] - line[at]
        angle = np.arctan2(ahead[1], ahead[0]) + rng.choice([-1, 1]) * rng.uniform(0.2, 0.75)
        rest = np.linalg.norm(line[-1] - line[at]) * rng.uniform(0.3, 1.1) + 4 * spot.unit
        branch = _path(rng, line[at], angle, rest, 5 * spot.unit, rng.uniform(0.08, 0.3))
        _crack_line(rng, pen, branch, width * rng.uniform(0.4, 0.8), opacity * 0.85, spot)


def _crush(rng: Generator, pen: Pen, spot: Spot, radius: float) -> None:
    """Pulverised glass: many tiny facets, each dark, bright or milky, around a pale bruise."""
    count = int(np.clip(6 + 2.2 * radius, 8, 60))
    turn = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    for scale, haze in ((1.7, 0.15), (1.1, 0.4)):
        rim = scale * radius * (0.8 + 0.4 * rng.random(12))
        bruise = spot.at + np.c_[np.cos(turn), np.sin(turn)] * rim[:, None]
        pen.facet(bruise, 0.15, 0.1, haze * rng.uniform(0.3, 1.2))
    for _ in range(count):
        centre = spot.at + rng.normal(0, 0.55 * radius, 2)
        shard = centre + rng.normal(0, 0.28 * radius + 0.4, (int(rng.integers(3, 6)), 2))
        dark, glint = (rng.uniform(0.3, 1), 0.05) if rng.random() < 0.5 else (0.1, rng.random())
        pen.facet(shard, dark, glint, 0.5 * rng.random())


def _facets(
    rng: Generator, spot: Spot, web: list[np.ndarray], reach: float
) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Displacement and brightness of the pieces between cracks, fading with the distance."""
    if rng.random() < 0.3:
        return None, None
    size = spot.size
    walls = np.ones((size, size), np.uint8)
    cv2.polylines(walls, [line.astype(np.int32) for line in web], False, 0, 1)
    count, labels = cv2.connectedComponents(walls, connectivity=4, ltype=cv2.CV_16U)
    strength = spot.severity * spot.unit * rng.uniform(0.4, 2.2)
    tilt = rng.normal(0, 1, (count, 3)).astype(np.float32)
    axis = np.arange(size, dtype=np.float32)
    far = (axis[None, :] - spot.x) ** 2 + (axis[:, None] - spot.y) ** 2
    fade = np.exp(-far / np.float32(0.4 * reach**2 + 1))
    pieces = cv2.blur(tilt[labels], (3, 3)) * fade[..., None]
    tone = 0.02 * spot.severity * rng.uniform(0, 1.5)
    return pieces[..., :2] * np.float32(strength), pieces[..., 2] * np.float32(tone)


def _running(rng: Generator, spot: Spot) -> Sketch:
    """A single crack through the pane, often from border to border, sometimes forked."""
    pen, size = Pen(spot.size), spot.size
    angle = rng.uniform(0, 2 * np.pi)
    across = rng.random() < 0.25 + 0.4 * spot.severity
    length = 2.2 * size if across else _extent(rng, spot, 0.1, 1.0)
    wander = rng.uniform(0.06, 0.45)
    half = length / 2
    ahead = _path(rng, spot.at, angle, half, max(4 * spot.unit, half / 45), wander)
    back = _path(rng, spot.at, angle + np.pi, half, max(4 * spot.unit, half / 45), wander)
    width = rng.uniform(0.5, 1.0 + 1.1 * spot.severity) * spot.unit**0.6
    opacity = rng.uniform(0.3, 0.65) + 0.35 * spot.severity
    for line in (ahead, back):
        _crack_line(rng, pen, line, width, opacity, spot)
        if rng.random() < 0.35:
            _fork(rng, pen, line, width, opacity, spot)
    return Sketch(pen.layers(spot.light), "border to border" if across else "single")


def _spindle(rng: Generator, spot: Spot) -> Sketch:
    """Fracture inside the pane: a slim bundle of shells, each a lens with a dark rim."""
    pen, length = Pen(spot.size), _extent(rng, spot, 0.07, 0.6)
    angle = rng.uniform(0, 2 * np.pi)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    slim = rng.uniform(0.06, 0.24)
    t = np.linspace(0, np.pi, 9)
    for _ in range(int(rng.integers(3, 8 + round(8 * spot.severity)))):
        x = rng.normal(0, 0.2)
        long = rng.uniform(0.04, 0.3)
        bow = long * slim * rng.uniform(0.3, 2.2) * np.array([1, rng.uniform(0.2, 1)])
        y = rng.normal(0, 0.25 * slim)
        rims = [np.c_[x - long * np.cos(t), y + s * b * np.sin(t)] for s, b in zip((1, -1), bow)]
        rims = [spot.at + rim * length @ turn for rim in rims]
        shell = np.vstack([rims[0], rims[1][::-1]])
        flake = rng.random() < 0.35
        tone = (rng.uniform(0.5, 0.95), 0.1) if flake else (0.08, rng.uniform(0, 0.45))
        pen.facet(shell, *tone, 0.1)
        for rim in rims:
            _crack_line(rng, pen, rim, rng.uniform(0.5, 2) * spot.unit**0.6, 0.95, spot)
    seam = _path(rng, spot.at - 0.5 * length * turn[0], angle, length, 4 * spot.unit, 0.12)
    _crack_line(rng, pen, seam, 0.8 * spot.unit**0.6, 0.6, spot)
    return Sketch(pen.layers(spot.light), "spindle")


def _shatter(rng: Generator, spot: Spot) -> Sketch:
    """Toughened or laminated glass fallen into dice, finer towards the blow."""
    from scipy.spatial import Voronoi

    pen, reach = Pen(spot.size), _extent(rng, spot, 0.18, 0.75)
    count = int(rng.integers(40, 90 + round(130 * spot.severity)))
    far = reach * rng.uniform(0.03, 1, count) ** rng.uniform(0.6, 1.1)
    turn = rng.uniform(0, 2 * np.pi, count)
    seeds = spot.at + np.c_[np.cos(turn), np.sin(turn)] * far[:, None]
    cells = Voronoi(seeds)
    ridges = np.array([r for r in cells.ridge_vertices if -1 not in r])
    ends = cells.vertices[ridges]
    near = np.linalg.norm(ends - spot.at, axis=2).max(1) < reach * 1.05
    web = [_bowed(rng, a, b) for a, b in ends[near]]
    width = rng.uniform(0.5, 1.2) * spot.unit**0.6
    opacity = rng.uniform(0.4, 0.6) + 0.4 * spot.severity
    for line in web:
        _crack_line(rng, pen, line, width, opacity * rng.uniform(0.45, 1), spot)
    if rng.random() < 0.6:
        _crush(rng, pen, spot, reach * rng.uniform(0.02, 0.07) + spot.unit)
    shift, tone = _facets(rng, spot, web, reach)
    return Sketch(pen.layers(spot.light), "shattered", shift, tone)


# --- scratches ----------------------------------------------------------------------------------


def _scratch(rng: Generator, spot: Spot) -> Sketch:
    """A score: one or several nearly parallel strands, thin, straight or bowed, often broken."""
    pen, length = Pen(spot.size), _extent(rng, spot, 0.12, 1.1)
    angle = rng.uniform(0, np.pi)
    ahead, aside = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
    count = max(10, int(length / (5 * spot.unit)))
    t = np.linspace(-0.5, 0.5, count + 1)[:, None]
    bow = rng.normal(0, 0.05) if rng.random() < 0.7 else rng.normal(0, 0.2)
    spine = spot.at + length * (ahead * t + aside * bow * (0.25 - t**2))
    strands = int(rng.integers(2, 6)) if rng.random() < 0.4 else 1
    gap = rng.uniform(0.8, 4) * spot.unit
    for strand in range(strands):
        drift = aside * gap * (strand - (strands - 1) / 2 + rng.normal(0, 0.3))
        points = spine + drift + aside * t * rng.normal(0, gap)
        first, last = np.sort(rng.uniform(0, 1, 2)) * [0.3, 1] + [0, 0.0]
        last = max(last, first + 0.4) if strands > 1 else 1.0
        first = first if strands > 1 else 0.0
        _strand(rng, pen, points[int(first * count) : int(last * count) + 2], spot)
    if rng.random() < 0.35:  # the score's floor is ground: a pale band
        half = aside * gap * 0.5 * strands
        band = np.vstack([spine - half, (spine + half)[::-1]])
        milky = 0.05 + 0.2 * rng.random() * spot.severity
        pen.facets.insert(0, (band, (255 * 0.15 * milky, 255 * 0.4 * milky, 255 * milky)))
    return Sketch(pen.layers(spot.light), "strands" if strands > 1 else "single")


def _strand(rng: Generator, pen: Pen, points: np.ndarray, spot: Spot) -> None:
    count = len(points) - 1
    opacity = 0.12 + 0.55 * spot.severity * rng.uniform(0.5, 1.2)
    along = opacity * np.clip(0.75 + 0.4 * _wave(rng, count, 2 + count // 4), 0.1, 1)
    if rng.random() < 0.35:
        along = along * (_wave(rng, count, 4 + count // 5) > -0.45)
    ends = np.minimum(np.linspace(0, 6, count), np.linspace(6, 0, count))
    along = along * np.clip(ends + 0.15, 0, 1)
    width = rng.uniform(0.35, 0.7 + 0.9 * spot.severity) * spot.unit**0.6
    lit = rng.uniform(0.6, 1)
    pen.line(points, width, along * rng.uniform(0.35, 0.8), along * lit, 0.3 * along)


# --- chips, bruises and pits --------------------------------------------------------------------


def _chip(rng: Generator, spot: Spot) -> Sketch:
    if spot.edge is not None and rng.random() < 0.8:
        return _edge_chip(rng, spot)
    return _gouge(rng, spot) if rng.random() < 0.55 else _pit(rng, spot)


def _edge_chip(rng: Generator, spot: Spot) -> Sketch:
    """A shell broken out of the pane's edge: ripples around the point of the blow."""
    nx, ny, c = spot.edge  # type: ignore[misc]
    slack = c - nx * spot.x - ny * spot.y
    blow = spot.at + slack * np.array([nx, ny])
    return Sketch(_shell(rng, spot, blow, _extent(rng, spot, 0.015, 0.16)), "edge chip")


def _shell(rng: Generator, spot: Spot, blow: np.ndarray, radius: float) -> np.ndarray:
    """Conchoidal fracture around `blow`, shaded by the light; layers [H, W, 3]."""
    axis = np.arange(spot.size, dtype=np.float32) + 0.5
    dx, dy = axis[None, :] - np.float32(blow[0]), axis[:, None] - np.float32(blow[1])
    far, turn = np.hypot(dx, dy), np.arctan2(dy, dx)
    rim = np.ones_like(far)
    for wave in range(1, 6):
        rim += rng.normal(0, 0.2 / wave) * np.cos(wave * turn + rng.uniform(0, 6.3))
    depth = far / (radius * np.clip(rim, 0.35, 2))
    inside = np.clip((1 - depth) * radius / (1.2 * spot.unit), 0, 1)
    ripples = rng.uniform(2, 7)
    relief = np.sin(2 * np.pi * ripples * depth**0.7 + 0.5 * rim) * np.clip(1.1 - depth, 0.2, 1)
    lx, ly = spot.light.direction
    slope = relief * (dx * lx + dy * ly) / (far + 1) + 0.35 * (dx * lx + dy * ly) / radius
    strength = 0.35 + 0.6 * spot.severity
    rough = 0.15 * noise_field(rng, spot.size, min(60, 6 * spot.size / radius), 2)
    border = np.exp(-(((depth - 0.96) * radius / (1.0 * spot.unit)) ** 2)) * 0.7
    glint = np.clip(slope + rough + 0.1, 0, 1)
    dark = np.clip(np.clip(-slope - rough, 0, 1) + border, 0, 1)
    layers = np.stack([dark, glint, np.full_like(dark, 0.25)], 2) * (inside * strength)[..., None]
    return layers.astype(np.float32)


def _gouge(rng: Generator, spot: Spot) -> Sketch:
    """A bruised track: two ragged rails of tiny flakes and a rubbed floor between them."""
    pen, length = Pen(spot.size), _extent(rng, spot, 0.08, 1.1)
    step = 2.2 * spot.unit
    spine = _path(rng, spot.at, rng.uniform(0, 2 * np.pi), length, step, rng.uniform(0.01, 0.1))
    spine += spot.at - spine.mean(0)
    move = np.gradient(spine, axis=0)
    aside = np.c_[-move[:, 1], move[:, 0]] / (np.linalg.norm(move, axis=1, keepdims=True) + 1e-6)
    count = len(spine)
    profile = np.clip(np.minimum(np.linspace(0.1, 5, count), np.linspace(2, 0.05, count)), 0, 1)
    half = rng.uniform(1.2, 3.5 + 4 * spot.severity) * spot.unit * profile
    floor = np.vstack([spine + aside * half[:, None], (spine - aside * half[:, None])[::-1]])
    milky = rng.uniform(0.1, 0.35) * (0.3 + spot.severity)
    pen.facet(floor, 0.25 * milky, 0.15 * milky, milky)
    rails = rng.uniform(-1, 1, int(rng.integers(1, 4)))
    for rail in np.r_[-0.9, 0.9, rails]:
        line = spine + aside * (half * rail)[:, None]
        _flakes(rng, pen, line, half * rng.uniform(0.1, 0.3), spot)
    return Sketch(pen.layers(spot.light), "gouge")


def _flakes(
    rng: Generator, pen: Pen, line: np.ndarray, spread: np.ndarray, spot: Spot
) -> None:
    """Tiny dark and bright splinters scattered along a line."""
    count = len(line) - 1
    strength = (0.25 + 0.6 * spot.severity) * rng.uniform(0.5, 1)
    tone = strength * np.clip(0.45 + 0.5 * _wave(rng, count, count // 3) + rng.normal(0, 0.35, count), 0, 1)
    ragged = line + rng.normal(0, 1, line.shape) * (spread + 0.15 * spot.unit)[:, None]
    lit = rng.random(count) < 0.3
    width = rng.uniform(0.4, 1.5, count) * spot.unit**0.6
    pen.line(ragged, width, tone * np.where(lit, 0.15, 1), tone * np.where(lit, 1, 0.35), 0.3 * tone)


def _pit(rng: Generator, spot: Spot) -> Sketch:
    """A small round bruise: crushed facets inside a dark, broken rim."""
    pen, radius = Pen(spot.size), _extent(rng, spot, 0.008, 0.09)
    _crush(rng, pen, spot, 0.8 * radius)
    turn = np.linspace(0, 2 * np.pi, 20) + rng.uniform(0, 6)
    rim = radius * (1 + 0.18 * _wave(rng, 20, 8))
    rim[-1] = rim[0]
    circle = spot.at + np.c_[np.cos(turn), np.sin(turn)] * rim[:, None]
    _crack_line(rng, pen, circle, rng.uniform(0.6, 1.6) * spot.unit**0.6, 0.85, spot)
    return Sketch(pen.layers(spot.light), "pit")


# --- bubbles and inclusions ---------------------------------------------------------------------


def _bubble(rng: Generator, spot: Spot) -> Sketch:
    """Gas in the glass: a diverging lens with a dark rim and two highlights."""
    radius = max(1.6, _extent(rng, spot, 0.007, 0.13) * rng.uniform(0.6, 1))
    angle, stretch = rng.uniform(0, np.pi), 1 + rng.exponential(0.18)
    axis = np.arange(spot.size, dtype=np.float32) + 0.5
    dx, dy = axis[None, :] - np.float32(spot.x), axis[:, None] - np.float32(spot.y)
    u = (np.cos(angle) * dx + np.sin(angle) * dy) / np.float32(stretch)
    v = -np.sin(angle) * dx + np.cos(angle) * dy
    depth = np.hypot(u, v) / np.float32(radius)
    soft = max(0.12, 0.7 / radius)
    inside = np.clip((1 - depth) / soft + 0.5, 0, 1)
    lx, ly = spot.light.direction
    lean = (dx * lx + dy * ly) / (radius * np.maximum(depth, 0.3))
    rim = np.exp(-(((depth - 0.88) / rng.uniform(0.09, 0.25)) ** 2)) * inside
    strength = 0.4 + 0.6 * spot.severity
    dark = rim * (0.65 - 0.3 * lean)
    glow = rim * np.clip(lean, 0, 1) ** 2 * 0.9
    for side, gain, wide in ((0.5, 1.0, 0.16), (-0.55, 0.5, 0.22)):
        gap = np.hypot(dx - side * radius * lx, dy - side * radius * ly) / radius
        glow = glow + gain * np.exp(-((gap / wide) ** 2)) * inside
    bend = np.float32(rng.uniform(0.6, 2)) * inside * np.clip(1 - depth, 0, 1) ** 0.5
    layers = np.stack([dark, glow, 0.06 * inside], 2).astype(np.float32) * np.float32(strength)
    shift = np.stack([dx * bend, dy * bend], 2).astype(np.float32)
    return Sketch(np.clip(layers, 0, 1), "bubble", shift)


def _inclusion(rng: Generator, spot: Spot) -> Sketch:
    """A speck, a stone with a strained halo, or a swarm of specks."""
    pen = Pen(spot.size)
    kind = str(rng.choice(["speck", "stone", "swarm"], p=[0.55, 0.27, 0.18]))
    bright = rng.random() < 0.25
    if kind == "speck":
        radius = max(0.9, _extent(rng, spot, 0.003, 0.018))
        _blob(rng, pen, spot.at, radius, 0.12, bright, spot)
    elif kind == "stone":
        radius = _extent(rng, spot, 0.008, 0.045)
        _blob(rng, pen, spot.at, 2.2 * radius, 0.15, True, spot, 0.15)
        _blob(rng, pen, spot.at, radius, 0.4, bright, spot)
        _blob(rng, pen, spot.at + rng.normal(0, 0.3 * radius, 2), 0.4 * radius, 0.4, True, spot)
    else:
        spread = _extent(rng, spot, 0.01, 0.05)
        for _ in range(int(rng.integers(4, 16))):
            at = spot.at + rng.normal(0, spread, 2) * [1, rng.uniform(0.4, 1)]
            _blob(rng, pen, at, rng.uniform(0.4, 1.3) * spot.unit, 0.3, bright, spot)
    return Sketch(pen.layers(spot.light), kind)


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
    outline = at + np.c_[np.cos(turn), np.sin(turn)] * rim[:, None]
    deep = strength * (0.4 + 0.6 * spot.severity) * rng.uniform(0.7, 1)
    pen.facet(outline, 0.1 * deep if bright else deep, deep if bright else 0.25 * deep, 0.3 * deep)


SKETCHERS: dict[str, Callable[[Generator, Spot], Sketch]] = {
    "crack": _crack,
    "scratch": _scratch,
    "chip": _chip,
    "bubble": _bubble,
    "inclusion": _inclusion,
}
