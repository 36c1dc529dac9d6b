"""What the small diffusion model learns from: pictures, masks and classes (PyTorch)."""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from backend.images import imageset, pictures
from backend.images.labelled_image import LabelledImage
from backend.images.vocabulary import INTACT
from backend.numeric import devices
from backend.records import Box, UserError
from backend.teachers.diffusion.model import SIZE


@dataclass(frozen=True)
class Lesson:
    """pictures uint8 [N, 128, 128, 4]: RGB and mask. labels [N]: places in `classes`."""

    pictures: np.ndarray
    labels: np.ndarray
    classes: tuple[str, ...]


def read(run_folder: Path) -> Lesson:
    """The labelled images of a run; the class of an image is that of its largest box.

    Where an image has boxes but no mask, the boxes are its mask. Raises UserError without boxes.
    """
    images = imageset.read(run_folder)
    defects = {image.main_class for image in images if image.boxes}
    if not defects:
        raise UserError(
            "None of these images has a box, so there is no defect to learn. Label them first."
        )
    images = [image for image in images if image.labelled]
    classes = (INTACT, *sorted(defects))
    labels = np.array([classes.index(image.main_class) for image in images])
    return Lesson(np.stack([_picture(image) for image in images]), labels, classes)


def _picture(image: LabelledImage) -> np.ndarray:
    pixels, drawn = image.read_rgb(), image.read_mask()
    if drawn is not None:
        mask = pictures.resized_mask(drawn, SIZE)
    else:
        mask = _box_mask(image.boxes, *pixels.shape[:2])
    layer = mask.astype(np.uint8)[..., None] * 255
    return np.concatenate([pictures.resized(pixels, SIZE), layer], axis=2)


def _box_mask(boxes: tuple[Box, ...], height: int, width: int) -> np.ndarray:
    mask = np.zeros((SIZE, SIZE), bool)
    for box in boxes:
        x1, y1, x2, y2 = box.xyxy
        rows = slice(int(y1 / height * SIZE), math.ceil(y2 / height * SIZE))
        mask[rows, int(x1 / width * SIZE) : math.ceil(x2 / width * SIZE)] = True
    return mask


def drawn(lesson: Lesson, count: int, random: torch.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of pictures [B], and whether each is mirrored [B]."""
    chosen = torch.randint(len(lesson.pictures), (count,), generator=random)
    return chosen.numpy(), (torch.rand(count, generator=random) < 0.5).numpy()


def batch(stack: np.ndarray, chosen: np.ndarray, mirrored: np.ndarray) -> Tensor:
    """Pictures [B, 4, S, S] in 0…1."""
    device = devices.best()
    taken = torch.from_numpy(stack[chosen]).to(device).permute(0, 3, 1, 2).float() / 255
    flip = torch.from_numpy(mirrored).to(device)[:, None, None, None]
    return torch.where(flip, taken.flip(3), taken)
