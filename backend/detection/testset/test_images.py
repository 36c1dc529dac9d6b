"""Frozen test images: real ones in YOLO's layout, or fresh rendered ones, marked as such."""

import hashlib
import os
import shutil
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np

from backend.core import facts, runs
from backend.detection.testset.spec import Result
from backend.images import imagefiles, imageset, tables
from backend.images.boxes import box_row
from backend.images.folder import scan, stem_of
from backend.images.formats import detect
from backend.images.formats.image import Labelled, Marks
from backend.images.imagefiles import Depth
from backend.images.masks import pictures as pictures_of
from backend.records import Box, UserError

RENDERED_TEST_SEED = 1_900_000_000
RENDERED_DEFECT, RENDERED_INTACT = 60, 30
RENDERED_SIZES = (128, 1024)
COPIED = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff")  # that ultralytics reads


@dataclass(frozen=True)
class LabelledImage:
    """path: absolute. group: images of one specimen share it. boxes in px. depth: of its set."""

    name: str
    path: Path
    group: str
    boxes: tuple[Box, ...]
    source: str
    width: int
    height: int
    depth: Depth | None = None

    def read_rgb(self) -> np.ndarray:
        """The pixels uint8 [H, W, 3]. Raises UserError where the file cannot be read."""
        return imagefiles.read_rgb(self.path, self.depth)

    def copy_to(self, folder: Path, stem: str) -> Path:
        """The image as a file of its own that ultralytics reads with these same pixels."""
        suffix = self.path.suffix.lower()
        if self.depth is None and suffix in COPIED:
            return Path(shutil.copyfile(self.path, folder / f"{stem}{suffix}"))
        imagefiles.write(folder / f"{stem}.png", self.read_rgb())
        return folder / f"{stem}.png"


@dataclass(frozen=True)
class Photographs:
    """Real images of one split, and what was noticed while reading them."""

    images: tuple[LabelledImage, ...]
    notes: tuple[str, ...] = ()

    def __add__(self, other: "Photographs") -> "Photographs":
        """Both, their deep pictures scaled alike."""
        images = (*self.images, *other.images)
        found = {image.depth for image in images if image.depth is not None}
        depth = reduce(Depth.joined, found) if found else None
        scaled = tuple(replace(image, depth=image.depth and depth) for image in images)
        return Photographs(scaled, (*self.notes, *other.notes))


@dataclass(frozen=True)
class HeldOutSet:
    """hash: SHA-256 over image contents and boxes, so that a study can name its test set.
    notes: what was noticed while reading."""

    images: tuple[LabelledImage, ...]
    real: bool
    hash: str
    notes: tuple[str, ...] = ()


def load(folder: str, intact_folder: str, out_dir: Path, size: int) -> HeldOutSet:
    """The real test set where a folder is given, else rendered images from seeds kept for tests.

    Raises UserError naming the file that does not fit.
    """
    if not folder:
        return frozen(_rendered(out_dir, size), real=False)
    found = read_yolo(Path(folder))
    if not any(image.boxes for image in found.images):
        raise UserError(
            f"No test image of {folder} has a box, so nothing can be found in them. "
            f"Labels belong into a folder 'labels' beside 'images'. {' '.join(found.notes)}"
        )
    if intact_folder:
        found += read_intact(Path(intact_folder), "test")
    return replace(frozen(found.images, real=True), notes=found.notes)


def frozen(images: Iterable[LabelledImage], *, real: bool) -> HeldOutSet:
    """The images with their hash."""
    digest = hashlib.sha256()
    kept = tuple(images)
    for image in kept:
        digest.update(image.path.read_bytes())
        digest.update(repr([tuple(map(float, box.xyxy)) for box in image.boxes]).encode())
    return HeldOutSet(kept, real, digest.hexdigest()[:16])


def _rendered(out_dir: Path, size: int) -> list[LabelledImage]:
    from backend import renderer

    size = min(max(size, RENDERED_SIZES[0]), RENDERED_SIZES[1])
    found = []
    for index in range(RENDERED_DEFECT + RENDERED_INTACT):
        defects = (1, 3) if index < RENDERED_DEFECT else (0, 0)
        made = renderer.render(RENDERED_TEST_SEED + index, size, defects=defects)
        path = out_dir / "artifacts" / "test" / f"test_{index:04d}.png"
        imagefiles.write(path, made.image)
        found.append(LabelledImage(path.stem, path, path.stem, made.boxes, "rendered", size, size))
    return found


