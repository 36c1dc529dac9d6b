"""Intact textile: plain weave, twill, satin, knit, and felt."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from backend.renderer.paint import noise_field, random_colour, random_tint, rgb
from backend.renderer.surfaces.fields import axes, speckle, streaks
from backend.renderer.surfaces.surface import Nature, Surface

FLOATS = {"plain weave": (2, 1), "twill": (4, 2), "denim": (3, 1), "satin": (5, 1)}


@dataclass(frozen=True)
class Cloth:
    """height float32 [H, W] px, colour float32 [H, W, 3], px from yarn to yarn."""

    height: np.ndarray
    colour: np.ndarray
    pitch: float


def textile(rng: Generator, size: int) -> Surface:
    """Cloth lying flat, a little out of square, uneven as yarn is."""
    kinds = [*FLOATS, "knit", "felt"]
    kind = str(rng.choice(kinds, p=[0.28, 0.17, 0.12, 0.08, 0.2, 0.15]))
    angle = float(rng.normal(0, 0.12) if rng.random() < 0.7 else rng.uniform(0, np.pi))
    maker = {"knit": _knit, "felt": _felt}.get(kind, _woven)
    cloth = maker(rng, size, angle, kind)
    unit, mean = size / 256, cloth.colour.mean((0, 1))
    fuzz = speckle(rng, size, 0.5)
    light = 1 + rng.uniform(0.02, 0.08) * fuzz + rng.uniform(0, 0.06) * noise_field(rng, size, 3, 3)
    fold = noise_field(rng, size, rng.uniform(1, 2.5)) * np.float32(rng.uniform(0, 0.8) * unit)
    albedo = np.clip(cloth.colour * light[..., None], 0.01, 1).astype(np.float32)
    nature = Nature(
        beneath=mean,
        behind=_behind(rng, mean),
        added=np.clip(
            mean * rng.choice([0.5, 0.8, 1.4, 2.0]) * rng.uniform(0.85, 1.15), 0.02, 1
        ).astype(np.float32),
        stains=((0.6, 0.48, 0.36), (0.5, 0.5, 0.5), (0.42, 0.4, 0.45), (0.75, 0.68, 0.5)),
        foreign=((0.1, 0.08, 0.06), (0.85, 0.83, 0.78), (0.5, 0.35, 0.18), (0.7, 0.1, 0.1)),
        grain=angle,
        along=0.5,
        across=0.5,
        hard=False,
        pitch=cloth.pitch,
    )
    gloss = np.full((size, size), rng.uniform(0, 0.1), np.float32)
    return Surface(cloth.height + fuzz * np.float32(0.1) + fold, albedo, gloss, kind, nature)


def _behind(rng: Generator, mean: np.ndarray) -> np.ndarray:
    """The table under the cloth: dark as a rule, pale under dark cloth."""
    if mean.mean() < 0.25 and rng.random() < 0.6:
        return rgb(0.75, 0.75, 0.72) * rng.uniform(0.6, 1.1)
    return np.clip(mean * rng.uniform(0.12, 0.4), 0, 1).astype(np.float32)


def _colours(rng: Generator) -> tuple[np.ndarray, np.ndarray]:
    """Of the yarns of the two directions, float32 [3] each."""
    if rng.random() < 0.4:
        first = rgb(0.75, 0.72, 0.66) * rng.uniform(0.5, 1.2) * random_tint(rng, 0.05)
    else:
        first = random_colour(rng, 0.08, 0.5, 0.5)
    other = (
        first * rng.uniform(0.8, 1.2) if rng.random() < 0.6 else random_colour(rng, 0.1, 0.7, 0.3)
    )
    return first, np.clip(other, 0.01, 1).astype(np.float32)


def _warped(rng: Generator, size: int, angle: float) -> tuple[np.ndarray, np.ndarray, float]:
    """Yarn coordinates (along the weft, along the warp), and the pitch, px."""
    unit = size / 256
    pitch = max(2.8, float(np.exp(rng.uniform(np.log(4), np.log(17)))) * unit)
    u, v = axes(size, angle)
    sway = np.float32(rng.uniform(0.05, 0.3) * pitch)
    u = u + noise_field(rng, size, rng.uniform(2, 5), 2) * sway
    v = v + noise_field(rng, size, rng.uniform(2, 5), 2) * sway
    return u / np.float32(pitch), v / np.float32(pitch * rng.uniform(0.8, 1.25)), pitch


def _woven(rng: Generator, size: int, angle: float, kind: str) -> Cloth:
    """Warp over weft by the float pattern of the weave; each yarn of its own shade."""
    u, v, pitch = _warped(rng, size, angle)
    i, j = np.floor(u).astype(np.int32), np.floor(v).astype(np.int32)
    fu, fv = u - i, v - j
    repeat, over = FLOATS[kind]
    stride = 2 if kind == "satin" else 1
    up = (i * stride + j) % repeat < over
    round_u, round_v = 4 * fu * (1 - fu), 4 * fv * (1 - fv)
    high = np.where(up, round_u * (0.7 + 0.3 * round_v), round_v * (0.7 + 0.3 * round_u))
    shades = 1 + rng.normal(0, rng.uniform(0.02, 0.09), (2, 1024)).astype(np.float32)
    one, two = _colours(rng)
    yarn = np.where(up, shades[0][i % 1024], shades[1][j % 1024])
    colour = np.where(up[..., None], one, two) * (yarn * (0.62 + 0.38 * high))[..., None]
    return Cloth((high * np.float32(0.3 * pitch)).astype(np.float32), colour, pitch)


def _knit(rng: Generator, size: int, angle: float, kind: str) -> Cloth:
    """Columns of stitches, each a V of two legs."""
    u, v, pitch = _warped(rng, size, angle)
    u = u / np.float32(1.4)
    side = np.abs(u - np.floor(u) - np.float32(0.5))
    leg = np.sin((v + side * np.float32(rng.uniform(1.4, 2.2))) * np.float32(2 * np.pi)) * 0.5 + 0.5
    between = np.clip(side * 4.5, 0, 1) * np.clip((0.5 - side) * 6, 0, 1)
    high = leg**0.7 * (0.35 + 0.65 * between)
    rows = 1 + rng.normal(0, 0.03, 1024).astype(np.float32)
    shade = rows[np.floor(v).astype(np.int32) % 1024] * (0.5 + 0.5 * high)
    colour = shade[..., None] * _colours(rng)[0]
    return Cloth((high * np.float32(0.35 * pitch)).astype(np.float32), colour, pitch)


def _felt(rng: Generator, size: int, angle: float, kind: str) -> Cloth:
    """Fibres in all directions, in clumps."""
    unit = size / 256
    turns = rng.uniform(0, np.pi, 5)
    mat = sum(streaks(rng, size, t, rng.uniform(8, 26) * unit, max(0.9, unit)) for t in turns)
    mat = np.asarray(mat, np.float32) * np.float32(0.45)
    clumps = noise_field(rng, size, rng.uniform(6, 16), 3)
    light = 1 + rng.uniform(0.05, 0.14) * mat + rng.uniform(0.03, 0.12) * clumps
    colour = light[..., None] * _colours(rng)[0]
    return Cloth(mat * np.float32(0.5 * unit) + clumps * unit, colour, 0.0)
