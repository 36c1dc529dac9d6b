"""What a student learns from: the images of a teacher run, and some it does not get to see."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from backend.images import imageset, resuming
from backend.images.vocabulary import INTACT
from backend.teachers.generate.job import load_images


@dataclass(frozen=True)
class Material:
    """images uint8 [N, S, S, 3], masks bool [N, S, S] and labels [N], places in `classes`: the
    class of each image's largest box. names and hashes [N]: see `generate.job.Loaded`."""

    images: np.ndarray
    masks: np.ndarray
    labels: np.ndarray
    names: np.ndarray
    hashes: np.ndarray
    classes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.images)

    def part(self, places: np.ndarray) -> "Material":
        return Material(
            self.images[places],
            self.masks[places],
            self.labels[places],
            self.names[places],
            self.hashes[places],
            self.classes,
        )

    @property
    def version(self) -> str:
        """Changes with any image, its order, its mask or its class."""
        labels = (self.classes[k] for k in self.labels)
        return resuming.version([*self.names, *self.hashes, *labels])


def read(teacher_run: Path, size: int) -> Material:
    """All labelled images of a run. Raises UserError where one has no mask."""
    shown = load_images(teacher_run, size)
    names = main_classes(teacher_run, shown.names)
    classes = tuple(sorted(set(names), key=lambda name: (name != INTACT, name)))
    labels = np.array([classes.index(name) for name in names])
    return Material(shown.images, shown.masks, labels, shown.names, shown.hashes, classes)


def main_classes(run_folder: Path, names: np.ndarray) -> list[str]:
    """The class of the largest box of each image by name."""
    known = {image.name: image.main_class for image in imageset.read(run_folder)}
    return [known.get(name, INTACT) for name in names.tolist()]


def divided(material: Material, share: float, seed: int) -> tuple[Material, Material]:
    """Images to learn from, and a share of them that is kept away."""
    order = np.random.default_rng(seed).permutation(len(material))
    held = round(share * len(material))
    return material.part(np.sort(order[held:])), material.part(np.sort(order[:held]))
