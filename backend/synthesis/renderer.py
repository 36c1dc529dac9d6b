"""The embedded teacher: a renderer of defects on glass with exact masks.

A defect is drawn as geometry in layers (light lost, light reflected, light scattered, refraction),
seen through the camera's blur, and laid over a scene. The mask is what then visibly differs from
the scene within the defect's own lines, so it is exact by construction.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

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
)

CLASSES = ("crack", "scratch", "chip", "bubble", "inclusion")
VISIBLE = 0.02  # of full scale; a smaller difference is not in the mask
GLINT = 1  # channel of the layers: dark, glint, haze
CROSS = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))


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
    solid: bool = False  # a body: its mask has no holes


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
    style = lighting if lighting != "mixed" else _suited_lighting(rng, background)
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
    photo, clean = _photographs(rng, None if background is not None else camera, image, scene.image)
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


def _check(
    size: int,
    classes: Sequence[str],
    lighting: str,
    defects: tuple[int, int],
    severity: tuple[float, float],
    background: np.ndarray | None,
    region: np.ndarray | None,
) -> None:
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
        return draw_scene(rng, size, style, 0.3 if "chip" in classes else 0.12), camera
    shrink = photo.shape[0] > size or photo.shape[1] > size
    way = cv2.INTER_AREA if shrink else cv2.INTER_CUBIC
    image = cv2.resize(photo, (size, size), interpolation=way).astype(np.float32) / 255
    scene = Scene(image, "own photograph", np.ones((size, size), bool), None)
    return scene, Camera(camera.blur, 0.0, 0)


def _suited_lighting(rng: Generator, photo: np.ndarray | None) -> str:
    """Any lighting for a made scene; for a photograph one that its brightness allows."""
    if photo is None:
        return str(rng.choice(LIGHTINGS))
    dark = photo.mean() < 90
    fits = ("dark field",) if dark else ("back light", "bright field")
    return str(rng.choice([*fits, "photograph"]))


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
    mean = np.array(cv2.mean(scene)[:3])
    hue = (mean + 0.15) / (mean.max() + 0.15)
    colour = np.clip(rng.uniform(0.8, 1.05) * (0.65 + 0.35 * hue), 0, 1).astype(np.float32)
    return Light((float(np.cos(angle)), float(np.sin(angle))), colour, dark, glint, haze)


def _photographs(
    rng: Generator, camera: Camera | None, image: np.ndarray, clean: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """uint8 images with and without the defects, equal in noise; no camera: no noise is added."""
    if camera is not None:
        shot, intact = expose(rng, camera, image, clean)
        return shot, intact
    return np.rint(image * 255).astype(np.uint8), np.rint(clean * 255).astype(np.uint8)


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
            merged, own = _composite(image, sketch, light, boost)
            own &= allowed
            if own.sum() >= 9:
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
        return replace(sketch, layers=layers)
    keep = allowed.astype(np.float32)
    shift = None if sketch.shift is None else sketch.shift * keep[..., None]
    tone = None if sketch.tone is None else sketch.tone * keep
    return replace(sketch, layers=layers * keep[..., None], shift=shift, tone=tone)


def _composite(
    image: np.ndarray, sketch: Sketch, light: Light, boost: float
) -> tuple[np.ndarray, np.ndarray]:
    """Scene refracted, then scattered, dimmed and lit where the defect has lines.

    Returns float32 [H, W, 3] and the defect's mask bool [H, W]: its lines as far as they visibly
    change the scene, one px wider.
    """
    merged, drawn = _refract(image, sketch), _strongest(sketch.layers).ravel()
    at = np.flatnonzero(drawn > 0.004)
    view = merged.reshape(-1, 3)[at]
    dark, glint, haze = (column[:, None] for column in sketch.layers.reshape(-1, 3)[at].T)
    milk = np.minimum(view * light.haze + (0.06 if light.haze > 1 else 0), light.colour)
    view = view + (milk - view) * np.minimum(haze * boost, 1)
    view = view * (1 - min(1.0, light.dark * boost) * dark)
    view = view + (light.colour - view) * (min(1.0, light.glint * boost) * glint)
    view = np.clip(view, 0, 1).astype(np.float32)
    merged.reshape(-1, 3)[at] = view
    change = np.abs(view - image.reshape(-1, 3)[at])
    seen = np.maximum(np.maximum(change[:, 0], change[:, 1]), change[:, 2]) > VISIBLE
    own = np.zeros(drawn.shape, np.uint8)
    own[at[seen & (drawn[at] > 0.02)]] = 1
    return merged, _grown(own.reshape(image.shape[:2]), sketch.solid)


def _refract(image: np.ndarray, sketch: Sketch) -> np.ndarray:
    """The scene as the tilted pieces of glass displace and shade it; a new array."""
    view = image
    if sketch.shift is not None:
        axis = np.arange(image.shape[0], dtype=np.float32)
        across = sketch.shift[..., 0] + axis[None, :]
        down = sketch.shift[..., 1] + axis[:, None]
        view = cv2.remap(view, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    if sketch.tone is not None:
        view = np.clip(view * (1 + sketch.tone[..., None]), 0, 1)
    return view.copy() if view is image else view


def _grown(own: np.ndarray, solid: bool) -> np.ndarray:
    own = cv2.dilate(own, CROSS)
    if solid:
        rims, _ = cv2.findContours(own, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(own, rims, -1, 1, -1)
    return own > 0


def _strongest(layers: np.ndarray) -> np.ndarray:
    """Maximum over the three channels; numpy's own over a short last axis is ten times slower."""
    one, two, three = cv2.split(layers)
    return cv2.max(cv2.max(one, two), three)


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

    def line(
        self,
        points: np.ndarray,
        width: float | np.ndarray,
        dark: float | np.ndarray,
        glint: float | np.ndarray,
        haze: float | np.ndarray = 0.0,
    ) -> None:
        """Polylines [..., n, 2] px; width (px) and the layers (0..1): scalars or [..., n - 1]."""
        parts = np.empty((*points.shape[:-2], points.shape[-2] - 1, 8))
        parts[..., :2], parts[..., 2:4] = points[..., :-1, :], points[..., 1:, :]
        for column, value in zip((4, 5, 6, 7), (width, dark, glint, haze), strict=True):
            parts[..., column] = value
        self.lines.append(parts.reshape(-1, 8))

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
        lit = cv2.copyMakeBorder(canvas[..., GLINT], 2, 2, 2, 2, cv2.BORDER_REPLICATE)
        canvas[..., GLINT] = lit[2 - dy : 2 - dy + side, 2 - dx : 2 - dx + side]
        small = cv2.resize(canvas, (self.size, self.size), interpolation=cv2.INTER_AREA)
        return np.multiply(small, np.float32(1 / 255), dtype=np.float32)

    def _draw_lines(self, canvas: np.ndarray) -> None:
        """Faint before strong, so that a crossing keeps the stronger line."""
        parts = np.concatenate(self.lines)
        x0, y0, x1, y1 = np.abs(parts[:, :4].T - self.size / 2)
        reach = self.size + 50.0
        parts = parts[(x0 < reach) & (y0 < reach) & (x1 < reach) & (y1 < reach)]
        parts = parts[np.argsort(np.maximum(parts[:, 5], parts[:, 6]), kind="stable")]
        wide = parts[:, 4] * self.scale
        thin = np.clip(wide, 0.15, 1)[:, None]  # a line below one px is drawn paler, not thinner
        colours = (np.clip(parts[:, 5:8], 0, 1) * thin * 255).tolist()
        places = (parts[:, :4] * (self.scale * 16)).astype(np.int64).tolist()
        widths = np.maximum(1, np.rint(wide)).astype(int).tolist()
        for (x0, y0, x1, y1), width, colour in zip(places, widths, colours, strict=True):
            cv2.line(canvas, (x0, y0), (x1, y1), colour, width, cv2.LINE_AA, 4)


