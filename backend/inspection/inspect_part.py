"""What is done with one part on the line: its picture resized, its score judged, its map drawn.

The example that goes with a package does the first two alike; a test compares them.
"""

import numpy as np
from PIL import Image

ORANGE = (230, 97, 0)
Limits = tuple[float | None, float | None]


def crop_of(image: Image.Image, size: int) -> np.ndarray:
    """The whole picture as the model sees it, uint8 [size, size, 3]: averaged where it shrinks."""
    if image.size != (size, size):
        shrinks = min(image.size) >= size
        way = Image.Resampling.BOX if shrinks else Image.Resampling.BILINEAR
        image = image.resize((size, size), way)
    return np.asarray(image, dtype=np.uint8)


def verdict(found: float, limits: Limits) -> str:
    """GOOD, review or BAD. limits: above the first BAD, up to the second GOOD; None: a person
    looks at what nothing can be promised about."""
    alarm, review = limits
    if alarm is not None and found > alarm:
        return "BAD"
    return "GOOD" if review is not None and found <= review else "review"


def overlay(crop: np.ndarray, anomaly_map: np.ndarray) -> Image.Image:
    """The crop [S, S, 3], grey, with the map [G, G] in orange: strongest from a z-score of 6 up."""
    strength = Image.fromarray((np.clip(anomaly_map / 6, 0, 1) * 255).astype(np.uint8))
    size = (crop.shape[1], crop.shape[0])
    weight = np.asarray(strength.resize(size, Image.Resampling.BILINEAR))[..., None] / 255 * 0.75
    grey = np.repeat(crop.mean(-1, keepdims=True), 3, axis=-1)
    return Image.fromarray((grey * (1 - weight) + np.array(ORANGE) * weight).astype(np.uint8))
