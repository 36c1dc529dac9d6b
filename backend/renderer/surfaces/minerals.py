"""Intact concrete and stone."""

import cv2
import numpy as np
from numpy.random import Generator

from backend.renderer.paint import noise_field, random_tint, rgb, temperature
from backend.renderer.surfaces.fields import (
    blurred,
    cells,
    crystals,
    dots,
    lines,
    speckle,
    step,
    streaks,
)
from backend.renderer.surfaces.surface import DARK, Nature, Surface

RUST, MOSS, WET, SOOT = (0.78, 0.62, 0.46), (0.6, 0.66, 0.45), (0.66, 0.64, 0.6), (0.5, 0.5, 0.5)


def concrete(rng: Generator, size: int) -> Surface:
    """Cement skin from a mould of boards or a trowel: mottled, with flecks, small pores, joints."""
    unit = size / 256
    kind = str(rng.choice(["formed", "trowelled", "weathered"], p=[0.5, 0.25, 0.25]))
    cloud = 0.4 * noise_field(rng, size, rng.uniform(1, 3), 3)
    cloud += 0.8 * noise_field(rng, size, rng.uniform(7, 20), 4)
    fine = speckle(rng, size, max(0.5, rng.uniform(0.5, 1.2) * unit))
    boards = streaks(
        rng, size, np.pi / 2 + rng.normal(0, 0.03), 4 * size, rng.uniform(4, 30) * unit
    )
    gain = {"formed": (0.02, 0.05), "trowelled": (0, 0.01), "weathered": (0.01, 0.06)}[kind]
    light = 1 + rng.uniform(0.03, 0.12) * cloud + rng.uniform(0.01, 0.05) * fine
    light += rng.uniform(*gain) * boards
    light -= rng.uniform(0.05, 0.28) * _flecks(rng, size)
    if kind == "trowelled":
        turn = rng.uniform(0, np.pi)
        light += 0.04 * streaks(rng, size, turn, 90 * unit, 4 * unit)
    tone = rng.uniform(0.4, 0.85)
    tint = rgb(1.0, 0.995, rng.uniform(0.93, 1.0)) * temperature(rng, 0.025)
    pores = dots(rng, size, int(rng.integers(3, 45)), rng.uniform(0.3, 0.8) * unit)
    height = (
        fine * np.float32(rng.uniform(0.05, 0.22) * unit)
        + cloud * (0.3 * unit)
        - pores * (1.2 * unit)
    )
    albedo = np.clip(tone * light * (1 - 0.45 * pores), 0.02, 1)[..., None] * tint
    if kind == "formed" and rng.random() < 0.5:
        albedo, height = _joint(rng, albedo, height)
    gloss = np.full((size, size), rng.uniform(0, 0.06), np.float32)
    nature = Nature(
        beneath=tint * tone * rng.uniform(0.6, 0.95),
        behind=DARK,
        added=tint * tone * rng.uniform(0.85, 1.15),
        stains=(RUST, MOSS, WET, WET, SOOT),
        foreign=((0.3, 0.21, 0.15), (0.2, 0.2, 0.2), (0.85, 0.83, 0.8), (0.36, 0.28, 0.2)),
        grain=np.pi / 2,
    )
    return Surface(height, albedo.astype(np.float32), gloss, kind, nature)


def _flecks(rng: Generator, size: int) -> np.ndarray:
    """Darker patches of all sizes where the cement skin is thin, 0..1."""
    unit, lean = size / 256, np.pi / 2 + rng.normal(0, 0.4)
    patches = streaks(rng, size, lean, rng.uniform(7, 16) * unit, rng.uniform(3, 7) * unit)
    where = noise_field(rng, size, 3)
    return step(blurred(patches, 0.8 * unit) + 0.5 * where, rng.uniform(0.55, 1.3), 0.18)


