"""Test images out of imported ones: a share of the parts is put aside, each with all its views."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress
from pathlib import Path
from typing import Any

import numpy as np

from backend.detection.dataset.splits import joined
from backend.detection.testset import imported
from backend.images import curation, duplicates, imageset
from backend.images.labelled_image import LabelledImage, LabelledSet
from backend.records import Progress, UserError

Row = dict[str, Any]


@dataclass(frozen=True)
class Drawn:
    """The test images, and a row of the table `put_aside` for every image of their parts."""

    photographs: LabelledSet
    put_aside: list[Row]


def draw(run_folder: Path, share: float, seed: int, alike: bool, progress: Progress) -> Drawn:
    """Test images from about `share` of the parts of an imported set, with defects and without.

    alike: parts with near-duplicates count as one. Raises UserError where nothing can be tested on,
    or nothing would be left to train on.
    """
    kept = imageset.from_rows(run_folder, *curation.kept(run_folder))
    usable = {i.name: i for i in imported.photographs(run_folder, kept)}
    every = imageset.from_rows(run_folder, curation.images(run_folder), curation.boxes(run_folder))
    shown = [usable.get(image.name) for image in every]  # None: rejected, or not labelled
    digests, greys = _looked_at(every, progress)
    groups = [imported.group_of(run_folder.name, image) for image in every]
    members = joined(groups, greys if alike else [], range(len(every)) if alike else [])
    tested = np.array([image is not None for image in shown])
    marked = np.array([bool(image and image.boxes) for image in shown])
    away = np.isin(members, _parts(members[tested], marked[tested], share, seed))
    images = tuple(image for image, wanted in zip(shown, away, strict=True) if image and wanted)
    told = (
        f"{len(images)} of {len(usable)} photographs were put aside; "
        f"{len(usable) - len(images)} are left to learn from."
    )
    put_aside = [
        {"source_run": run_folder.name, "image": image.name, "group": group, "digest": digest}
        for image, group, digest in compress(zip(every, groups, digests, strict=True), away)
    ]
    return Drawn(LabelledSet(images, notes=(told,)), put_aside)


def _looked_at(
    images: Sequence[LabelledImage], progress: Progress
) -> tuple[list[str], list[np.ndarray]]:
    """Hash and small grey picture of each image."""
    digests, greys = [], []
    for place, image in enumerate(images):
        progress(0.5 * place / len(images), f"looking at image {place + 1} of {len(images)}")
        pixels = image.read_rgb()
        digests.append(duplicates.digest(pixels))
        greys.append(duplicates.grey(pixels))
    return digests, greys


def _parts(members: np.ndarray, marked: np.ndarray, share: float, seed: int) -> np.ndarray:
    """Numbers of the parts to put aside: about `share` of those with a defect, and of the others.

    members: number of each image's part [N]. marked: does the image show a defect? [N]
    """
    random = np.random.default_rng(seed)
    defective = np.unique(members[marked])
    good = np.setdiff1d(members, defective)
    if share < 1 and len(defective) < 2:
        raise UserError(
            "Aside share: all images with a defect show one part, or look alike, so they cannot be "
            "divided. Import more parts, or put all aside (1)."
        )
    drawn = [random.permutation(kind)[: _count(len(kind), share)] for kind in (defective, good)]
    return np.concatenate(drawn)


def _count(parts: int, share: float) -> int:
    """How many of the parts are put aside: at least one, and one stays, where there are two."""
    return parts if share == 1 else int(np.clip(round(share * parts), min(1, parts - 1), parts - 1))
