"""Images whose defects are known to the pixel: what automatic labels are held against."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from backend.images import imageset
from backend.images.boxes import boxes_of
from backend.images.labelled_image import LabelledImage
from backend.images.vocabulary import DRAWN, ONE_CLASS
from backend.labels.agreement.spec import Spec
from backend.records import Box, UserError

NO_MASKS = (
    "no image whose mask is exact. Choose images from the renderer, or photographs with masks."
)


def rendered(spec: Spec) -> Iterator[LabelledImage]:
    """Images of the renderer, made for this; image k depends on seed + k. source: the lighting."""
    from backend import renderer

    for number in range(spec.seed, spec.seed + spec.count):
        made = renderer.render(
            number,
            spec.size,
            classes=spec.classes,
            material=spec.material,
            lighting=spec.lighting,
        )
        light = str(made.params["lighting"])
        yield LabelledImage(made.image, light, made.boxes, made.mask, group=str(number))


def of_run(folder: Path, count: int, seed: int) -> list[LabelledImage]:
    """Images of a run whose mask is exact; those with guessed boxes are passed over.

    Raises UserError where none is left.
    """
    images = [image for image in imageset.read(folder) if image.mask is not None]
    exact = [i for i in images if all(box.source in DRAWN for box in i.boxes)]
    if not exact:
        raise UserError(f"Run '{folder.name}' has {NO_MASKS}")
    return _some(exact, count, seed)


def of_folder(folder: Path, count: int, seed: int) -> list[LabelledImage]:
    """Images of a folder whose mask is known. Raises UserError where none has a mask."""
    from backend.images.formats.detect import read

    masked = [image for image in read(folder).images if image.mask is not None]
    if not masked:
        raise UserError(f"Folder '{folder}' has {NO_MASKS}")
    return [replace(image, source="folder") for image in _some(masked, count, seed)]


def _some(images: list[LabelledImage], count: int, seed: int) -> list[LabelledImage]:
    """All of the images, or as many as asked for, drawn by the seed."""
    order = np.random.default_rng(seed).permutation(len(images))[:count]
    return [images[k] for k in sorted(order.tolist())]


def boxes_around(mask: np.ndarray) -> tuple[Box, ...]:
    """Boxes of the regions of a mask bool [H, W], as `boxes.boxes_of` makes them."""
    return tuple(boxes_of(mask, ONE_CLASS[0]))
