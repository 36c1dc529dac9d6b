"""What lies on or shows in an intact pane: wear, dust, smudges, reflections. None is a defect."""

import cv2
import numpy as np
from numpy.random import Generator

from backend.renderer.paint import WORK, noise_field, random_colour


def wear(rng: Generator, image: np.ndarray, strength: float, count: int) -> np.ndarray:
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


def dust(rng: Generator, image: np.ndarray, strength: float, count: int) -> np.ndarray:
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


def smudge(rng: Generator, image: np.ndarray, strength: float) -> np.ndarray:
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


def reflections(rng: Generator, image: np.ndarray) -> np.ndarray:
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
    return image + layer[..., None] * random_colour(rng, 0.85, 1, 0.15)
