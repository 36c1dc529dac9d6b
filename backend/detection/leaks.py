"""Is a test image among the training images, or behind them? Then its figures mean nothing."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from backend.core import facts, lineage, runs
from backend.detection.dataset import splits
from backend.detection.testset.test_images import HeldOutSet, LabelledImage
from backend.images import duplicates, imagefiles, pictures
from backend.records import UserError


@dataclass(frozen=True)
class Leak:
    """A training image that is a test image (same), or looks like one."""

    training: Path
    test: str
    same: bool


def search(images: Sequence["LabelledImage"], dataset: Path) -> list[Leak]:
    """Training images that are or look like test images, at most one test image each.

    Compared with the data set's images and, unless they were rendered, those of every run behind
    it. Same: equal pixels, the test image also at the sizes of square training images. Alike: see
    `backend.images.duplicates`.
    """
    training = _training_pictures(dataset)
    hashes, greys, sizes = [], [], set()
    for path in training:
        pixels = imagefiles.read_rgb(path)
        hashes.append(_hash(pixels))
        greys.append(splits.grey(pixels))
        if pixels.shape[0] == pixels.shape[1]:
            sizes.add(pixels.shape[0])
    seen, test_greys = _test_pictures(images, sizes)
    like = alike(np.stack(greys), test_greys) if greys else np.zeros(0, int)
    return [
        Leak(path, seen.get(pixel_hash) or images[place].name, pixel_hash in seen)
        for path, pixel_hash, place in zip(training, hashes, like.tolist(), strict=True)
        if pixel_hash in seen or place >= 0
    ]


def _test_pictures(
    images: Sequence["LabelledImage"], sizes: set[int]
) -> tuple[dict[str, str], np.ndarray]:
    """Hash → name of every test image at every size, and their small grey pictures."""
    seen, greys = {}, []
    for image in images:
        pixels = image.read_rgb()
        greys.append(splits.grey(pixels))
        for shown in (pixels, *(pictures.resized(pixels, size) for size in sizes)):
            seen[_hash(shown)] = image.name
    return seen, np.stack(greys)


def alike(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """For each grey picture of `first` [N, 32, 32] the place of a near-duplicate in `second`
    [M, 32, 32], or −1."""
    bits = np.bitwise_count(duplicates.hashes_of(first)[:, None] ^ duplicates.hashes_of(second))
    near = (bits <= duplicates.MOST_BITS) & (
        _standardised(first) @ _standardised(second).T >= duplicates.LEAST_CORRELATION
    )
    return np.where(near.any(1), near.argmax(1), -1)


def _standardised(greys: np.ndarray) -> np.ndarray:
    """Pictures of 16 × 16 px as vectors whose products are their correlations."""
    small = greys.reshape(len(greys), 16, 2, 16, 2).mean(axis=(2, 4)).reshape(len(greys), 256)
    small = small - small.mean(1, keepdims=True)
    return small / np.maximum(np.linalg.norm(small, axis=1, keepdims=True), 1e-6)


def _training_pictures(dataset: Path) -> list[Path]:
    """Images of a data set and, unless they were rendered, those of every run behind it: what a
    student learned from, and the photographs on which defects were placed."""
    found = [dataset / path for path in facts.read(dataset, "images")["path"]]
    for folder in _behind(dataset):
        rows = facts.read(folder, "images")
        rows = rows[rows["source"] != "rendered"]
        for column in ("path", "background_path"):
            found += [folder / path for path in rows[column].dropna()]
    return [path for path in found if path.is_file()]


def _behind(folder: Path) -> list[Path]:
    """The runs with images from which this run was made, near and far. Raises UserError where one
    is damaged; what was deleted cannot be looked at, which the log says."""
    found = []
    for one in lineage.ancestors(runs.asked_for(folder)):
        if one.problem == lineage.DAMAGED:
            raise UserError(
                f"Run {one.id}, which is behind the training images, is damaged, so nobody can say "
                "whether it holds a test image. Restore it from a backup."
            )
        if one.run is None:
            print(f"Run {one.id} {one.problem}: its images are not compared with test images.")
        elif facts.count(one.run.folder, "images"):
            found.append(one.run.folder)
    return sorted(found)


def _hash(pixels: np.ndarray) -> str:
    return hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes()).hexdigest()


NAMED = 3  # pairs that an error spells out


def refuse_leaks(test: HeldOutSet, dataset: Path, near: str = "refuse") -> int:
    """The number of training images that look like a test image, which `near` = report allows.

    Raises UserError where a training image, or a photograph behind one, is a test image, and with
    `near` = refuse also where it is a near-duplicate of one.
    """
    found = search(test.images, dataset)
    for leak in found:
        if leak.same:
            raise UserError(
                f"Training image {leak.training.name} is test image {leak.test}. Take it out of "
                "the data set."
            )
    if found and near == "refuse":
        pairs = [f"{leak.training.name} and {leak.test}" for leak in found[:NAMED]]
        raise UserError(
            f"{len(found)} training images are near-duplicates of test images: "
            f"{', '.join(pairs)}{' …' if len(found) > NAMED else ''}. Take them out of the data "
            "set. Only where different parts look alike under a fixed camera, choose near "
            "duplicates = report."
        )
    return len(found)
