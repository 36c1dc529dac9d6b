"""Where the images of a data set come from: students, image sets, real photographs."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from backend.core import runs
from backend.core.runs import Run
from backend.detection.dataset.spec import Spec
from backend.detection.testset import test_images
from backend.detection.testset.test_images import LabelledImage, Photographs
from backend.detection.yolo_set import ONE_CLASS, Item, class_names
from backend.images import imagefiles, imageset, pictures
from backend.images.boxes import boxes_of, centred_box
from backend.records import Box, UserError
from backend.students.distill.job import size_of

BATCH = 16
OF_A_STUDENT = 200  # images, where none are counted
AS_DRAWN = ("exact", "hand", "centred")  # sources of boxes that no labeller guessed


@dataclass(frozen=True)
class Source:
    """groups: the specimen of each image. classes: of its boxes. items: makes the images, the
    same ones each time. sampled: by a student, whose samples are often all alike. notes: what was
    noticed while reading."""

    groups: list[str]
    classes: frozenset[str]
    items: Callable[[], Iterator[Item]]
    sampled: bool = False
    notes: tuple[str, ...] = ()


def of(spec: Spec, runs_folder: Path) -> list[Source]:
    """The sources a data set's settings name. Raises UserError for one that has nothing to give."""
    found = []
    for run_id, count in zip(spec.source_runs, spec.count_of_each(), strict=True):
        run = runs.read(runs_folder / run_id)
        found.append(
            _sampled(spec, run, count) if run.kind == "distill" else _set(spec, run, count)
        )
    if spec.real_folder or spec.intact_folder:
        found += _real(spec, runs_folder)
    return [_of_classes(source, spec.classes) for source in found]


def _real(spec: Spec, runs_folder: Path) -> list[Source]:
    """The real photographs, and those of intact parts."""
    read = Photographs(())
    if spec.real_folder:
        read += test_images.read_yolo(Path(spec.real_folder), "train")
    if spec.intact_folder:
        read += test_images.read_intact(Path(spec.intact_folder), "train")
    real = [image for image in read.images if image.source == "real"]
    intact = [image for image in read.images if image.source != "real"]
    found = []
    if real:
        found.append(replace(_photographs(spec, real), notes=read.notes))
    if intact:
        size = 0 if real else _size_of(runs_folder / spec.source_runs[0])
        chosen = drawn(intact, spec.intact_count, spec.seed)
        found.append(replace(_of_photographs(chosen, spec.labels, size), notes=read.notes))
    return found


def _of_classes(source: Source, wanted: str) -> Source:
    """The source with the boxes of the wanted classes alone, where they are listed."""
    if wanted in ("one", "keep"):
        return source
    listed = class_names(wanted, ())

    def items() -> Iterator[Item]:
        for item in source.items():
            yield replace(item, boxes=[box for box in item.boxes if box.class_name in listed])

    return replace(source, classes=source.classes & frozenset(listed), items=items)


def _sampled(spec: Spec, student: Run, count: int) -> Source:
    """A student's samples."""
    from backend.students.sampler import Sampler

    if spec.labels in ("hand", "automatic"):
        raise UserError("A student paints its labels. Choose labels = all, exact or centred.")
    sampler = Sampler(student.folder)
    if spec.labels != "centred" and not sampler.paints_mask:
        raise UserError("The paper's student paints no mask. Choose labels = centred.")
    seeds = [spec.seed + k for k in range(count or OF_A_STUDENT)]

    def items() -> Iterator[Item]:
        for start in range(0, len(seeds), BATCH):
            part = seeds[start : start + BATCH]
            images, masks = sampler.sample(part, spec.variation)
            for seed, pixels, mask in zip(part, images, masks, strict=True):
                boxes = _painted(spec.labels, pixels, mask > 0.5)
                yield Item(pixels, boxes, "student", f"{student.id} seed {seed}", seed)

    groups = [f"{student.id} seed {seed}" for seed in seeds]
    return Source(groups, frozenset(ONE_CLASS), items, sampled=True)


def _painted(labels: str, pixels: np.ndarray, mask: np.ndarray) -> list[Box]:
    if labels == "centred":
        return centred_box(*pixels.shape[:2])
    return boxes_of(mask, ONE_CLASS[0])


