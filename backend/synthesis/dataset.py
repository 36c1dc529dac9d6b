"""A training set in YOLO's layout, mixed from students, image sets and real photographs."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

import numpy as np

from backend import facts
from backend.records import Progress, UserError
from backend.specs import param
from backend.synthesis import imageset
from backend.synthesis.detecting import classes, grouping, sources, yolo_set
from backend.synthesis.detecting.sources import Source
from backend.synthesis.detecting.yolo_set import Item, Rows
from backend.synthesis.vocabulary import VARIATION, VARIATION_HELP

LABELS = ("all", "exact", "hand", "automatic", "centred")
LOOKING = 0.4  # share of the job spent on looking for near-duplicates, where they are sought


@dataclass(frozen=True)
class Spec:
    """Settings of a data set. `centred` boxes are source A's dummies, kept for comparison."""

    source_runs: tuple[str, ...] = param(
        (), "students and image sets to take images from", run=f"distill|{imageset.KINDS}"
    )
    counts: tuple[int, ...] = param(
        (100,),
        "images of each source, one number for all or one a source; 0: all (a student: 200)",
        lo=0,
        hi=100_000,
    )
    real_folder: str = param(
        "",
        "real photographs in YOLO's layout; those of its split 'train' are taken",
        path="folder",
        optional=True,
    )
    real_count: int = param(0, "real photographs to take, 0: all", lo=0, hi=100_000)
    intact_folder: str = param(
        "", "photographs of intact parts to add as negatives", path="folder", optional=True
    )
    intact_count: int = param(0, "photographs of intact parts to take, 0: all", lo=0, hi=100_000)
    classes: str = param(
        "one",
        "one: every defect is of the class 'defect'; keep: classes as they are; or a list with "
        "commas, and boxes of other classes are left out",
    )
    labels: str = param(
        "all",
        "which boxes: as people left them, only exact ones, only by hand, only guessed ones, or a "
        "dummy in the middle; images with other boxes are left out",
        choices=LABELS,
    )
    validation_share: float = param(0.2, "share kept for validation", lo=0.05, hi=0.5)
    group_duplicates: bool = param(
        True,
        "near-duplicates stay in one split, but for a student's samples, which are often all alike",
        advanced=True,
    )
    variation: float = param(VARIATION, f"student: {VARIATION_HELP}", lo=0, hi=1, advanced=True)
    seed: int = param(0, "seed of the samples, the draw and the split", lo=0, hi=2**31 - 1)

    def check(self) -> None:
        if not self.source_runs and not self.real_folder:
            raise UserError("Choose at least one source, or name a folder of real photographs.")
        if len(self.counts) not in (1, len(self.source_runs)) and self.source_runs:
            raise UserError(
                f"Counts has {len(self.counts)} numbers for {len(self.source_runs)} sources. Give "
                "one number for all, or one a source."
            )
        if not classes.names(self.classes, ()):
            raise UserError("Classes is empty. Write one, keep, or class names with commas.")

    def count_of_each(self) -> tuple[int, ...]:
        """Images wanted of each source run."""
        one = len(self.counts) == 1
        return self.counts * len(self.source_runs) if one else self.counts


@dataclass(frozen=True)
class Result:
    """sources: how many images are of each. groups: what cannot be split: a specimen with its
    views and near-duplicates. hash: over image files, boxes and splits; the set's version.
    notes: what was noticed while reading the photographs."""

    images: int
    boxes: int
    empty: int
    training: int
    validation: int
    groups: int
    source: str
    labels: str
    classes: tuple[str, ...]
    hash: str
    notes: tuple[str, ...] = ()


def run(spec: Spec, out_dir: Path, progress: Progress) -> Result:
    """Write images and labels below `artifacts/` with a `data.yaml` for ultralytics."""
    progress(0.0, "reading the sources")
    found = sources.of(spec, out_dir.parent)
    total = sum(len(source.groups) for source in found)
    members = _members(spec, found, total, progress)
    number = np.repeat(np.arange(len(found)), [len(source.groups) for source in found])
    splits = grouping.splits(members, number, spec.validation_share, spec.seed)
    done = LOOKING if spec.group_duplicates else 0.0

    def on_item(k: int) -> None:
        progress(done + (1 - done) * k / total, f"image {k} of {total}")

    names = classes.names(spec.classes, (source.classes for source in found))
    images, boxes = yolo_set.write(out_dir, _all(found), splits, on_item, names)
    _check_splits(images, boxes)
    facts.write(out_dir, "images", images)
    facts.write(out_dir, "boxes", boxes)
    made = _result(spec, out_dir, images, boxes, len(np.unique(members)), names)
    return replace(made, notes=tuple(dict.fromkeys(n for source in found for n in source.notes)))


def _all(found: list[Source]) -> Iterator[Item]:
    return chain.from_iterable(source.items() for source in found)


def _members(spec: Spec, found: list[Source], total: int, progress: Progress) -> np.ndarray:
    """Number of each image's group [N]."""
    groups = [group for source in found for group in source.groups]
    if not spec.group_duplicates:
        return np.unique(groups, return_inverse=True)[1]

    greys, seen = [], []
    for place, item in _looked_at(found):
        progress(LOOKING * place / total, f"looking for near-duplicates, image {place + 1}")
        greys.append(grouping.grey(item.pixels))
        seen.append(place)
    return grouping.joined(groups, greys, seen)


def _looked_at(found: list[Source]) -> Iterator[tuple[int, Item]]:
    """The images that are compared with each other, and their places among all."""
    start = 0
    for source in found:
        if not source.sampled:
            yield from enumerate(source.items(), start)
        start += len(source.groups)


def _check_splits(images: Rows, boxes: Rows) -> None:
    """Raises UserError where one of the splits has no image with a defect."""
    shown = {row["image"] for row in boxes}
    for split in ("train", "val"):
        if not any(row["split"] == split and row["image"] in shown for row in images):
            raise UserError(
                f"No image in the {split} split has a defect. Take more images, train the student "
                "longer, or use labels = centred. Images that are near-duplicates of one another "
                "all go into one split."
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
