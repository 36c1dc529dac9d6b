"""A plant's own photograph as the surface: flat, its colours those that it shows."""

import cv2
import numpy as np
from numpy.random import Generator

from backend.renderer.surfaces import metals, minerals, prints
from backend.renderer.surfaces.surface import Colour, Nature, Surface

SHINE = {
    "brushed metal": 0.3,
    "cast metal": 0.15,
    "rolled steel": 0.2,
    "plastic": 0.25,
    "stone": 0.08,
}
PRINTS = ("printed paper", "printed lines")
SOFT = ("textile", *PRINTS)
DIRT: tuple[Colour, ...] = ((0.62, 0.5, 0.38), (0.5, 0.5, 0.5), (0.75, 0.7, 0.6))
SPECKS: tuple[Colour, ...] = ((0.05, 0.05, 0.05), (0.3, 0.2, 0.12), (0.8, 0.78, 0.74))
STAINS: dict[str, tuple[Colour, ...]] = {
    "brushed metal": (metals.RUST, metals.OIL, metals.HEAT, metals.WATER),
    "cast metal": (metals.RUST, metals.OIL),
    "rolled steel": (metals.RUST, metals.OIL, metals.WATER),
    "concrete": (minerals.RUST, minerals.MOSS, minerals.WET, minerals.SOOT),
    "printed paper": (prints.COFFEE, prints.GREASE, prints.WATER, prints.BLUE),
}


def as_surface(rng: Generator, photo: np.ndarray, material: str) -> Surface:
    """The photograph float32 [H, W, 3], 0..1, as a flat part of the material."""
    size = photo.shape[0]
    flat = np.zeros((size, size), np.float32)
    around = cv2.GaussianBlur(photo, (0, 0), max(2.0, size / 24))
    ink, beneath, added = None, around, around
    if material in PRINTS:
        ink, beneath, added = _ink(photo)
    else:
        beneath = np.clip(around * rng.uniform(0.8, 1.7) + rng.uniform(0, 0.06), 0, 0.97)
        added = np.clip(around * rng.uniform(0.7, 1.35), 0, 1)
    nature = Nature(
        beneath=beneath.astype(np.float32),
        behind=around.mean((0, 1)) * np.float32(rng.uniform(0.1, 0.4)),
        added=added.astype(np.float32),
        stains=STAINS.get(material, DIRT),
        foreign=SPECKS,
        grain=_grain(photo),
        along=0.25,
        across=0.4,
        fibrous=material == "wood",
        hard=material not in SOFT,
    )
    gloss = flat + np.float32(SHINE.get(material, 0.0) * rng.uniform(0.4, 1.2))
    return Surface(flat, photo, gloss, "own photograph", nature, ink)


def _grain(photo: np.ndarray) -> float:
    """The direction along which the photograph changes least, rad (structure tensor)."""
    grey = cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY)
    gx, gy = cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)
    most = 0.5 * np.arctan2(2 * (gx * gy).mean(), (gx * gx - gy * gy).mean())
    return float(most + np.pi / 2)


def _ink(photo: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where the ink is (Otsu), the colour of the ground, and that of the ink."""
    grey = cv2.convertScaleAbs(cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY), alpha=255)
    _, dark = cv2.threshold(grey, 0, 255, cv2.THRESH_BINARY_INV | cv2.THRESH_OTSU)
    ground, inked = (np.array(cv2.mean(photo, m)[:3], np.float32) for m in (255 - dark, dark))
    if not dark.any() or dark.all() or np.abs(ground - inked).max() < 0.12:  # hardly any print
        return np.zeros(grey.shape, np.float32), ground, ground * np.float32(0.15)
    return dark.astype(np.float32) / 255, ground, inked
