"""One image from its seed: the scene, the defects placed on it, and the truth about them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.random import Generator

from backend.images.vocabulary import CLASSES, LIGHTINGS
from backend.records import Box
from backend.renderer.camera import Camera, draw_camera, expose
from backend.renderer.compositing import tight_box
from backend.renderer.lighting import draw_light, suited_lighting
from backend.renderer.placing import place
from backend.renderer.scenes import Scene, draw_scene


@dataclass(frozen=True)
class Rendered:
    """One image, its truth, and the same scene without any defect."""

    image: np.ndarray  # uint8 [H, W, 3] RGB
    mask: np.ndarray  # uint8 [H, W], 255 where any defect
    boxes: tuple[Box, ...]  # one per defect: tight box of that defect's own mask, px
    params: dict[str, Any]  # JSON-serialisable: what was drawn for this image
    background: np.ndarray  # uint8 [H, W, 3], no defect


def render(
    seed: int,
    size: int = 256,
    *,
    classes: Sequence[str] = ("crack",),
    lighting: str = "mixed",
    defects: tuple[int, int] = (1, 3),
    severity: tuple[float, float] = (0.2, 1.0),
    background: np.ndarray | None = None,
    region: np.ndarray | None = None,
) -> Rendered:
    """Image number `seed`: the same arguments give the same bytes.

    `background`: a photograph uint8 [h, w, 3] RGB to place the defects on; it is resized to `size`
    and otherwise left as it is. `region`: bool [h, w], the only part where defects may lie; a
    defect of which nothing would be seen there is left out. `defects`, `severity`: drawn uniformly
    between the two ends, inclusive; (0, 0) defects give an intact image.
    Raises ValueError for arguments out of range.
    """
    _check(size, classes, lighting, defects, severity, background, region)
    rng = np.random.default_rng(seed)
    style = lighting if lighting != "mixed" else suited_lighting(rng, background)
    scene, camera = _prepare(rng, size, style, classes, background)
    allowed = scene.glass if region is None else scene.glass & _fit_region(region, size)
    light = draw_light(rng, style, scene.image)
    count = int(rng.integers(defects[0], defects[1] + 1))
    image, mask, boxes, drawn = scene.image, np.zeros((size, size), bool), [], []
    for _ in range(count):
        name = str(rng.choice(list(classes)))
        placed = place(rng, image, scene, light, camera, name, severity, allowed)
        if placed is None:
            continue
        image, own, record = placed
        mask |= own
        boxes.append(Box(name, tight_box(own)))
        drawn.append(record)
    photo, clean = _photographs(rng, None if background is not None else camera, image, scene.image)
    params = {
        "seed": int(seed),
        "size": size,
        "lighting": style,
        "scene": scene.kind,
        "camera": {"blur": camera.blur, "noise": camera.noise, "jpeg": camera.jpeg},
        "defects": drawn,
    }
    return Rendered(photo, mask.astype(np.uint8) * 255, tuple(boxes), params, clean)


def _check(
    size: int,
    classes: Sequence[str],
    lighting: str,
    defects: tuple[int, int],
    severity: tuple[float, float],
    background: np.ndarray | None,
    region: np.ndarray | None,
) -> None:
    unknown = sorted(set(classes) - set(CLASSES))
    low, high = severity
    if not 128 <= size <= 1024:
        raise ValueError(f"size must be 128 to 1024 px, not {size}.")
    if unknown or not classes:
        raise ValueError(f"classes must be some of {', '.join(CLASSES)}; not {unknown or 'none'}.")
    if lighting not in (*LIGHTINGS, "mixed"):
        raise ValueError(f"lighting must be mixed or one of {', '.join(LIGHTINGS)}: {lighting!r}.")
    if not 0 <= defects[0] <= defects[1] <= 50:
        raise ValueError(f"defects must be (fewest, most) between 0 and 50, not {defects}.")
    if not 0 <= low <= high <= 1:
        raise ValueError(f"severity must be (least, most) between 0 and 1, not {severity}.")
    if background is not None and (
        background.dtype != np.uint8 or background.ndim != 3 or background.shape[2] != 3
    ):
        raise ValueError(
            f"background must be a uint8 RGB image [h, w, 3], not "
            f"{background.dtype} {list(background.shape)}."
        )
    if region is not None and (region.ndim != 2 or not region.any()):
        raise ValueError("region must be a mask [h, w] with at least one pixel set.")


def _prepare(
    rng: Generator, size: int, style: str, classes: Sequence[str], photo: np.ndarray | None
) -> tuple[Scene, Camera]:
    camera = draw_camera(rng, size, style)
    if photo is None:
        return draw_scene(rng, size, style, 0.3 if "chip" in classes else 0.12), camera
    shrink = photo.shape[0] > size or photo.shape[1] > size
    way = cv2.INTER_AREA if shrink else cv2.INTER_CUBIC
    image = cv2.resize(photo, (size, size), interpolation=way).astype(np.float32) / 255
    scene = Scene(image, "own photograph", np.ones((size, size), bool), None)
    return scene, Camera(camera.blur, 0.0, 0)


def _fit_region(region: np.ndarray, size: int) -> np.ndarray:
    whole = cv2.resize(region.astype(np.uint8), (size, size), interpolation=cv2.INTER_NEAREST) > 0
    if not whole.any():
        raise ValueError("region is empty at this size: mark a larger part of the image.")
    return whole


def _photographs(
    rng: Generator, camera: Camera | None, image: np.ndarray, clean: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """uint8 images with and without the defects, equal in noise; no camera: no noise is added."""
    if camera is not None:
        shot, intact = expose(rng, camera, image, clean)
        return shot, intact
    return np.rint(image * 255).astype(np.uint8), np.rint(clean * 255).astype(np.uint8)
