"""A training set in YOLO's layout, mixed from students, image sets and real photographs."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path

import numpy as np

from backend.core import facts
from backend.detection import yolo_set
from backend.detection.dataset import sources
from backend.detection.dataset.sources import Source
from backend.detection.dataset.spec import Result, Spec
from backend.detection.dataset.splits import divided, joined
from backend.detection.yolo_set import Rows
from backend.images import duplicates, fits
from backend.images.labelled_image import LabelledImage
from backend.records import Progress, UserError

check_inputs = fits.check
HELD = (
    " So do the images of a specimen that a validation run shows, what looks like its images, and "
    "composites made on them: choose other validation runs."
)
LOOKING = 0.4  # share of the job spent on looking for near-duplicates, where they are sought


def run(spec: Spec, out_dir: Path, progress: Progress) -> Result:
    """Write images and labels below `artifacts/` with a `data.yaml` for ultralytics."""
    progress(0.0, "reading the sources")
    found = sources.of(spec, out_dir, progress)
    total = sum(len(source.groups) for source in found)
    members = _members(spec, found, total, progress)
    number = np.repeat(np.arange(len(found)), [len(source.groups) for source in found])
    held = [place for place, source in enumerate(found) if source.held]
    splits = divided(members, number, spec.validation_share, spec.seed, held)
    done = LOOKING if spec.group_duplicates else 0.0

    def on_item(k: int) -> None:
        progress(done + (1 - done) * k / total, f"image {k} of {total}")

    names = spec.class_names(source.classes for source in found)
    images, boxes = yolo_set.write(out_dir, _all(found), splits, on_item, names)
    _check_splits(images, boxes, bool(held))
    facts.write(out_dir, "images", images)
    facts.write(out_dir, "boxes", boxes)
    made = _result(spec, out_dir, images, boxes, len(np.unique(members)), names)
    return replace(made, notes=tuple(dict.fromkeys(n for source in found for n in source.notes)))


def _all(found: list[Source]) -> Iterator[LabelledImage]:
    return chain.from_iterable(source.items() for source in found)


def _members(spec: Spec, found: list[Source], total: int, progress: Progress) -> np.ndarray:
    """Number of each image's group [N]."""
    groups = [group for source in found for group in source.groups]
    if not spec.group_duplicates:
        return np.unique(groups, return_inverse=True)[1]

    greys, seen = [], []
    for place, item in _looked_at(found):
        progress(LOOKING * place / total, f"looking for near-duplicates, image {place + 1}")
        greys.append(duplicates.grey(item.read_rgb()))
        seen.append(place)
    return joined(groups, greys, seen)


def _looked_at(found: list[Source]) -> Iterator[tuple[int, LabelledImage]]:
    """The images that are compared with each other, and their places among all."""
    start = 0
    for source in found:
        if not source.sampled:
            yield from enumerate(source.items(), start)
        start += len(source.groups)


def _check_splits(images: Rows, boxes: Rows, held: bool) -> None:
    """Raises UserError where one of the splits has no image with a defect. held: whether sets are
    kept for validation whole."""
    shown = {row["image"] for row in boxes}
    for split in ("train", "val"):
        if not any(row["split"] == split and row["image"] in shown for row in images):
            raise UserError(
                f"No image in the {split} split has a defect. Take more images, train the student "
                "longer, or use labels = centred. Images that are near-duplicates of one another "
                "all go into one split." + HELD * held
            )


def _result(
    spec: Spec, out_dir: Path, images: Rows, boxes: Rows, groups: int, names: tuple[str, ...]
) -> Result:
    splits = Counter(row["split"] for row in images)
    counted = Counter(row["source"] for row in images)
    return Result(
        images=len(images),
        boxes=len(boxes),
        empty=len(images) - len({row["image"] for row in boxes}),
        training=splits["train"],
        validation=splits["val"],
        groups=groups,
        source=", ".join(f"{count} {name}" for name, count in counted.items()),
        labels=spec.labels,
        classes=names,
        hash=yolo_set.digest(out_dir, images, boxes),
    )
