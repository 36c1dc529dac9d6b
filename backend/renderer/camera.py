"""The camera that sees a scene: blur, sensor noise, JPEG."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator


@dataclass(frozen=True)
class Camera:
    """Optics and sensor of one exposure."""

    blur: float  # px, sigma of the point spread function
    noise: float  # standard deviation at full signal, 0..1
    jpeg: int  # quality 1..100; 0 is not compressed


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


def _compress(image: np.ndarray, quality: int) -> np.ndarray:
    _, code = cv2.imencode(".jpg", image, (cv2.IMWRITE_JPEG_QUALITY, quality))
    return np.asarray(cv2.imdecode(code, cv2.IMREAD_COLOR))