def _waves(rng: Generator, lines: int, count: int, knots: int) -> np.ndarray:
    """Smooth random numbers [lines, count], -1..1, each line with `knots` turning points."""
    knots = max(knots, 2)
    values = rng.uniform(-1, 1, (lines, knots + 1))
    place = np.arange(count) * ((knots - 1) / max(count - 1, 1))
    left = place.astype(int)
    part = place - left
    return values[:, left] * (1 - part) + values[:, left + 1] * part


def _paths(
    rng: Generator,
    starts: np.ndarray,
    angles: np.ndarray,
    lengths: np.ndarray,
    step: float,
    wander: float,
) -> np.ndarray:
    """Cracks [m, n, 2] px that set out at `angles` (rad) and stray by about `wander` (rad)."""
    lines, count = len(angles), int(np.clip(np.max(lengths) / step, 4, 50))
    heading = wander * (_waves(rng, lines, count, 2 + count // 9))
    heading += wander * rng.normal(0, 0.3, heading.shape) + np.asarray(angles)[:, None]
    kinked = rng.normal(0, 2 * wander, (lines, 1)) * (rng.random((lines, 1)) < 0.3)
    heading += kinked * (np.arange(count) > rng.integers(1, count, (lines, 1)))
    moves = np.stack([np.cos(heading), np.sin(heading)], 2)
    moves *= (np.asarray(lengths) / count)[:, None, None]
    paths = np.empty((lines, count + 1, 2))
    paths[:, :1] = np.reshape(starts, (-1, 1, 2))
    paths[:, 1:] = paths[:, :1] + np.cumsum(moves, 1)
    return paths


def _fractures(
    rng: Generator,
    pen: Pen,
    lines: np.ndarray,
    width: float,
    opacity: float | np.ndarray,
    spot: Spot,
    fades: bool = True,
    oblique: float = 0.35,
) -> None:
    """Cracks [m, n, 2]: each varies in opacity, fades at its tip, is lit where it faces the light.

    The share `oblique` of them runs aslant through the pane: a pale ribbon shows between their
    lines on the front and the back face. `width` in px, `opacity` (0..1) scalar or [m].
    """
    count, parts = lines.shape[0], lines.shape[1] - 1
    if not count:
        return
    own = np.reshape(opacity, (-1, 1)) * rng.uniform(0.5, 1, (count, 1))
    along = own * np.clip(0.75 + 0.42 * _waves(rng, count, parts, 2 + parts // 5), 0.06, 1)
    taper = np.minimum(np.linspace(1.3, 0.2, parts), 1) if fades else np.ones(parts)
    thick = width * rng.uniform(0.5, 1.2, (count, 1)) * np.sqrt(taper)
    lit = 0.4 * _facing(lines, spot.light) + rng.uniform(0.2, 0.5, (count, 1))
    lit = np.clip(lit + 0.45 * _waves(rng, count, parts, 3 + parts // 3), 0, 1)
    for i in np.flatnonzero(rng.random(count) < oblique):
        depth = rng.normal(0, 3.5 if fades else 1.5) * spot.unit
        slant = depth * (0.4 + 0.6 * _waves(rng, 1, parts + 1, 3)[0])
        other = lines[i] + slant[:, None] * np.array(spot.light.direction)[::-1]
        _ribbon(rng, pen, lines[i], other, rng.uniform(0.1, 0.7) * float(own[i % len(own), 0]))
        pen.line(other, 0.4 * thick[i], 0.4 * along[i], 0.5 * along[i] * lit[i])
    pen.line(lines, thick, along * np.clip(1.15 - 0.75 * lit, 0.25, 1), along * lit)


def _facing(points: np.ndarray, light: Light) -> np.ndarray:
    """How squarely each part of a polyline [..., n, 2] faces the light, [..., n - 1], 0..1."""
    move = np.diff(points, axis=-2)
    lx, ly = light.direction
    cross = np.abs(move[..., 0] * ly - move[..., 1] * lx)
    return cross / (np.hypot(move[..., 0], move[..., 1]) + 1e-6)


def _ribbon(rng: Generator, pen: Pen, points: np.ndarray, other: np.ndarray, shine: float) -> None:
    """The fracture face between two lines [n, 2], flashing here and there."""
    count = len(points) - 1
    flash = shine * np.clip(0.5 + _waves(rng, 1, count, 3 + count // 3)[0], 0, 1)
    quads = np.stack([points[:-1], points[1:], other[1:], other[:-1]], axis=1)
    for quad, glint in zip(quads, flash.tolist(), strict=True):
        pen.facet(quad, 0.35 * shine, glint, 0.4 * shine)


# --- cracks -------------------------------------------------------------------------------------


def _crack(rng: Generator, spot: Spot) -> Sketch:
    kinds: list[Callable[[Generator, Spot], Sketch]] = [_impact, _running, _spindle, _shatter]
    pick = int(rng.choice(4, p=[0.52, 0.28, 0.1, 0.1]))
    return kinds[pick](rng, spot)


def _extent(rng: Generator, spot: Spot, low: float, high: float) -> float:
    """Length in px between two fractions of the image side; worse defects reach further."""
    share = np.clip(0.55 * rng.random() + 0.45 * spot.severity, 0, 1)
    return float(spot.size * low * (high / low) ** share)


def _impact(rng: Generator, spot: Spot) -> Sketch:
    """A blow: crushed centre, radial cracks that fork, and chords between them."""
    grand = spot.severity > 0.45 and rng.random() < 0.35
    reach = spot.size * rng.uniform(0.6, 1.2) if grand else _extent(rng, spot, 0.07, 0.75)
    pen, radials = Pen(spot.size), _radials(rng, spot, reach, 1.6 if grand else 1.0)
    width, opacity = _stroke(rng, spot)
    chords = _chords(rng, spot, radials, reach, grand)
    _fractures(rng, pen, radials, width, opacity, spot)
    _fork(rng, pen, radials[rng.random(len(radials)) < 0.4], width, opacity, spot)
    _fractures(rng, pen, chords, 0.85 * width, opacity, spot, fades=False, oblique=0.15)
    hairs = int(rng.integers(0, 12))  # around the blow
    angles, far = rng.uniform(0, 2 * np.pi, hairs), reach * rng.uniform(0.05, 0.3, hairs)
    if hairs:
        short = _paths(rng, spot.at, angles, far, 5 * spot.unit, 0.3)
        _fractures(rng, pen, short, 0.5 * width, 0.7 * opacity, spot, oblique=0.1)
    if rng.random() < 0.8:
        _crush(rng, pen, spot, min(reach * rng.uniform(0.015, 0.07), 0.05 * spot.size) + spot.unit)
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
    return _paths(rng, starts, angles, lengths, step, rng.uniform(0.04, 0.26))


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
    branches = _paths(rng, starts, angles, rest + 4 * spot.unit, 5 * spot.unit, 0.2)
    _fractures(rng, pen, branches, 0.65 * width, 0.85 * opacity, spot)


def _crush(rng: Generator, pen: Pen, spot: Spot, radius: float) -> None:
    """Pulverised glass: many tiny facets, each dark, bright or milky, around a pale bruise."""
    count = int(np.clip(6 + 2.2 * radius, 8, 60))
    turn = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    for scale in np.linspace(2.4, 0.9, 7):
        rim = scale * radius * (0.7 + 0.5 * rng.random(12))
        bruise = spot.at + np.stack([np.cos(turn), np.sin(turn)], 1) * rim[:, None]
        haze = 0.35 * ((2.6 - scale) / 1.7) ** 2
        pen.facet(bruise, 0.3 * haze, 0.3 * haze, haze * rng.uniform(0.7, 1.1))
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
    half = 1.1 * spot.size if across else 0.5 * _extent(rng, spot, 0.1, 1.0)
    angles = rng.uniform(0, 2 * np.pi) + np.array([0, np.pi])
    step = max(4 * spot.unit, half / 45)
    wander = rng.uniform(0.06, 0.45)
    lines = _paths(rng, spot.at, angles, np.array([half, half]), step, wander)
    width, opacity = _stroke(rng, spot)
    _fractures(rng, pen, lines, width * rng.uniform(0.9, 1.5), opacity, spot, oblique=0.45)
    _fork(rng, pen, lines[rng.random(2) < 0.35], width, opacity, spot)
    return Sketch(pen.layers(spot.light), "border to border" if across else "single")


def _spindle(rng: Generator, spot: Spot) -> Sketch:
    """Fracture inside the pane: a slim bundle of shells, each a lens with a dark rim."""
    pen, length = Pen(spot.size), _extent(rng, spot, 0.07, 0.6)
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
        _fractures(rng, pen, rims, 1.5 * spot.unit**0.6, 1.0, spot, fades=False)
    start, end = spot.at - 0.5 * length * turn[0], np.array([length])
    seam = _paths(rng, start, np.array([angle]), end, 4 * spot.unit, 0.12)
    _fractures(rng, pen, seam, spot.unit**0.6, 0.7, spot)
    return Sketch(pen.layers(spot.light), "spindle")


def _shatter(rng: Generator, spot: Spot) -> Sketch:
    """Toughened or laminated glass fallen into dice, finer towards the blow."""
    from scipy.spatial import Voronoi

    pen, reach = Pen(spot.size), _extent(rng, spot, 0.2, 1.3)
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
    _fractures(rng, pen, chords, 0.8 * width, pale, spot, fades=False, oblique=0.12)
    _fractures(rng, pen, _radials(rng, spot, 0.8 * reach, 0.6), width, opacity, spot)
    if rng.random() < 0.6:
        _crush(rng, pen, spot, 0.03 * min(reach, spot.size) * rng.random() + spot.unit)
    shift, tone = _facets(rng, spot, list(chords), reach)
    return Sketch(pen.layers(spot.light), "shattered", shift, tone)


# --- scratches ----------------------------------------------------------------------------------


def _scratch(rng: Generator, spot: Spot) -> Sketch:
    """A score: one or several nearly parallel strands, thin, straight or bowed, often broken."""
    pen, length = Pen(spot.size), _extent(rng, spot, 0.12, 1.25)
    angle = rng.uniform(0, np.pi)
    ahead = np.array([np.cos(angle), np.sin(angle)])
    aside = np.array([-ahead[1], ahead[0]])
    count = max(10, int(length / (5 * spot.unit)))
    t = np.linspace(-0.5, 0.5, count + 1)[:, None]
    bow = rng.normal(0, 0.05) if rng.random() < 0.7 else rng.normal(0, 0.2)
    spine = spot.at + length * (ahead * t + aside * bow * (0.25 - t**2))
    strands = int(rng.integers(2, 6)) if rng.random() < 0.4 else 1
    gap = rng.uniform(0.8, 4) * spot.unit
    for strand in range(strands):
        drift = aside * gap * (strand - (strands - 1) / 2 + rng.normal(0, 0.3))
        points = spine + drift + aside * t * rng.normal(0, gap)
        first, last = (rng.uniform(0, 0.3), rng.uniform(0.6, 1)) if strands > 1 else (0.0, 1.0)
        _strand(rng, pen, points[int(first * count) : int(last * count) + 2], spot)
    if rng.random() < 0.35:  # the score's floor is ground: a pale band
        half = aside * gap * 0.5 * strands * np.clip(6 * (0.5 - np.abs(t)), 0, 1)
        band = np.vstack([spine - half, (spine + half)[::-1]])
        milky = 0.05 + 0.2 * rng.random() * spot.severity
        pen.facets.insert(0, (band, (255 * 0.15 * milky, 255 * 0.4 * milky, 255 * milky)))
    return Sketch(pen.layers(spot.light), "strands" if strands > 1 else "single")


def _strand(rng: Generator, pen: Pen, points: np.ndarray, spot: Spot) -> None:
    count = len(points) - 1
    opacity = 0.2 + 0.55 * spot.severity * rng.uniform(0.5, 1.2)
    along = opacity * np.clip(0.75 + 0.4 * _waves(rng, 1, count, 2 + count // 4)[0], 0.1, 1)
    if rng.random() < 0.35:
        along = along * (_waves(rng, 1, count, 4 + count // 5)[0] > -0.45)
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
    blow = spot.at + (c - nx * spot.x - ny * spot.y) * np.array([nx, ny])
    blow = np.clip(blow, 0, spot.size)
    radius = _extent(rng, spot, 0.02, 0.17)
    return Sketch(_shell(rng, spot, blow, radius), "edge chip", solid=True)


def _around(spot: Spot, at: np.ndarray, reach: float) -> tuple[tuple[slice, slice], np.ndarray]:
    """The window of the image within `reach` px of a point, and offsets [2, h, w] px from it."""
    low = np.clip(np.floor(at - reach), 0, spot.size - 1).astype(int)
    high = np.clip(np.ceil(at + reach), low + 1, spot.size).astype(int)
    xs, ys = (np.arange(a, b, dtype=np.float32) + 0.5 for a, b in zip(low, high, strict=True))
    offsets = np.stack(np.meshgrid(xs - np.float32(at[0]), ys - np.float32(at[1])))
    return (slice(low[1], high[1]), slice(low[0], high[0])), offsets


def _shell(rng: Generator, spot: Spot, blow: np.ndarray, radius: float) -> np.ndarray:
    """Conchoidal fracture around `blow`, shaded by the light; layers [H, W, 3]."""
    window, (dx, dy) = _around(spot, blow, 2.1 * radius)
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
    pen, length = Pen(spot.size), _extent(rng, spot, 0.1, 1.4)
    step = 2.2 * spot.unit
    angle, ends = rng.uniform(0, 2 * np.pi, 1), np.array([length])
    coarse = _paths(rng, spot.at, angle, ends, 4 * step, rng.uniform(0.01, 0.12))[0]
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
    tone = 0.5 + 0.5 * _waves(rng, 1, count, count // 3)[0] + rng.normal(0, 0.3, count)
    tone = strength * np.clip(tone, 0, 1)
    ragged = line + rng.normal(0, 1, line.shape) * (spread + 0.15 * spot.unit)[:, None]
    lit = rng.random(count) < 0.3
    width = rng.uniform(0.4, 1.5, count) * spot.unit**0.6
    dark, glint = np.where(lit, 0.15, 1), np.where(lit, 1, 0.35)
    pen.line(ragged, width, tone * dark, tone * glint, 0.3 * tone)


def _pit(rng: Generator, spot: Spot) -> Sketch:
    """A small roundish bruise: crushed facets inside a broken rim of little arcs."""
    pen, radius = Pen(spot.size), _extent(rng, spot, 0.008, 0.09)
    _crush(rng, pen, spot, radius * rng.uniform(0.6, 1))
    squeeze = np.array([1, rng.uniform(0.55, 1)])[:: rng.choice([-1, 1])]
    arcs = int(rng.integers(3, 10))
    turn = (
        rng.uniform(0, 2 * np.pi, (arcs, 1)) + rng.uniform(0.4, 2.4, (arcs, 1)) * np.arange(8) / 7
    )
    rim = radius * (rng.uniform(0.5, 1.15, (arcs, 1)) + 0.12 * _waves(rng, arcs, 8, 4))
    lines = spot.at + np.stack([np.cos(turn), np.sin(turn)], 2) * rim[..., None] * squeeze
    _fractures(rng, pen, lines, 1.2 * spot.unit**0.6, 0.95, spot)
    return Sketch(pen.layers(spot.light), "pit", solid=True)


# --- bubbles and inclusions ---------------------------------------------------------------------


def _bubble(rng: Generator, spot: Spot) -> Sketch:
    """Gas in the glass: a diverging lens with a dark rim and two highlights."""
    radius = max(1.6, _extent(rng, spot, 0.007, 0.13) * rng.uniform(0.6, 1))
    angle, stretch = rng.uniform(0, np.pi), 1 + rng.exponential(0.18)
    window, (dx, dy) = _around(spot, spot.at, radius * stretch * 1.3 + 2)
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
        for share in (1.0, 0.8, 0.65, 0.55):  # strained glass around it
            halo = share * 2.6 * radius
            _blob(rng, pen, spot.at, halo, 0.1, True, spot, 0.05 / share**2)
        _blob(rng, pen, spot.at, radius, 0.4, bright, spot)
        _blob(rng, pen, spot.at + rng.normal(0, 0.3 * radius, 2), 0.4 * radius, 0.4, True, spot)
    else:
        spread = _extent(rng, spot, 0.01, 0.05)
        for _ in range(int(rng.integers(4, 16))):
            at = spot.at + rng.normal(0, spread, 2) * [1, rng.uniform(0.4, 1)]
            _blob(rng, pen, at, rng.uniform(0.4, 1.3) * spot.unit, 0.3, bright, spot)
    return Sketch(pen.layers(spot.light), kind, solid=True)


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
    outline = at + np.stack([np.cos(turn), np.sin(turn)], 1) * rim[:, None]
    deep = strength * (0.4 + 0.6 * spot.severity) * rng.uniform(0.7, 1)
    pen.facet(outline, 0.1 * deep if bright else deep, deep if bright else 0.25 * deep, 0.3 * deep)


SKETCHERS: dict[str, Callable[[Generator, Spot], Sketch]] = {
    "crack": _crack,
    "scratch": _scratch,
    "chip": _chip,
    "bubble": _bubble,
    "inclusion": _inclusion,
}
