"""A sketch laid over the scene: blurred, refracted, shaded; its mask is what then differs."""

from dataclasses import replace

import cv2
import numpy as np

from backend.renderer.camera import Camera
from backend.renderer.lighting import Light
from backend.renderer.sketch import Sketch

VISIBLE = 0.02  # of full scale; a smaller difference is not in the mask
LEAST_PIXELS = 9  # a defect of fewer pixels is none
CROSS = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))


def see(sketch: Sketch, camera: Camera, allowed: np.ndarray) -> Sketch:
    """The sketch through the camera's blur, cut to where it may lie."""
    layers = cv2.GaussianBlur(sketch.layers, (0, 0), camera.blur)
    if allowed.all():
        return replace(sketch, layers=layers)
    keep = allowed.astype(np.float32)
    shift = None if sketch.shift is None else sketch.shift * keep[..., None]
    tone = None if sketch.tone is None else sketch.tone * keep
    return replace(sketch, layers=layers * keep[..., None], shift=shift, tone=tone)


def composite(
    image: np.ndarray, sketch: Sketch, light: Light, boost: float
) -> tuple[np.ndarray, np.ndarray]:
    """Scene refracted, then scattered, dimmed and lit where the defect has lines.

    Returns float32 [H, W, 3] and the defect's mask bool [H, W]: its lines as far as they visibly
    change the scene, one px wider.
    """
    merged, drawn = _refract(image, sketch), strongest(sketch.layers).ravel()
    at = np.flatnonzero(drawn > 0.004)
    view = merged.reshape(-1, 3)[at]
    dark, glint, haze = (column[:, None] for column in sketch.layers.reshape(-1, 3)[at].T)
    milk = np.minimum(view * light.haze + (0.06 if light.haze > 1 else 0), light.colour)
    view = view + (milk - view) * np.minimum(haze * boost, 1)
    view = view * (1 - min(1.0, light.dark * boost) * dark)
    view = view + (light.colour - view) * (min(1.0, light.glint * boost) * glint)
    view = np.clip(view, 0, 1).astype(np.float32)
    merged.reshape(-1, 3)[at] = view
    change = np.abs(view - image.reshape(-1, 3)[at])
    seen = np.maximum(np.maximum(change[:, 0], change[:, 1]), change[:, 2]) > VISIBLE
    own = np.zeros(drawn.shape, np.uint8)
    own[at[seen & (drawn[at] > 0.02)]] = 1
    return merged, grown(own.reshape(image.shape[:2]), sketch.solid)


def _refract(image: np.ndarray, sketch: Sketch) -> np.ndarray:
    """The scene as the tilted pieces of glass displace and shade it; a new array."""
    view = image
    if sketch.shift is not None:
        axis = np.arange(image.shape[0], dtype=np.float32)
        across = sketch.shift[..., 0] + axis[None, :]
        down = sketch.shift[..., 1] + axis[:, None]
        view = cv2.remap(view, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    if sketch.tone is not None:
        view = np.clip(view * (1 + sketch.tone[..., None]), 0, 1)
    return view.copy() if view is image else view


def grown(own: np.ndarray, solid: bool) -> np.ndarray:
    own = cv2.dilate(own, CROSS)
    if solid:
        rims, _ = cv2.findContours(own, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(own, rims, -1, 1, -1)
    return own > 0


def strongest(layers: np.ndarray) -> np.ndarray:
    """Maximum over the three channels; numpy's own over a short last axis is ten times slower."""
    one, two, three = cv2.split(layers)
    return cv2.max(cv2.max(one, two), three)


def tight_box(mask: np.ndarray) -> tuple[float, float, float, float]:
    """xyxy in px, pixel edges: a single pixel at (3, 5) has the box (3, 5, 4, 6)."""
    xs, ys = np.flatnonzero(mask.any(0)), np.flatnonzero(mask.any(1))
    return float(xs[0]), float(ys[0]), float(xs[-1] + 1), float(ys[-1] + 1)
