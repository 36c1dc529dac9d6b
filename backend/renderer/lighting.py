"""The light that falls on a defect: how much of it lines take, facets show and cracks scatter."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator

from backend.images.vocabulary import lightings_of


@dataclass(frozen=True)
class Light:
    """How a lighting turns layers into brightness."""

    direction: tuple[float, float]  # unit vector in the image plane
    colour: np.ndarray  # float32 [3], of what the defect reflects
    dark: float  # share of light that a fully dark line takes
    glint: float  # share of `colour` that a fully lit facet shows
    haze: float  # brightness of scattering relative to the scene: < 1 darkens


def suited_lighting(rng: Generator, photo: np.ndarray | None, material: str) -> str:
    """Any lighting of the material; for a photograph one that its brightness allows."""
    known = lightings_of(material)
    if photo is None:
        return str(rng.choice(known))
    dark = photo.mean() < 90
    fits = ("dark field",) if dark else ("back light", "bright field")
    return str(rng.choice([*(way for way in fits if way in known), "photograph"]))


def draw_light(rng: Generator, style: str, scene: np.ndarray) -> Light:
    """Light of one of LIGHTINGS from a random side, in the hue of the scene [H, W, 3]."""
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