def _joint(rng: Generator, albedo: np.ndarray, height: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """One or two seams between the boards of the mould: straight, from border to border."""
    size = albedo.shape[0]
    paths = []
    for x in rng.uniform(0.05, 0.95, int(rng.integers(1, 3))) * size:
        ys = np.linspace(-5, size + 5, 12)
        paths.append(np.c_[x + rng.normal(0, 0.12, 12) + rng.normal(0, 0.01) * ys, ys])
    width = rng.uniform(0.5, 1.8) * size / 256
    seam = lines(size, paths, [width] * len(paths), rng.uniform(0.4, 1, len(paths)))
    deep = blurred(seam, 0.5 * width)
    return albedo * (1 - 0.6 * seam[..., None]), height - deep * np.float32(1.5 * width)


def stone(rng: Generator, size: int) -> Surface:
    """Granite, marble, sandstone or slate."""
    makers = {"granite": _granite, "marble": _marble, "sandstone": _sandstone, "slate": _slate}
    kind = str(rng.choice(list(makers), p=[0.35, 0.25, 0.2, 0.2]))
    albedo, height, gloss, grain = makers[kind](rng, size)
    mean = albedo.mean((0, 1))
    nature = Nature(
        beneath=np.clip(mean * rng.uniform(0.75, 1.5), 0, 0.95).astype(np.float32),
        behind=DARK,
        added=np.clip(mean * rng.uniform(0.8, 1.3), 0, 1).astype(np.float32),
        stains=(RUST, WET, SOOT, (0.8, 0.72, 0.5)),
        foreign=((0.05, 0.05, 0.05), (0.45, 0.3, 0.15), (0.9, 0.9, 0.88), (0.3, 0.25, 0.2)),
        grain=grain,
        along=0.2,
        across=0.2,
    )
    shine = np.full((size, size), gloss, np.float32)
    return Surface(height, np.clip(albedo, 0.01, 1).astype(np.float32), shine, kind, nature)


Stone = tuple[np.ndarray, np.ndarray, float, float]


def _granite(rng: Generator, size: int) -> Stone:
    """Crystals of feldspar, quartz and mica, each of its own shade, sawn and often polished."""
    unit, wide = size / 256, float(np.exp(rng.uniform(np.log(3.5), np.log(11))))
    warm, tone = rng.uniform(-0.04, 0.12), rng.uniform(0.5, 1.3)
    feldspar = rgb(0.58 + warm, 0.55, 0.53 - 0.5 * warm) * tone
    minerals = np.stack(
        [feldspar, feldspar * 1.25, rgb(0.4, 0.4, 0.41) * tone, rgb(0.09, 0.09, 0.1)]
    )
    share = rng.dirichlet([4, 2, 3, 1.5])
    grain = crystals(rng, size, max(2.0, wide * unit))
    kinds = rng.choice(4, int(grain.max()) + 1, p=share)
    shades = minerals[kinds] * (1 + rng.normal(0, 0.09, (len(kinds), 1)))
    colour = shades.astype(np.float32)[grain]
    colour = cv2.GaussianBlur(colour, (0, 0), 0.55)
    colour = colour * (1 + 0.05 * speckle(rng, size, 0.6))[..., None]
    polished = rng.random() < 0.6
    height = speckle(rng, size, max(0.8, unit)) * np.float32((0.02 if polished else 0.16) * unit)
    return colour, height, rng.uniform(0.05, 0.25) if polished else 0.03, 0.0


def _marble(rng: Generator, size: int) -> Stone:
    """Pale clouds, and veins where a warped field passes through nought."""
    tone = rng.uniform(0.65, 0.9) if rng.random() < 0.75 else rng.uniform(0.1, 0.3)
    cloud = noise_field(rng, size, rng.uniform(1.5, 4), 5)
    colour = tone * (1 + rng.uniform(0.03, 0.12) * cloud)[..., None] * rgb(1.0, 0.985, 0.96)
    dye = rgb(0.42, 0.42, 0.44) if tone > 0.5 else rgb(0.8, 0.76, 0.68)
    for _ in range(int(rng.integers(1, 4))):
        vein = noise_field(rng, size, rng.uniform(1, 3), 6)
        strength = rng.uniform(0.15, 0.6) * np.clip(0.5 + noise_field(rng, size, 3), 0, 1)
        line = np.exp(-((vein / rng.uniform(0.015, 0.07)) ** 2)) * strength
        colour = colour + (dye - colour) * line[..., None]
    colour = colour * (1 + 0.012 * speckle(rng, size, 0.5))[..., None]
    return colour, cloud * np.float32(0.1), rng.uniform(0.1, 0.4), rng.uniform(0, np.pi)


def _sandstone(rng: Generator, size: int) -> Stone:
    """Grains of sand in beds of changing colour."""
    unit, angle = size / 256, rng.normal(0, 0.3)
    beds = streaks(rng, size, angle, 2 * size, rng.uniform(5, 30) * unit)
    beds += 0.5 * noise_field(rng, size, 3, 3)
    grains = speckle(rng, size, max(0.5, rng.uniform(0.6, 1.3) * unit))
    tone = rgb(0.72, 0.6, 0.46) * rng.uniform(0.6, 1.15) * random_tint(rng, 0.1)
    light = 1 + rng.uniform(0.02, 0.1) * beds + rng.uniform(0.04, 0.1) * grains
    return light[..., None] * tone, grains * np.float32(0.3 * unit), 0.02, angle


def _slate(rng: Generator, size: int) -> Stone:
    """Split along its layers: low terraces with sharp steps."""
    unit, angle = size / 256, rng.uniform(0, np.pi)
    rise = noise_field(rng, size, rng.uniform(1.5, 4), 5)
    rise += 0.4 * streaks(rng, size, angle, 60 * unit, 12 * unit)
    terraces = np.round(rise * 3) / 3 * 0.7 + 0.3 * rise
    fine = speckle(rng, size, max(0.6, 0.8 * unit))
    tone = rgb(0.3, 0.31, 0.33) * rng.uniform(0.5, 1.5) * random_tint(rng, 0.06)
    light = 1 + 0.1 * rise + 0.04 * fine + 0.05 * cells(rng, size, 9 * unit)
    height = blurred(terraces.astype(np.float32), 0.6) * np.float32(rng.uniform(1, 3) * unit)
    return light[..., None] * tone, height + fine * np.float32(0.12 * unit), 0.12, angle
