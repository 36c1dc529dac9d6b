"""Where the images of a data set come from: students, image sets, real photographs."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import compress
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from backend.composites.spec import Spec as CompositeSpec
from backend.core import runs
from backend.core.runs import Run
from backend.detection.dataset.spec import Spec
from backend.detection.leaks import TestPrints
from backend.detection.testset import test_images
from backend.images import archives, curation, imageset, pictures
from backend.images.boxes import boxes_of, centred_box
from backend.images.labelled_image import LabelledImage, LabelledSet, Origin
from backend.images.vocabulary import BELOW, DRAWN, IMPORTED, ONE_CLASS
from backend.records import Box, Progress, UserError
from backend.students.distill.job import size_of
from backend.wording import counted

if TYPE_CHECKING:
    from backend.students.sampler import Sampler

BATCH = 16
OF_A_STUDENT = 200  # images, where none are counted


@dataclass(frozen=True)
class Source:
    """groups: the specimen of each image. classes: of its boxes. items: makes the images, the
    same ones each time. sampled: by a student, whose samples are often all alike. held: all are for
    validation. notes: what was noticed while reading."""

    groups: list[str]
    classes: frozenset[str]
    items: Callable[[], Iterator[LabelledImage]]
    sampled: bool = False
    held: bool = False
    notes: tuple[str, ...] = ()


def of(spec: Spec, out_dir: Path, progress: Progress) -> list[Source]:
    """The sources a data set's settings name. Raises UserError for one that has nothing to give."""
    found = []
    for run_id, count in zip(spec.source_runs, spec.count_of_each(), strict=True):
        run = runs.read(out_dir.parent / run_id)
        found.append(
            _sampled(spec, run, count) if run.kind == "distill" else _set(spec, run, count)
        )
    if spec.real_folder or spec.intact_folder:
        found += _real(spec, out_dir, progress)
    for run_id in spec.validation_runs:
        found.append(replace(_set(spec, runs.read(out_dir.parent / run_id), 0), held=True))
    found = [kept for source in found if (kept := _of_classes(source, spec)).groups]
    return _without(found, spec, out_dir) if spec.without_runs else found


def _without(found: list[Source], spec: Spec, out_dir: Path) -> list[Source]:
    """The sources without the images that are or look like an image of a test set."""
    sets = [test_images.of_run(runs.sibling(out_dir, run_id)) for run_id in spec.without_runs]
    prints = TestPrints([image for test in sets for image in test.images])
    cut = [_unlike(source, prints) for source in found]
    if not any(source.groups for source in cut):
        raise UserError("Without runs: every image is or looks like a test image. Add others.")
    return [source for source in cut if source.groups]


def _unlike(source: Source, prints: TestPrints) -> Source:
    wanted = [prints.find(item.read_rgb()) is None for item in source.items()]
    away = wanted.count(False)
    told = (f"{away} of the images are or look like a test image: left out.",) if away else ()
    return replace(
        source,
        groups=list(compress(source.groups, wanted)),
        items=lambda: compress(source.items(), wanted),
        notes=(*source.notes, *told),
    )


def _real(spec: Spec, out_dir: Path, progress: Progress) -> list[Source]:
    """The real photographs, and those of intact parts."""
    read = LabelledSet(())
    if spec.real_folder:
        place = archives.opened(Path(spec.real_folder), out_dir / "checkpoint" / "real", progress)
        read += test_images.read_yolo(place, "train")
    if spec.intact_folder:
        place = Path(spec.intact_folder)
        place = archives.opened(place, out_dir / "checkpoint" / "intact", progress)
        read += test_images.read_intact(place, "train")
    real = [image for image in read.images if image.source == "real"]
    intact = [image for image in read.images if image.source != "real"]
    found = []
    if real:
        found.append(replace(_photographs(spec, real), notes=read.notes))
    if intact:
        size = 0 if real else _size_of(out_dir.parent / spec.source_runs[0])
        chosen = drawn(intact, spec.intact_count, spec.seed)
        found.append(replace(_of_photographs(chosen, spec.labels, size), notes=read.notes))
    return found


def _of_classes(source: Source, spec: Spec) -> Source:
    """The source with the boxes of the wanted classes alone, where they are listed. Of those held
    for validation, images that show others alone are left out: they are no good parts."""
    if spec.classes in ("one", "keep"):
        return source
    listed = spec.class_names(())

    def wanted(item: LabelledImage) -> tuple[Box, ...]:
        return tuple(box for box in item.boxes if box.class_name in listed)

    def taken(item: LabelledImage) -> bool:
        return not source.held or not item.boxes or bool(wanted(item))

    def items() -> Iterator[LabelledImage]:
        for item in filter(taken, source.items()):
            yield replace(item, boxes=wanted(item))

    classes = source.classes & frozenset(listed)
    if not source.held:
        return replace(source, classes=classes, items=items)
    groups = [item.group for item in source.items() if taken(item)]
    away = len(source.groups) - len(groups)
    told = (
        f"{counted(away, 'image')} kept for validation with defects of other classes alone: left "
        "out.",
    )
    notes = (*source.notes, *(told if away else ()))
    return replace(source, groups=groups, classes=classes, items=items, notes=notes)


