"""What is measured of each part before any model sees it."""

import hashlib
from typing import Any

import numpy as np
from PIL import Image
from scipy import ndimage

from backend.images.duplicates import HASH_EDGE


def of(pixels: np.ndarray) -> dict[str, Any]:
    """Of uint8 [H, W, 3]: width and height in px, brightness and contrast (mean and standard
    deviation of the grey values, 0 to 255), sharpness and digest.

    sharpness: variance of the Laplacian (Pech-Pacheco et al., ICPR 2000), which grows with noise
    too. digest: SHA-256 of the pixels, so that a copy saved in another format is found.
    """
    grey = np.asarray(Image.fromarray(pixels).convert("L"), dtype=np.float32)
    shape = f"{pixels.shape}".encode()
    return {
        "width": pixels.shape[1],
        "height": pixels.shape[0],
        "brightness": float(grey.mean()),
        "contrast": float(grey.std()),
        "sharpness": float(ndimage.laplace(grey).var()),
        "digest": hashlib.sha256(shape + np.ascontiguousarray(pixels).tobytes()).hexdigest(),
    }


def small_grey(pixels: np.ndarray) -> np.ndarray:
    """The picture as grey [32, 32], for the search for copies."""
    grey = Image.fromarray(pixels).convert("L")
    return np.asarray(grey.resize((HASH_EDGE, HASH_EDGE), Image.Resampling.BOX), dtype=np.float32)
