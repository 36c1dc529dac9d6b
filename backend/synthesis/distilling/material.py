"""What a student learns from: the images of a teacher run, and some it does not get to see."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from backend.synthesis import imageset, teacher
from backend.synthesis.vocabulary import INTACT


@dataclass(frozen=True)
class Material:
    """images uint8 [N, S, S, 3], masks bool [N, S, S] and labels [N], places in `classes`: the
    class of each image's largest box. rows [N]: places of the images in `teacher.load`."""

    images: np.ndarray
    masks: np.ndarray
    labels: np.ndarray
    rows: np.ndarray
    classes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.images)

    def part(self, places: np.ndarray) -> "Material":
        return Material(
            self.images[places],
            self.masks[places],
            self.labels[places],
            self.rows[places],
            self.classes,
        )


def read(teacher_run: Path, size: int) -> Material:
    """All labelled images of a run. Raises UserError where one has no mask."""
    images, masks = teacher.load(teacher_run, size)
    names = main_classes(teacher_run)
    classes = tuple(sorted(set(names), key=lambda name: (name != INTACT, name)))
    labels = np.array([classes.index(name) for name in names])
    return Material(images, masks, labels, np.arange(len(images)), classes)


def main_classes(run_folder: Path) -> list[str]:
    """The class of the largest box of each image that `teacher.load` gives, in its order."""
    rows, boxes = imageset.read(run_folder)
    return imageset.main_classes(imageset.labelled(rows), boxes)


def divided(material: Material, share: float, seed: int) -> tuple[Material, Material]:
    """Images to learn from, and a share of them that is kept away."""
    order = np.random.default_rng(seed).permutation(len(material))
    held = round(share * len(material))
    return material.part(np.sort(order[held:])), material.part(np.sort(order[:held]))
