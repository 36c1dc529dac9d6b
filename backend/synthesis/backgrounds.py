"""Scenes behind, on and in front of a pane of glass, and the camera that sees them.

A scene holds no defect. Dirt, dust, smudges, reflections and hair-fine wear marks are part of it:
they are what a detector must learn not to report.
"""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator

LIGHTINGS = ("back light", "dark field", "bright field", "photograph")
WORK = 256  # px; photographed scenes are out of focus, so they are painted at this size


@dataclass(frozen=True)
class Scene:
    """A view through intact glass."""

    image: np.ndarray  # float32 [H, W, 3] RGB, 0..1
    kind: str
    glass: np.ndarray  # bool [H, W], where the pane is
    edge: tuple[float, float, float] | None  # (nx, ny, c): glass lies where nx x + ny y < c (px)


@dataclass(frozen=True)
class Camera:
    """Optics and sensor of one exposure."""

    blur: float  # px, sigma of the point spread function
    noise: float  # standard deviation at full signal, 0..1
    jpeg: int  # quality 1..100; 0 is not compressed


def draw_scene(rng: Generator, size: int, lighting: str, edge_chance: float = 0.2) -> Scene:
    """Scene of `size` px under one of LIGHTINGS; `edge_chance` of showing the edge of the pane."""
    painters = {
        "back light": _back_light,
        "dark field": _dark_field,
        "bright field": _bright_field,
        "photograph": _photograph,
    }
    image, kind = painters[lighting](rng, size)
    edge = _pane_edge(rng, size) if rng.random() < edge_chance else None
    glass = np.ones((size, size), bool)
    if edge is not None:
        image, glass = _cut_pane(rng, image, edge)
    image = image * _vignette(rng, size)
    return Scene(np.clip(image, 0, 1), kind, glass, edge)


def draw_camera(rng: Generator, size: int, lighting: str) -> Camera:
    """Blur grows with the picture size: a larger picture is the same scene, finer sampled."""
    soft = rng.uniform(0.9, 1.5) if rng.random() < 0.12 else rng.uniform(0.3, 0.75)
    calm = 0.35 if lighting in ("back light", "bright field") else 1.0
    noise = calm * float(np.exp(rng.uniform(np.log(0.004), np.log(0.024))))
    jpeg = int(rng.integers(72, 98)) if rng.random() < 0.6 else 0
    return Camera(round(soft * max(0.8, size / 300), 3), round(noise, 4), jpeg)