def _sampled(spec: Spec, student: Run, count: int) -> Source:
    """A student's samples."""
    from backend.students.sampler import Sampler

    if spec.labels in ("hand", "automatic"):
        raise UserError("A student paints its labels. Choose labels = all, exact or centred.")
    sampler = Sampler(student.folder)
    if spec.labels != "centred" and not sampler.paints_mask:
        raise UserError("The paper's student paints no mask. Choose labels = centred.")
    seeds = [spec.seed + k for k in range(count or OF_A_STUDENT)]

    def items() -> Iterator[LabelledImage]:
        for image in painted(sampler, seeds, spec.variation, spec.labels == "centred"):
            yield replace(image, group=f"{student.id} {image.group}")

    groups = [f"{student.id} seed {seed}" for seed in seeds]
    return Source(groups, frozenset(ONE_CLASS), items, sampled=True)


def painted(
    sampler: "Sampler", seeds: Sequence[int], variation: float, centred: bool
) -> Iterator[LabelledImage]:
    """A student's samples with boxes from the masks it painted, or source A's dummies."""
    for start in range(0, len(seeds), BATCH):
        part = list(seeds[start : start + BATCH])
        for seed, pixels, mask in zip(part, *sampler.sample(part, variation), strict=True):
            boxes = tuple(boxes_of(mask > 0.5, ONE_CLASS[0]))
            group, origin = f"seed {seed}", Origin(seed)
            image = LabelledImage(pixels, "student", boxes, group=group, origin=origin)
            yield _centred(image) if centred else image


def _set(spec: Spec, source: Run, count: int) -> Source:
    """A run's labelled images, with boxes as people left them."""
    images = imageset.read(source.folder)
    chosen = [image for image in images if image.labelled and _fits(image.boxes, spec.labels)]
    if not chosen:
        raise UserError(
            f"No image of '{source.name or source.id}' has labels of the kind '{spec.labels}'. "
            "Make labels on the page Automatic labels, or draw them on Labels and curation."
        )
    chosen = [_told_apart(source, image) for image in (chosen[:count] if count else chosen)]
    away = len(curation.kept(source.folder)[0]) - len(images)
    told = f"{away} of the images of '{source.name or source.id}' were put aside for tests."
    if spec.labels == "centred":
        images = chosen = [_centred(image) if image.boxes else image for image in chosen]
    return Source(
        *([i.group for i in chosen], _classes_of(images), lambda: iter(chosen)),
        notes=(told,) if away else (),
    )


def _told_apart(source: Run, image: LabelledImage) -> LabelledImage:
    """An image that is its own specimen is told apart from other runs'; a composite is of the
    specimen of the photograph that it was made on."""
    run_id, name = source.id, image.name
    if source.kind == "composite" and BELOW in image.origin.params:
        run_id, name = runs.spec(source, CompositeSpec).goods_run, image.origin.params[BELOW]
    return replace(image, group=f"{run_id} {name}") if image.group == name else image


def _centred(image: LabelledImage) -> LabelledImage:
    """With source A's dummy in place of its boxes."""
    width, height = image.size
    return replace(image, boxes=tuple(centred_box(height, width)))


def _fits(boxes: Sequence[Box], labels: str) -> bool:
    """Are all boxes of the wanted kind? An image without any is intact, and fits."""
    if labels in ("all", "centred"):
        return True
    if labels == "automatic":
        return all(box.source not in (*DRAWN, "centred") for box in boxes)
    wanted = ("hand", IMPORTED) if labels == "hand" else (labels,)
    return all(box.source in wanted for box in boxes)


def _classes_of(images: Sequence[LabelledImage]) -> frozenset[str]:
    return frozenset(box.class_name for image in images for box in image.boxes)


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

    shown = [_centred(i) if labels == "centred" and i.boxes else i for i in images]

    def items() -> Iterator[LabelledImage]:
        for image in shown:
            small = pictures.resized(image.read_rgb(), size) if size else None
            yield image if small is None else image.at_size_of(small)

    return Source([image.group for image in shown], _classes_of(shown), items)


def _size_of(run_folder: Path) -> int:
    """Edge length of a run's images, px; 0 where they are not all of one size and square."""
    run = runs.read(run_folder)
    if run.kind == "distill":
        return size_of(run)
    sizes = {image.size for image in imageset.read(run_folder)}
    width, height = sizes.pop() if len(sizes) == 1 else (0, 0)
    return width if width == height else 0
