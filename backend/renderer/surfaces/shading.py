"""Shading of a height field under a lamp: diffuse light, cavities, and a mirror lobe.

The camera looks straight down. A patch of slope (gx, gy) = grad h has the normal (-gx, -gy, 1); it
gets the cosine of its angle to the lamp, and mirrors the lamp where its normal is half way between
lamp and camera. A steep lamp thus gives the bright field, in which slopes are dark, a grazing one
the dark field, in which only slopes are bright. A brushed or rolled surface mirrors in a lobe that
is wide across its grooves (Ward, Computer Graphics 26, 1992).
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.random import Generator

from backend.renderer.paint import noise_field, ramp, temperature
from backend.renderer.surfaces.surface import Surface, Window

ELEVATIONS = {  # degrees above the surface, share of light from everywhere, picture's brightness
    "dark field": ((12, 28), (0.1, 0.35), (0.13, 0.4)),
    "bright field": ((60, 86), (0.25, 0.6), (0.4, 0.75)),
    "photograph": ((25, 62), (0.4, 0.75), (0.3, 0.68)),
    "back light": ((45, 60), (0.6, 0.9), (0.45, 0.85)),
}


@dataclass(frozen=True)
class Lamp:
    """direction: unit vector towards the lamp in the image plane. steep: tangent of its height
    above the surface. half: slopes that mirror it, [1, W] and [H, 1]. grade: its brightness over
    the picture, float32 [H, W, 1]. level: brightness of the whole picture. behind: it shines
    through. cavity: px about a point that shade it."""

    direction: tuple[float, float]
    steep: float
    ambient: float
    half: tuple[np.ndarray, np.ndarray]
    grade: np.ndarray
    colour: np.ndarray
    level: float
    behind: bool
    cavity: float

    @property
    def margin(self) -> int:
        """How far beyond a change of the surface its shading may change, px."""
        return 5 + int(3.2 * self.cavity)

    def cut(self, window: Window) -> "Lamp":
        """As it falls on a window of the picture."""
        half = self.half[0][:, window[1]], self.half[1][window[0]]
        return replace(self, half=half, grade=self.grade[window])


def draw_lamp(rng: Generator, style: str, size: int) -> Lamp:
    """A lamp of one of LIGHTINGS from any side, near enough that its mirror image wanders."""
    height, ambient, level = (float(rng.uniform(*ends)) for ends in ELEVATIONS[style])
    angle, rise = rng.uniform(0, 2 * np.pi), np.deg2rad(height)
    direction = float(np.cos(angle)), float(np.sin(angle))
    lean = np.cos(rise) / (1 + np.sin(rise))
    axis = np.linspace(-0.5, 0.5, size, dtype=np.float32)
    bend = rng.normal(0, 0.35, 2) if rng.random() < 0.7 else np.zeros(2)
    half = tuple(
        np.float32(-side * lean) + np.float32(b) * (axis - np.float32(rng.uniform(-0.5, 0.5)))
        for side, b in zip(direction, bend, strict=True)
    )
    colour = temperature(rng, 0.05 if style == "photograph" else 0.015)
    return Lamp(
        direction,
        float(np.tan(rise)),
        ambient,
        (half[0][None, :], half[1][:, None]),
        _grade(rng, size),
        colour,
        level,
        style == "back light",
        max(1.2, size / 100),
    )


def _grade(rng: Generator, size: int) -> np.ndarray:
    """Fall-off to one side and to the corners, and unevenness, about 1."""
    uneven = rng.uniform(0, 0.22) * ramp(rng, size) + rng.uniform(0, 0.06) * noise_field(
        rng, size, rng.uniform(1, 3)
    )
    axis = np.linspace(-1, 1, size, dtype=np.float32) ** 2
    corners = rng.uniform(0, 0.2) * (axis[None, :] + axis[:, None]) / 2
    return (1 + uneven - corners)[..., None].astype(np.float32)


def shade(surface: Surface, lamp: Lamp) -> np.ndarray:
    """Light from each point to the camera, float32 [H, W, 3]; flat and matt: its albedo x grade."""
    if lamp.behind:
        return surface.albedo * (lamp.grade * lamp.colour) * _let_through(surface, lamp)[..., None]
    gx, gy = _slopes(surface.height)
    matt = _diffuse(surface.height, gx, gy, lamp)[..., None] * surface.albedo
    shine = surface.gloss * _mirrored(surface, gx, gy, lamp)
    tone = 0.35 + 0.65 * surface.albedo  # metals mirror in their own colour
    return (matt + shine[..., None] * tone) * (lamp.grade * lamp.colour)


def _slopes(height: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    gx = cv2.Sobel(height, cv2.CV_32F, 1, 0, ksize=1, scale=0.5, borderType=cv2.BORDER_REPLICATE)
    gy = cv2.Sobel(height, cv2.CV_32F, 0, 1, ksize=1, scale=0.5, borderType=cv2.BORDER_REPLICATE)
    return gx, gy


def _diffuse(height: np.ndarray, gx: np.ndarray, gy: np.ndarray, lamp: Lamp) -> np.ndarray:
    """Lambert's cosine, 1 on the flat, with less of the light from everywhere in cavities."""
    lx, ly = (np.float32(v / lamp.steep) for v in lamp.direction)
    facing = np.maximum(1 - gx * lx - gy * ly, 0) / np.sqrt(1 + gx * gx + gy * gy)
    around = lamp.cavity
    hollow = height - cv2.GaussianBlur(height, (0, 0), around, borderType=cv2.BORDER_REPLICATE)
    open_sky = np.clip(1 + hollow * np.float32(0.9 / around), 0.25, 1.25)
    ambient = np.float32(lamp.ambient)
    return ambient * open_sky + (1 - ambient) * np.minimum(facing, 3)


def _mirrored(surface: Surface, gx: np.ndarray, gy: np.ndarray, lamp: Lamp) -> np.ndarray:
    """How much of the lamp each point mirrors, 0..1."""
    nature = surface.nature
    cos, sin = np.float32(np.cos(nature.grain)), np.float32(np.sin(nature.grain))
    dx, dy = gx - lamp.half[0], gy - lamp.half[1]
    along, across = dx * cos + dy * sin, dy * cos - dx * sin
    apart = (along / np.float32(nature.along)) ** 2 + (across / np.float32(nature.across)) ** 2
    return np.exp(-np.minimum(apart, 30))


def _let_through(surface: Surface, lamp: Lamp) -> np.ndarray:
    """Light from behind: thicker is darker."""
    return np.exp(np.clip(surface.height * np.float32(-0.6 / lamp.cavity), -2, 1))
