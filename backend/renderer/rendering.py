"""One image from its seed: the scene, the defects placed on it, and the truth about them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.random import Generator

from backend.images.vocabulary import DEFECTS, GLASS, lightings_of
from backend.records import Box
from backend.renderer.camera import Camera, draw_camera, expose
from backend.renderer.compositing import tight_box
from backend.renderer.lighting import suited_lighting
from backend.renderer.placing import pane, photographed_pane
from backend.renderer.surfaces import workpiece


@dataclass(frozen=True)
class Rendered:
    """One image, its truth, and the same scene without any defect."""

    image: np.ndarray  # uint8 [H, W, 3] RGB
    mask: np.ndarray  # uint8 [H, W], 255 where any defect
    boxes: tuple[Box, ...]  # one per defect: tight box of that defect's own mask, px
    params: dict[str, Any]  # JSON-serialisable: what was drawn for this image
    background: np.ndarray  # uint8 [H, W, 3], no defect


class Part(Protocol):
    """What defects are placed on, before the camera. image, clean: float32 [H, W, 3], 0..1, with
    the defects so far and without any. allowed: bool [H, W], where it is. kind: of scene."""

    @property
    def image(self) -> np.ndarray: ...
    @property
    def clean(self) -> np.ndarray: ...
    @property
    def allowed(self) -> np.ndarray: ...
    @property
    def kind(self) -> str: ...

    def place(
        self, rng: Generator, name: str, severity: tuple[float, float], allowed: np.ndarray
    ) -> tuple[np.ndarray, dict[str, Any]] | None:
        """One more defect in `image`; its own mask bool [H, W] and its parameters. None after some
        tries in which nothing of it could be seen in the allowed part."""
        ...


def render(
    seed: int,
    size: int = 256,
    *,
    classes: Sequence[str] = ("crack",),
    material: str = GLASS,
    lighting: str = "mixed",
    defects: tuple[int, int] = (1, 3),
    severity: tuple[float, float] = (0.2, 1.0),
    background: np.ndarray | None = None,
    region: np.ndarray | None = None,
) -> Rendered:
    """Image number `seed`: the same arguments give the same bytes.

    `classes`: kinds of defect that the `material` can have, as DEFECTS says. `background`: a
    photograph uint8 [h, w, 3] RGB of a part of that material to place the defects on; it is resized
    to `size` and otherwise left as it is. `region`: bool [h, w], the only part where defects may
    lie; a defect of which nothing would be seen there is left out. `defects`, `severity`: drawn
    uniformly between the two ends, inclusive; (0, 0) defects give an intact image.
    Raises ValueError for arguments out of range.
    """
    _check(size, classes, material, lighting, defects, severity, background, region)
    rng = np.random.default_rng(seed)
    style = lighting if lighting != "mixed" else suited_lighting(rng, background, material)
    part, camera = _prepare(rng, size, material, style, classes, background)
    allowed = part.allowed if region is None else part.allowed & _fit_region(region, size)
    count = int(rng.integers(defects[0], defects[1] + 1))
    mask, boxes, drawn = np.zeros((size, size), bool), [], []
    for _ in range(count):
        name = str(rng.choice(list(classes)))
        placed = part.place(rng, name, severity, allowed) if allowed.any() else None
        if placed is None:
            continue
        own, record = placed
        mask |= own
        boxes.append(Box(name, tight_box(own)))
        drawn.append(record)
    eye = None if background is not None else camera
    photo, clean = _photographs(rng, eye, part.image, part.clean)
    params = {
        "seed": int(seed),
        "size": size,
        "lighting": style,
        "scene": part.kind,
        "camera": {"blur": camera.blur, "noise": camera.noise, "jpeg": camera.jpeg},
        "defects": drawn,
    }
    if material != GLASS:
        params["material"] = material
    return Rendered(photo, mask.astype(np.uint8) * 255, tuple(boxes), params, clean)


def _check(
    size: int,
    classes: Sequence[str],
    material: str,
    lighting: str,
    defects: tuple[int, int],
    severity: tuple[float, float],
    background: np.ndarray | None,
    region: np.ndarray | None,
) -> None:
    if not 128 <= size <= 1024:
        raise ValueError(f"size must be 128 to 1024 px, not {size}.")
    if material not in DEFECTS:
        raise ValueError(f"material must be one of {', '.join(DEFECTS)}: {material!r}.")
    known, lit = DEFECTS[material], ("mixed", *lightings_of(material))
    unknown = sorted(set(classes) - set(known))
    low, high = severity
    if unknown or not classes:
        raise ValueError(
            f"classes of {material} must be some of {', '.join(known)}; not {unknown or 'none'}."
        )
    if lighting not in lit:
        raise ValueError(f"lighting of {material} must be one of {', '.join(lit)}: {lighting!r}.")
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
    rng: Generator,
    size: int,
    material: str,
    style: str,
    classes: Sequence[str],
    photo: np.ndarray | None,
) -> tuple[Part, Camera]:
    """The intact part and the camera; a photograph has been exposed already."""
    camera = draw_camera(rng, size, style)
    if photo is None:
        if material == GLASS:
            return pane(rng, size, style, camera, 0.3 if "chip" in classes else 0.12), camera
        return workpiece.made(rng, size, material, style, camera), camera
    shrink = photo.shape[0] > size or photo.shape[1] > size
    way = cv2.INTER_AREA if shrink else cv2.INTER_CUBIC
    image = cv2.resize(photo, (size, size), interpolation=way).astype(np.float32) / 255
    if material == GLASS:
        return photographed_pane(rng, image, style, camera), Camera(camera.blur, 0.0, 0)
    part = workpiece.photographed(rng, image, material, style, camera)
    return part, Camera(camera.blur, 0.0, 0)


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