def expose(rng: Generator, camera: Camera, *images: np.ndarray) -> list[np.ndarray]:
    """uint8 photographs of float images [H, W, 3]; all get the very same sensor noise."""
    height, width = images[0].shape[:2]
    luma = rng.standard_normal((height, width), np.float32)
    if camera.blur > 0.6:  # demosaicing correlates neighbours
        luma = cv2.GaussianBlur(luma, (3, 3), 0.5) * 1.5
    chroma = rng.standard_normal((height // 3, width // 3, 3), np.float32)
    grain = cv2.resize(chroma, (width, height)) * np.float32(0.5) + luma[..., None]
    grain *= np.float32(camera.noise) * np.sqrt(0.12 + 0.88 * images[0])
    shots = []
    for image in images:
        shot = cv2.convertScaleAbs(np.maximum(image + grain, 0), alpha=255)
        shots.append(_compress(shot, camera.jpeg) if camera.jpeg else shot)
    return shots


def noise_field(rng: Generator, size: int, cells: float, octaves: int = 1) -> np.ndarray:
    """Smooth random field float32 [size, size], about -1..1, `cells` bumps across."""
    field = np.zeros((size, size), np.float32)
    for octave in range(octaves):
        knots = int(np.ceil(cells * 2**octave)) + 3
        if knots > size:
            break
        grid = rng.uniform(-1, 1, (knots, knots)).astype(np.float32)
        wide = cv2.resize(grid, (size, size), interpolation=cv2.INTER_CUBIC)
        field += (wide if octave % 2 else wide.T) * np.float32(0.55**octave)
    return field


def _compress(image: np.ndarray, quality: int) -> np.ndarray:
    _, code = cv2.imencode(".jpg", image, (cv2.IMWRITE_JPEG_QUALITY, quality))
    return np.asarray(cv2.imdecode(code, cv2.IMREAD_COLOR))


def _ramp(rng: Generator, size: int) -> np.ndarray:
    """Linear gradient in a random direction, float32 [size, size], -1..1."""
    axis = np.linspace(-0.7, 0.7, size, dtype=np.float32)
    angle = rng.uniform(0, 2 * np.pi)
    return np.float32(np.cos(angle)) * axis[None, :] + np.float32(np.sin(angle)) * axis[:, None]


def _vignette(rng: Generator, size: int) -> np.ndarray:
    """Light fall-off towards the corners, [size, size, 1]."""
    depth = rng.uniform(0, 0.25) if rng.random() < 0.7 else 0.0
    axis = np.linspace(-1, 1, size, dtype=np.float32) ** 2
    return (1 - depth * (axis[None, :] + axis[:, None]) / 2)[..., None].astype(np.float32)


def _rgb(red: float, green: float, blue: float) -> np.ndarray:
    return np.array([red, green, blue], np.float32)


def _tint(rng: Generator, spread: float) -> np.ndarray:
    return (1 + rng.uniform(-spread, spread, 3)).astype(np.float32)


def _colour(rng: Generator, low: float, high: float, saturation: float = 0.35) -> np.ndarray:
    """RGB of a random hue, its brightness between `low` and `high`, float32 [3]."""
    value, spread = rng.uniform(low, high), rng.uniform(0, saturation)
    wheel = np.cos(rng.uniform(0, 2 * np.pi) + np.array([0, 2.1, 4.2]))
    return np.clip(value * (1 + spread * wheel), 0, 1).astype(np.float32)


# --- machine vision -----------------------------------------------------------------------------


def _back_light(rng: Generator, size: int) -> tuple[np.ndarray, str]:
    """Diffuse lamp behind the pane: bright, even, nearly grey; wear hardly shows."""
    level = rng.uniform(0.6, 0.95) if rng.random() < 0.75 else rng.uniform(0.35, 0.7)
    tint = _tint(rng, 0.025) if rng.random() < 0.8 else _colour(rng, 0.85, 1.0, 0.08)
    light = 1 + rng.uniform(0.01, 0.09) * _ramp(rng, size)
    light += rng.uniform(0, 0.03) * noise_field(rng, size, rng.uniform(1, 4))
    image = level * light[..., None] * tint
    image = _wear(rng, image, -rng.uniform(0, 0.012), int(rng.integers(0, 8)))
    image = _dust(rng, image, -rng.uniform(0.02, 0.12), int(rng.integers(0, 9)))
    return _smudge(rng, image, rng.uniform(-0.02, 0.01)), "diffuse lamp"


def _dark_field(rng: Generator, size: int) -> tuple[np.ndarray, str]:
    """Grazing light on a dark ground: only what scatters is bright."""
    level = rng.uniform(0.01, 0.14)
    glow = np.clip(_ramp(rng, size), 0, None) ** 2 * rng.uniform(0, 0.25)
    light = level + glow + 0.3 * level * noise_field(rng, size, rng.uniform(1, 5))
    image = np.clip(light, 0, 1)[..., None] * _colour(rng, 0.8, 1.0, 0.3)
    image = _wear(rng, image, rng.uniform(0, 0.03), int(rng.integers(0, 20)))
    image = _dust(rng, image, rng.uniform(0.05, 0.35), int(rng.integers(3, 50)))
    return _smudge(rng, image, rng.uniform(0, 0.03)), "grazing light"


def _bright_field(rng: Generator, size: int) -> tuple[np.ndarray, str]:
    """Light from the camera's side: mid grey with veiling glare, wear marks show as pale hairs."""
    level = rng.uniform(0.5, 0.82) if rng.random() < 0.7 else rng.uniform(0.25, 0.6)
    tint = _tint(rng, 0.04) if rng.random() < 0.75 else _colour(rng, 0.85, 1.0, 0.08)
    light = 1 + rng.uniform(0.01, 0.12) * _ramp(rng, size)
    light += rng.uniform(0, 0.05) * noise_field(rng, size, rng.uniform(1, 3), 2)
    image = level * light[..., None] * tint
    image = _wear(rng, image, rng.uniform(0.005, 0.035), int(rng.integers(0, 45)))
    image = _dust(rng, image, rng.uniform(0.02, 0.15), int(rng.integers(0, 14)))
    if rng.random() < 0.3:
        image = _reflections(rng, image)
    return _smudge(rng, image, rng.uniform(-0.02, 0.05)), "front light"


# --- what lies on the pane ----------------------------------------------------------------------


def _wear(rng: Generator, image: np.ndarray, strength: float, count: int) -> np.ndarray:
    """Very faint criss-cross hairs, as wiping leaves them."""
    size = image.shape[0]
    layer = np.zeros((size, size), np.uint8)
    main = rng.uniform(0, np.pi)
    for _ in range(count):
        angle = main + rng.normal(0, 0.5)
        reach = size * rng.uniform(0.05, 0.6) * np.array([np.cos(angle), np.sin(angle)])
        start = rng.uniform(0, size, 2)
        bow = rng.normal(0, 0.06, 2) * size
        t = np.linspace(0, 1, 6)[:, None]
        line = (start + reach * t + bow * t * (1 - t)) * 16
        value = int(rng.uniform(60, 255))
        cv2.polylines(layer, [line.astype(np.int32)], False, value, 1, cv2.LINE_AA, 4)
    soft = cv2.GaussianBlur(layer, (3, 3), 0.7).astype(np.float32)
    return image + (soft * np.float32(strength / 255))[..., None]


def _dust(rng: Generator, image: np.ndarray, strength: float, count: int) -> np.ndarray:
    """Small soft specks, a few of them lint fibres."""
    size = image.shape[0]
    layer = np.zeros((size, size), np.uint8)
    for x, y in rng.uniform(0, size, (count, 2)) * 16:
        value, radius = int(rng.uniform(50, 255)), rng.exponential(0.35) * size / 256 + 0.2
        if rng.random() < 0.12:
            fibre = np.cumsum(rng.normal(0, size / 90, (5, 2)), 0) * 16 + (x, y)
            cv2.polylines(layer, [fibre.astype(np.int32)], False, value, 1, cv2.LINE_AA, 4)
        else:
            spot = (int(x), int(y)), int(radius * 16)
            cv2.circle(layer, *spot, value, -1, cv2.LINE_AA, 4)
    soft = cv2.GaussianBlur(layer, (0, 0), rng.uniform(0.6, 1.4)).astype(np.float32)
    return image + (soft * np.float32(strength / 255))[..., None]


def _smudge(rng: Generator, image: np.ndarray, strength: float) -> np.ndarray:
    """Finger grease or dried streaks: low contrast, no sharp border."""
    if rng.random() < 0.5:
        return image
    size = image.shape[0]
    patch = np.clip(noise_field(rng, size, rng.uniform(1.5, 4)) - 0.1, 0, 1)
    streaks = cv2.resize(
        rng.uniform(0.3, 1, (int(rng.integers(6, 60)), 3)).astype(np.float32),
        (size, size),
        interpolation=cv2.INTER_CUBIC,
    )
    layer = patch * (streaks if rng.random() < 0.5 else streaks.T)
    return image + (layer * np.float32(strength * 2))[..., None]


def _reflections(rng: Generator, image: np.ndarray) -> np.ndarray:
    """Soft bright shapes mirrored by the front face of the pane."""
    layer: np.ndarray = np.zeros((WORK, WORK), np.float32)
    for _ in range(int(rng.integers(1, 4))):
        centre, reach = rng.uniform(-20, WORK + 20, 2), rng.uniform(0.1, 0.8) * WORK
        side = reach * rng.uniform(0.05, 0.5)
        box = cv2.boxPoints((tuple(centre), (reach, side), rng.uniform(0, 180)))
        shape = np.zeros_like(layer)
        cv2.fillConvexPoly(shape, box.astype(np.int32), rng.uniform(0.02, 0.2))
        layer += shape
    layer = cv2.GaussianBlur(layer, (0, 0), float(np.exp(rng.uniform(1.3, 3.2))))
    layer = cv2.resize(layer, image.shape[1::-1])
    return image + layer[..., None] * _colour(rng, 0.85, 1, 0.15)


def _pane_edge(rng: Generator, size: int) -> tuple[float, float, float]:
    """Straight edge cutting off up to a fifth of the picture, near one of its four sides."""
    angle = rng.integers(0, 4) * np.pi / 2 + rng.normal(0, 0.08)
    nx, ny = float(np.cos(angle)), float(np.sin(angle))
    reach = rng.uniform(0.3, 0.46) * size
    return nx, ny, (nx + ny) * size / 2 + float(reach)


def _cut_pane(
    rng: Generator, image: np.ndarray, edge: tuple[float, float, float]
) -> tuple[np.ndarray, np.ndarray]:
    """Replace what lies beyond the edge, and draw the ground edge as a bright and a dark line."""
    size, (nx, ny, c) = image.shape[0], edge
    axis = np.arange(size, dtype=np.float32)
    beyond = np.float32(nx) * axis[None, :] + np.float32(ny) * axis[:, None] - np.float32(c)
    outside = np.clip(beyond + 0.5, 0, 1)[..., None]
    mean = np.array(cv2.mean(image.astype(np.float32))[:3], np.float32)
    other = np.clip(mean * rng.uniform(0.3, 1.25) + rng.uniform(-0.05, 0.1), 0, 1)
    other = other * (0.3 * image / (mean + 1e-3) + 0.7)
    band = size * rng.uniform(0.004, 0.02)
    line = np.exp(-(((beyond + band) / band) ** 2))[..., None]
    seam = np.exp(-((beyond / (size * 0.004)) ** 2))[..., None]
    ground = np.array([0.55, 0.8, 0.7], np.float32) * rng.uniform(0.3, 1.1)
    image = image + line * rng.uniform(0.1, 0.6) * (ground - image)
    image = (image * (1 - outside) + other * outside) * (1 - rng.uniform(0.2, 0.7) * seam)
    return image.astype(np.float32), beyond < 0


# --- photographed scenes ------------------------------------------------------------------------


def _photograph(rng: Generator, size: int) -> tuple[np.ndarray, str]:
    """A view through the pane with the focus on the glass."""
    painters: dict[str, Callable[[Generator], np.ndarray]] = {
        "studio": _studio,
        "sky": _sky,
        "city": _city,
        "foliage": _foliage,
        "night lights": _night_lights,
        "room": _room,
        "texture": _texture,
    }
    weights = np.array([0.26, 0.13, 0.15, 0.15, 0.1, 0.13, 0.08])
    kind = str(rng.choice(list(painters), p=weights))
    view = painters[kind](rng)
    sharpest = 1.2 if kind == "texture" else 2.6
    view = _defocus(view, float(np.exp(rng.uniform(np.log(sharpest), np.log(11)))))
    if rng.random() < 0.18:
        view = _window_frame(rng, view)
    if rng.random() < 0.3:  # the room mirrored in the pane
        mirror = cv2.GaussianBlur(painters[str(rng.choice(list(painters)))](rng), (0, 0), 5)
        view = view + rng.uniform(0.05, 0.22) * mirror
    image = cv2.resize(_grade(rng, view), (size, size), interpolation=cv2.INTER_CUBIC)
    if rng.random() < 0.4:
        image = _reflections(rng, image)
    image = _dust(rng, image, rng.uniform(-0.08, 0.15), int(rng.integers(0, 25)))
    image = _wear(rng, image, rng.uniform(0, 0.03), int(rng.integers(0, 8)))
    return _smudge(rng, image, rng.uniform(0, 0.06)), kind


def _defocus(view: np.ndarray, sigma: float) -> np.ndarray:
    """Blur as a lens does it: highlights keep their energy and spread into discs."""
    radius = max(1, round(1.5 * sigma))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    bright = np.clip(view, 0, 1).astype(np.float32) ** 2
    small = cv2.resize(bright, (WORK // 2, WORK // 2), interpolation=cv2.INTER_AREA)
    disc = cv2.resize(disc.astype(np.float32), (radius | 1, radius | 1))
    blurred = cv2.filter2D(small, -1, disc / disc.sum(), borderType=cv2.BORDER_REFLECT)
    if sigma < 2.6:
        return cv2.GaussianBlur(np.sqrt(bright), (0, 0), sigma)
    return cv2.resize(np.sqrt(np.clip(blurred, 0, 1)), (WORK, WORK), interpolation=cv2.INTER_CUBIC)


def _grade(rng: Generator, view: np.ndarray) -> np.ndarray:
    """Exposure, contrast, saturation and white balance, as photographers differ in them."""
    grey = view.mean(2, keepdims=True)
    view = grey + (view - grey) * rng.uniform(0.1, 0.9)
    gain = rng.uniform(0.65, 1.25) * min(1.0, 0.72 / (float(grey.mean()) + 0.01))
    view = np.clip(view * gain * _tint(rng, 0.06), 0, 1)
    return (view ** np.float32(np.exp(rng.normal(0, 0.25)))).astype(np.float32)


def _blend(low: np.ndarray, high: np.ndarray, weight: np.ndarray) -> np.ndarray:
    return low + (high - low) * np.clip(weight, 0, 1)[..., None].astype(np.float32)


def _studio(rng: Generator) -> np.ndarray:
    """Plain backdrop, black to white or coloured, with a soft spot of light."""
    deep = _colour(rng, 0.0, 0.25, 0.8) if rng.random() < 0.55 else _colour(rng, 0.3, 0.8, 0.4)
    light = np.clip(deep * rng.uniform(1, 2.2) + rng.uniform(0, 0.25), 0, 1)
    axis = np.linspace(0, 1, WORK, dtype=np.float32)
    x, y = rng.uniform(-0.2, 1.2, 2)
    far = ((axis[None, :] - x) ** 2 + (axis[:, None] - y) ** 2) / rng.uniform(0.1, 1.2)
    return _blend(deep, light, np.exp(-far) + 0.06 * noise_field(rng, WORK, 3))


def _sky(rng: Generator) -> np.ndarray:
    """Sky with clouds, often above a dark ridge."""
    tops = [(0.25, 0.45, 0.8), (0.55, 0.65, 0.75), (0.15, 0.2, 0.4), (0.6, 0.62, 0.65)]
    lows = [(0.75, 0.85, 0.95), (0.9, 0.9, 0.9), (0.95, 0.65, 0.4), (0.8, 0.82, 0.82)]
    pick = int(rng.integers(0, 4))
    top, low = _rgb(*tops[pick]) * _tint(rng, 0.1), _rgb(*lows[pick]) * _tint(rng, 0.1)
    height = np.linspace(0, 1.3, WORK, dtype=np.float32)[:, None].repeat(WORK, 1)
    view = _blend(top, low, height)
    clouds = noise_field(rng, WORK, rng.uniform(2, 5), 4) + rng.uniform(-0.6, 0.2)
    view = _blend(view, _rgb(0.95, 0.95, 0.96), clouds * rng.uniform(0.3, 1.2))
    if rng.random() < 0.6:
        steps = np.linspace(0, 1, 24)
        crest = rng.uniform(0.5, 0.95) + np.cumsum(rng.normal(0, 0.025, 24))
        ridge = np.vstack([np.c_[steps, crest], [[1, 1.1], [0, 1.1]]]) * WORK
        cv2.fillPoly(view, [ridge.astype(np.int32)], _colour(rng, 0.05, 0.35, 0.4).tolist())
    return view


def _city(rng: Generator) -> np.ndarray:
    """House fronts with rows of windows below a strip of sky."""
    view = _sky(rng)
    x = -rng.uniform(0, 40)
    night = rng.random() < 0.25
    while x < WORK:
        wide, top = rng.uniform(30, 120), rng.uniform(-0.2, 0.6) * WORK
        wall = _colour(rng, 0.05, 0.2) if night else _colour(rng, 0.2, 0.75, 0.3)
        cv2.rectangle(view, (int(x), int(top)), (int(x + wide), WORK), wall.tolist(), -1)
        pane = (_colour(rng, 0.5, 0.9, 0.5) if night else wall * rng.uniform(0.3, 1.5)).tolist()
        pitch, gap = rng.uniform(9, 30), rng.uniform(0.35, 0.7)
        for u in np.arange(x + pitch * 0.3, x + wide - pitch * 0.4, pitch):
            for v in np.arange(top + pitch * 0.5, WORK, pitch * 1.3):
                if rng.random() < (0.45 if night else 0.92):
                    far = (int(u + pitch * gap), int(v + pitch * 0.8))
                    cv2.rectangle(view, (int(u), int(v)), far, pane, -1)
        x += wide + max(0, rng.normal(0, 12))
    return _blend(view, view * 0.55, np.linspace(-0.6, 0.8, WORK)[:, None].repeat(WORK, 1))


def _foliage(rng: Generator) -> np.ndarray:
    """Leaves in sun and shade with the sky glinting through."""
    shade = _rgb(0.08, 0.14, 0.05) * rng.uniform(0.6, 2) * _tint(rng, 0.3)
    sun = _rgb(0.44, 0.5, 0.26) * rng.uniform(0.6, 1.2) * _tint(rng, 0.2)
    view = _blend(shade, sun, noise_field(rng, WORK, rng.uniform(2, 6), 4) * 0.6 + 0.35)
    leaf = rng.uniform(2, 9)
    for _ in range(int(rng.integers(80, 260))):
        at = tuple(int(v) for v in rng.uniform(0, WORK, 2))
        axes = (int(leaf * rng.uniform(0.6, 2)) + 1, int(leaf * rng.uniform(0.3, 0.9)) + 1)
        mix = rng.random() ** 1.5
        tone = (shade * (1 - mix) + sun * mix) * rng.uniform(0.6, 1.6)
        turn = rng.uniform(0, 180)
        cv2.ellipse(view, at, axes, turn, 0, 360, tone.tolist(), -1)
    gaps = (
        np.clip(noise_field(rng, WORK, rng.uniform(4, 10), 3) - rng.uniform(0.5, 1), 0, 0.3) * 2.5
    )
    return _blend(view, _colour(rng, 0.6, 0.95, 0.15), gaps)


def _night_lights(rng: Generator) -> np.ndarray:
    """Out-of-focus lamps: discs of light on a dark ground."""
    view = _blend(
        _colour(rng, 0.01, 0.08), _colour(rng, 0.08, 0.3, 0.6), noise_field(rng, WORK, 2) * 0.5
    )
    radius = rng.uniform(5, 18)
    for _ in range(int(rng.integers(8, 45))):
        disc = np.zeros((WORK, WORK), np.uint8)
        at = tuple(int(v) for v in rng.normal(WORK / 2, WORK / 3, 2))
        cv2.circle(disc, at, int(radius * rng.uniform(0.7, 1.3)), 1, -1)
        view[disc > 0] += _colour(rng, 0.1, 0.5, 0.9)
    return np.clip(view, 0, 1)


def _room(rng: Generator) -> np.ndarray:
    """Wall, floor, a bright window or lamp, blocks of furniture."""
    wall, floor = _colour(rng, 0.25, 0.8, 0.25), _colour(rng, 0.1, 0.5, 0.4)
    view = np.empty((WORK, WORK, 3), np.float32)
    horizon = int(rng.uniform(0.5, 0.95) * WORK)
    view[:horizon], view[horizon:] = wall, floor
    for _ in range(int(rng.integers(3, 10))):
        x, y = rng.uniform(-0.1, 1, 2) * WORK
        w, h = rng.uniform(0.05, 0.5, 2) * WORK
        tone = _colour(rng, 0.7, 1, 0.1) if rng.random() < 0.3 else _colour(rng, 0.05, 0.7, 0.3)
        corner = (int(x), int(y)), (int(x + w), int(y + h))
        cv2.rectangle(view, *corner, tone.tolist(), -1)
    light = 0.8 + 0.35 * _ramp(rng, WORK) + 0.1 * noise_field(rng, WORK, 3)
    return view * light[..., None]


def _texture(rng: Generator) -> np.ndarray:
    """Asphalt, plaster, cloth or metal right behind the pane."""
    base = _colour(rng, 0.15, 0.75, 0.2)
    rough = noise_field(rng, WORK, rng.uniform(1, 3), 7) * rng.uniform(0.03, 0.2)
    speckle = rng.standard_normal((WORK, WORK), np.float32)
    rough += cv2.GaussianBlur(speckle, (0, 0), rng.uniform(0.6, 2.5)) * rng.uniform(0, 0.35)
    view = base * (1 + rough[..., None])
    if rng.random() < 0.4:
        pitch = rng.uniform(6, 40)
        waves = np.sin(_ramp(rng, WORK) * WORK / pitch * 4) * rng.uniform(0.03, 0.2)
        view = view * (1 + waves[..., None])
    return np.clip(view, 0, 1).astype(np.float32)


def _window_frame(rng: Generator, view: np.ndarray) -> np.ndarray:
    """One or two straight bars behind the pane."""
    tone = _colour(rng, 0.02, 0.25) if rng.random() < 0.6 else _colour(rng, 0.6, 0.95, 0.15)
    bars: np.ndarray = np.zeros((WORK, WORK), np.float32)
    for across in rng.permutation(2)[: int(rng.integers(1, 3))]:
        at, wide = rng.uniform(0, WORK), rng.uniform(5, 26)
        tilt = rng.normal(0, 6)
        bar = np.array([[at, -9], [at + wide, -9], [at + wide + tilt, 270], [at + tilt, 270]])
        cv2.fillConvexPoly(bars, (bar if across else bar[:, ::-1]).astype(np.int32), 1.0)
    bars = cv2.GaussianBlur(bars, (0, 0), rng.uniform(0.8, 3.5))
    return _blend(view, tone * (0.9 + 0.2 * _ramp(rng, WORK))[..., None], bars)
