"""Views through the pane as a photographer sees them: studio, sky, city, foliage, room."""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.random import Generator

from backend.renderer.dirt import dust, reflections, smudge, wear
from backend.renderer.paint import WORK, noise_field, ramp, random_colour, random_tint, rgb


def photograph(rng: Generator, size: int) -> tuple[np.ndarray, str]:
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
        image = reflections(rng, image)
    image = dust(rng, image, rng.uniform(-0.08, 0.15), int(rng.integers(0, 25)))
    image = wear(rng, image, rng.uniform(0, 0.03), int(rng.integers(0, 8)))
    return smudge(rng, image, rng.uniform(0, 0.06)), kind


def _studio(rng: Generator) -> np.ndarray:
    """Plain backdrop, black to white or coloured, with a soft spot of light."""
    deep = (
        random_colour(rng, 0.0, 0.25, 0.8)
        if rng.random() < 0.55
        else random_colour(rng, 0.3, 0.8, 0.4)
    )
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
    top, low = rgb(*tops[pick]) * random_tint(rng, 0.1), rgb(*lows[pick]) * random_tint(rng, 0.1)
    height = np.linspace(0, 1.3, WORK, dtype=np.float32)[:, None].repeat(WORK, 1)
    view = _blend(top, low, height)
    clouds = noise_field(rng, WORK, rng.uniform(2, 5), 4) + rng.uniform(-0.6, 0.2)
    view = _blend(view, rgb(0.95, 0.95, 0.96), clouds * rng.uniform(0.3, 1.2))
    if rng.random() < 0.6:
        steps = np.linspace(0, 1, 24)
        crest = rng.uniform(0.5, 0.95) + np.cumsum(rng.normal(0, 0.025, 24))
        ridge = np.vstack([np.c_[steps, crest], [[1, 1.1], [0, 1.1]]]) * WORK
        cv2.fillPoly(view, [ridge.astype(np.int32)], random_colour(rng, 0.05, 0.35, 0.4).tolist())
    return view


def _city(rng: Generator) -> np.ndarray:
    """House fronts with rows of windows below a strip of sky."""
    view = _sky(rng)
    x = -rng.uniform(0, 40)
    night = rng.random() < 0.25
    while x < WORK:
        wide, top = rng.uniform(30, 120), rng.uniform(-0.2, 0.6) * WORK
        wall = random_colour(rng, 0.05, 0.2) if night else random_colour(rng, 0.2, 0.75, 0.3)
        cv2.rectangle(view, (int(x), int(top)), (int(x + wide), WORK), wall.tolist(), -1)
        pane = (
            random_colour(rng, 0.5, 0.9, 0.5) if night else wall * rng.uniform(0.3, 1.5)
        ).tolist()
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
    shade = rgb(0.08, 0.14, 0.05) * rng.uniform(0.6, 2) * random_tint(rng, 0.3)
    sun = rgb(0.44, 0.5, 0.26) * rng.uniform(0.6, 1.2) * random_tint(rng, 0.2)
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
    return _blend(view, random_colour(rng, 0.6, 0.95, 0.15), gaps)


def _night_lights(rng: Generator) -> np.ndarray:
    """Out-of-focus lamps: discs of light on a dark ground."""
    view = _blend(
        random_colour(rng, 0.01, 0.08),
        random_colour(rng, 0.08, 0.3, 0.6),
        noise_field(rng, WORK, 2) * 0.5,
    )
    radius = rng.uniform(5, 18)
    for _ in range(int(rng.integers(8, 45))):
        disc = np.zeros((WORK, WORK), np.uint8)
        at = tuple(int(v) for v in rng.normal(WORK / 2, WORK / 3, 2))
        cv2.circle(disc, at, int(radius * rng.uniform(0.7, 1.3)), 1, -1)
        view[disc > 0] += random_colour(rng, 0.1, 0.5, 0.9)
    return np.clip(view, 0, 1)


def _room(rng: Generator) -> np.ndarray:
    """Wall, floor, a bright window or lamp, blocks of furniture."""
    wall, floor = random_colour(rng, 0.25, 0.8, 0.25), random_colour(rng, 0.1, 0.5, 0.4)
    view = np.empty((WORK, WORK, 3), np.float32)
    horizon = int(rng.uniform(0.5, 0.95) * WORK)
    view[:horizon], view[horizon:] = wall, floor
    for _ in range(int(rng.integers(3, 10))):
        x, y = rng.uniform(-0.1, 1, 2) * WORK
        w, h = rng.uniform(0.05, 0.5, 2) * WORK
        tone = (
            random_colour(rng, 0.7, 1, 0.1)
            if rng.random() < 0.3
            else random_colour(rng, 0.05, 0.7, 0.3)
        )
        corner = (int(x), int(y)), (int(x + w), int(y + h))
        cv2.rectangle(view, *corner, tone.tolist(), -1)
    light = 0.8 + 0.35 * ramp(rng, WORK) + 0.1 * noise_field(rng, WORK, 3)
    return view * light[..., None]


def _texture(rng: Generator) -> np.ndarray:
    """Asphalt, plaster, cloth or metal right behind the pane."""
    base = random_colour(rng, 0.15, 0.75, 0.2)
    rough = noise_field(rng, WORK, rng.uniform(1, 3), 7) * rng.uniform(0.03, 0.2)
    speckle = rng.standard_normal((WORK, WORK), np.float32)
    rough += cv2.GaussianBlur(speckle, (0, 0), rng.uniform(0.6, 2.5)) * rng.uniform(0, 0.35)
    view = base * (1 + rough[..., None])
    if rng.random() < 0.4:
        pitch = rng.uniform(6, 40)
        waves = np.sin(ramp(rng, WORK) * WORK / pitch * 4) * rng.uniform(0.03, 0.2)
        view = view * (1 + waves[..., None])
    return np.clip(view, 0, 1).astype(np.float32)


def _window_frame(rng: Generator, view: np.ndarray) -> np.ndarray:
    """One or two straight bars behind the pane."""
    tone = (
        random_colour(rng, 0.02, 0.25)
        if rng.random() < 0.6
        else random_colour(rng, 0.6, 0.95, 0.15)
    )
    bars: np.ndarray = np.zeros((WORK, WORK), np.float32)
    for across in rng.permutation(2)[: int(rng.integers(1, 3))]:
        at, wide = rng.uniform(0, WORK), rng.uniform(5, 26)
        tilt = rng.normal(0, 6)
        bar = np.array([[at, -9], [at + wide, -9], [at + wide + tilt, 270], [at + tilt, 270]])
        cv2.fillConvexPoly(bars, (bar if across else bar[:, ::-1]).astype(np.int32), 1.0)
    bars = cv2.GaussianBlur(bars, (0, 0), rng.uniform(0.8, 3.5))
    return _blend(view, tone * (0.9 + 0.2 * ramp(rng, WORK))[..., None], bars)


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
    view = np.clip(view * gain * random_tint(rng, 0.06), 0, 1)
    return (view ** np.float32(np.exp(rng.normal(0, 0.25)))).astype(np.float32)


def _blend(low: np.ndarray, high: np.ndarray, weight: np.ndarray) -> np.ndarray:
    return low + (high - low) * np.clip(weight, 0, 1)[..., None].astype(np.float32)
