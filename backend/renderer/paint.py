"""Random colours and smooth fields that scenes are painted with."""

import cv2
import numpy as np
from numpy.random import Generator

WORK = 256  # px; photographed scenes are out of focus, so they are painted at this size


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


def ramp(rng: Generator, size: int) -> np.ndarray:
    """Linear gradient in a random direction, float32 [size, size], -1..1."""
    axis = np.linspace(-0.7, 0.7, size, dtype=np.float32)
    angle = rng.uniform(0, 2 * np.pi)
    return np.float32(np.cos(angle)) * axis[None, :] + np.float32(np.sin(angle)) * axis[:, None]


def rgb(red: float, green: float, blue: float) -> np.ndarray:
    """A colour as float32 [3]."""
    return np.array([red, green, blue], np.float32)


def random_tint(rng: Generator, spread: float) -> np.ndarray:
    """Factors float32 [3] around 1, at most `spread` away."""
    return (1 + rng.uniform(-spread, spread, 3)).astype(np.float32)


def temperature(rng: Generator, spread: float) -> np.ndarray:
    """Factors float32 [3] of a warmer or colder white, at most about `spread` from 1."""
    warm, green = rng.uniform(-spread, spread), rng.uniform(-0.15, 0.15) * spread
    return np.array([1 + warm, 1 + green, 1 - warm], np.float32)


def random_colour(rng: Generator, low: float, high: float, saturation: float = 0.35) -> np.ndarray:
    """RGB of a random hue, its brightness between `low` and `high`, float32 [3]."""
    value, spread = rng.uniform(low, high), rng.uniform(0, saturation)
    wheel = np.cos(rng.uniform(0, 2 * np.pi) + np.array([0, 2.1, 4.2]))
    return np.clip(value * (1 + spread * wheel), 0, 1).astype(np.float32)