def _set(spec: Spec, source: Run, count: int) -> Source:
    """A run's labelled images, with boxes as people left them."""
    rows, boxes = imageset.read(source.folder)
    known = imageset.boxes_by_image(boxes)
    fits = [_fits(known.get(str(name), ()), spec.labels) for name in rows["image"]]
    chosen = imageset.labelled(rows[np.array(fits, bool)])
    if chosen.empty:
        raise UserError(
            f"No image of '{source.name or source.id}' has labels of the kind '{spec.labels}'. "
            "Make labels on the page Automatic labels, or draw them on Labels and curation."
        )
    chosen = chosen.head(count) if count else chosen
    groups = [_group(source, row) for row in imageset.records(chosen)]

    def items() -> Iterator[Item]:
        for row, group in zip(imageset.records(chosen), groups, strict=True):
            pixels = imagefiles.read_rgb(source.folder / row["path"])
            shown = _shown(known.get(row["image"], ()), spec.labels, pixels)
            yield Item(pixels, shown, row["source"], group)

    return Source(groups, _classes_of(boxes, spec.labels), items)


def _group(source: Run, row: dict[str, object]) -> str:
    """The specimen's name; an image that is its own specimen is told apart from other runs'."""
    own = row["group"] in (None, "", row["image"]) or row["group"] != row["group"]
    return f"{source.id} {row['image']}" if own else str(row["group"])


def _fits(boxes: Sequence[Box], labels: str) -> bool:
    """Are all boxes of the wanted kind? An image without any is intact, and fits."""
    if labels in ("all", "centred"):
        return True
    if labels == "automatic":
        return all(box.source not in AS_DRAWN for box in boxes)
    return all(box.source == labels for box in boxes)


def _shown(boxes: Sequence[Box], labels: str, pixels: np.ndarray) -> list[Box]:
    return centred_box(*pixels.shape[:2]) if labels == "centred" else list(boxes)


def _classes_of(boxes: pd.DataFrame, labels: str) -> frozenset[str]:
    return frozenset(ONE_CLASS if labels == "centred" else boxes["class_name"].astype(str))


def _photographs(spec: Spec, images: list[LabelledImage]) -> Source:
    fitting = [image for image in images if _fits(image.boxes, spec.labels)]
    if not fitting:
        raise UserError(
            f"The boxes of {spec.real_folder} are drawn by hand; labels = {spec.labels} leaves no "
            "image. Choose labels = all or hand."
        )
    return _of_photographs(drawn(fitting, spec.real_count, spec.seed), spec.labels)


def drawn(images: Sequence[LabelledImage], count: int, seed: int) -> list[LabelledImage]:
    """`count` images drawn by chance, 0: all. Views of one specimen are drawn one after another;
    a smaller draw with the same seed is part of a larger one."""
    if not count:
        return list(images)
    groups = sorted({image.group for image in images})
    place = dict(zip(groups, np.random.default_rng(seed).permutation(len(groups)), strict=True))
    return sorted(images, key=lambda image: (place[image.group], image.name))[:count]


def _of_photographs(images: list[LabelledImage], labels: str, size: int = 0) -> Source:
    """size: edge length of the pictures, which have no boxes then; 0: as they are."""

    def items() -> Iterator[Item]:
        for image in images:
            pixels = image.read_rgb()
            shown = pictures.resized(pixels, size) if size else pixels
            dummy = labels == "centred" and image.boxes
            boxes = centred_box(*shown.shape[:2]) if dummy else list(image.boxes)
            yield Item(shown, boxes, image.source, image.group)

    classes = {box.class_name for image in images for box in image.boxes}
    dummies = frozenset(ONE_CLASS) if classes else frozenset[str]()
    known = dummies if labels == "centred" else frozenset(classes)
    return Source([image.group for image in images], known, items)


def _size_of(run_folder: Path) -> int:
    """Edge length of a run's images, px; 0 where they are not all of one size and square."""
    run = runs.read(run_folder)
    if run.kind == "distill":
        return size_of(run)
    rows, _ = imageset.read(run_folder)
    sizes = {imagefiles.size(run_folder / path) for path in rows["path"]}
    width, height = sizes.pop() if len(sizes) == 1 else (0, 0)
    return width if width == height else 0