def read_yolo(folder: Path, split: str = "test") -> Photographs:
    """Images and boxes of one split of a YOLO folder, grouped by `metadata.csv` if it is there.

    Images with marks that were not read are left out. Raises UserError where none is left.
    """
    found = detect.read(folder.expanduser(), "yolo", split=split)
    images = [image for image in found.images if image.marks is not Marks.UNREAD]
    if not images:
        raise UserError(f"No '{split}' image of {folder} can be taken. {' '.join(found.notes)}")
    return Photographs(tuple(_real(image) for image in images), found.notes)


def _real(image: Labelled) -> LabelledImage:
    return LabelledImage(
        image.name,
        image.path,
        image.group,
        tuple(replace(box, source="hand") for box in image.boxes),
        "real",
        image.width,
        image.height,
        image.depth,
    )


def read_intact(folder: Path, split: str) -> Photographs:
    """Photographs of intact parts, of one split where a table assigns any: `<folder>.csv` beside
    them, or `metadata.csv` among them."""
    found = scan(folder.expanduser())
    beside = found.root.parent / f"{found.root.name}.csv"
    named = [path for path in (beside, *tables.metadata(found)) if path.is_file()]
    about = tables.about(found, named)
    chosen = taken = pictures_of(found)
    where = f"{', '.join(path.name for path in named)}: "
    splits = {p: tables.split_of(about.of(p, "split"), where + found.relative(p)) for p in chosen}
    told: list[str] = []
    if any(splits.values()):
        chosen = [path for path in chosen if splits[path] == split]
        without = sum(not given for given in splits.values())
        told = [f"{without} images of {folder} are given no split: left out."] if without else []
        if not chosen:
            raise UserError(
                f"{named[0]} assigns no image of {folder} to '{split}'. Correct its 'split'."
            )
    depth = imagefiles.depth_of(taken)
    names = _unique_names([found.relative(path) for path in chosen])
    images = tuple(
        _intact(path, name, about.of(path, "group") or name, depth)
        for path, name in zip(chosen, names, strict=True)
    )
    told += imagefiles.told_of(chosen, depth)
    return Photographs(images, (*told, *found.left_out(), *about.notes))


def _unique_names(relative: list[str]) -> list[str]:
    """Paths without suffix, with it where two would be alike."""
    times = Counter(stem_of(name) for name in relative)
    return [name if times[stem_of(name)] > 1 else stem_of(name) for name in relative]


def _intact(path: Path, name: str, group: str, depth: Depth) -> LabelledImage:
    own = depth if depth.count else None
    return LabelledImage(
        f"intact/{name}", path, group, (), "real intact", *imagefiles.size(path), own
    )


def of_run(run_folder: Path) -> HeldOutSet:
    """The test set a finished run of the kind `testset` froze.

    Raises UserError where its images are not those it froze.
    """
    boxes = facts.read(run_folder, "boxes")
    known = imageset.boxes_by_image(boxes)
    images = [
        _kept(run_folder, row, known.get(str(row["image"]), ()))
        for row in imageset.records(facts.read(run_folder, "images"))
    ]
    found = frozen(images, real=True)
    result = runs.result(runs.read(run_folder), Result)
    if found.hash != result.hash:
        raise UserError(
            f"The images of the frozen test set {run_folder.name} were changed. Freeze it again."
        )
    return replace(found, notes=result.notes)


def _kept(folder: Path, row: Mapping[str, Any], boxes: tuple[Box, ...]) -> LabelledImage:
    path = folder / str(row["path"])
    width, height = imagefiles.size(path)
    name, group, source = (str(row[key]) for key in ("image", "group", "source"))
    return LabelledImage(name, path, group, boxes, source, width, height)


def image_row(image: LabelledImage, run_folder: Path) -> dict[str, Any]:
    """The image as a row of the table `images` of a run; a path in the storage stays relative."""
    inside = image.path.is_relative_to(run_folder.parent)
    return {
        "image": image.name,
        "path": os.path.relpath(image.path, run_folder) if inside else str(image.path),
        "source": image.source,
        "group": image.group,
        "split": "test",
    }


def box_rows(image: LabelledImage) -> list[dict[str, Any]]:
    return [box_row(image.name, box) for box in image.boxes]
