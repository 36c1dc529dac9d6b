"""Frozen test images: real ones in YOLO's layout, or fresh rendered ones, marked as such."""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backend import facts, imagefiles, runs
from backend.records import Box, UserError
from backend.synthesis import imageset, pictures
from backend.synthesis.detecting import leaks
from backend.synthesis.labelled import files, yolo, yolo_config

RENDERED_TEST_SEED = 1_900_000_000
RENDERED_DEFECT, RENDERED_INTACT = 60, 30
RENDERED_SIZES = (128, 1024)
NAMED = 3  # pairs that an error spells out


@dataclass(frozen=True)
class LabelledImage:
    """path: absolute. group: images of one specimen share it. boxes in px."""

    name: str
    path: Path
    group: str
    boxes: tuple[Box, ...]
    source: str
    width: int
    height: int


@dataclass(frozen=True)
class HeldOutSet:
    """hash: SHA-256 over image contents and boxes, so that a study can name its test set."""

    images: tuple[LabelledImage, ...]
    real: bool
    hash: str


def load(folder: str, intact_folder: str, out_dir: Path, size: int) -> HeldOutSet:
    """The real test set where a folder is given, else rendered images from seeds kept for tests.

    Raises UserError naming the file that does not fit.
    """
    if not folder:
        return _freeze(_rendered(out_dir, size), real=False)
    images = read_yolo(Path(folder))
    if not any(image.boxes for image in images):
        raise UserError(
            f"No test image of {folder} has a box, so nothing can be found in them. "
            "Labels belong into a folder 'labels' beside 'images'."
        )
    if intact_folder:
        images += read_intact(Path(intact_folder), "test")
    return _freeze(images, real=True)


def _freeze(images: list[LabelledImage], *, real: bool) -> HeldOutSet:
    digest = hashlib.sha256()
    for image in images:
        digest.update(image.path.read_bytes())
        digest.update(repr([tuple(map(float, box.xyxy)) for box in image.boxes]).encode())
    return HeldOutSet(tuple(images), real, digest.hexdigest()[:16])


def _rendered(out_dir: Path, size: int) -> list[LabelledImage]:
    from backend.synthesis import renderer

    size = min(max(size, RENDERED_SIZES[0]), RENDERED_SIZES[1])
    found = []
    for index in range(RENDERED_DEFECT + RENDERED_INTACT):
        defects = (1, 3) if index < RENDERED_DEFECT else (0, 0)
        made = renderer.render(RENDERED_TEST_SEED + index, size, defects=defects)
        path = out_dir / "artifacts" / "test" / f"test_{index:04d}.png"
        pictures.write(path, made.image)
        found.append(LabelledImage(path.stem, path, path.stem, made.boxes, "rendered", size, size))
    return found


def read_yolo(folder: Path, split: str = "test") -> list[LabelledImage]:
    """Images and boxes of one split of a YOLO folder, grouped by `metadata.csv` if it is there."""
    config = yolo_config.read(folder)
    groups = files.table(folder / "metadata.csv", "group")
    if not config.splits[split]:
        raise UserError(f"{config.path} names no '{split}' images. Add a line '{split}:'.")
    root = folder.resolve()
    return [
        _labelled(path, root, config, groups) for path in yolo_config.split_images(config, split)
    ]


def _labelled(
    path: Path, root: Path, config: yolo_config.Config, groups: dict[str, str]
) -> LabelledImage:
    name = path.relative_to(root).with_suffix("").as_posix()
    height, width = imagefiles.read_rgb(path).shape[:2]
    lines = yolo.lines_of(yolo.label_of(path, root), config.names, width, height)
    boxes = tuple(Box(line.class_name, line.corners, source="hand") for line in lines)
    return LabelledImage(name, path, groups.get(path.name, name), boxes, "real", width, height)


def split_files(folder: Path, split: str) -> list[Path]:
    """Images of a folder; where `<folder>.csv` beside it assigns splits, only those of `split`."""
    found = imagefiles.image_files(folder)
    table = folder.parent / f"{folder.name}.csv"
    splits = files.table(table, "split")
    if not splits:
        return found
    chosen = [path for path in found if splits.get(path.name) == split]
    if not chosen:
        raise UserError(f"{table} assigns no image of {folder} to '{split}'. Correct its 'split'.")
    return chosen


def read_intact(folder: Path, split: str) -> list[LabelledImage]:
    """Photographs of intact parts, of one split where `<folder>.csv` beside them assigns any."""
    groups = files.table(folder.parent / f"{folder.name}.csv", "group")
    return [_intact(path, groups.get(path.name, path.stem)) for path in split_files(folder, split)]


def _intact(path: Path, group: str) -> LabelledImage:
    height, width = imagefiles.read_rgb(path).shape[:2]
    return LabelledImage(f"intact/{path.stem}", path, group, (), "real intact", width, height)


def refuse_leaks(test: HeldOutSet, dataset: Path, near: str = "refuse") -> int:
    """The number of training images that look like a test image, which `near` = report allows.

    Raises UserError where a training image, or a photograph behind one, is a test image, and with
    `near` = refuse also where it is a near-duplicate of one.
    """
    found = leaks.search(test.images, dataset)
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


def of_run(run_folder: Path) -> HeldOutSet:
    """The test set a finished run of the kind `testset` froze.

    Raises UserError where its images are not those it froze.
    """
    boxes = facts.read(run_folder, "boxes")
    known = imageset.boxes_by_image(boxes)
    images = [
        _frozen(run_folder, row, known.get(str(row["image"]), ()))
        for row in imageset.records(facts.read(run_folder, "images"))
    ]
    frozen = _freeze(images, real=True)
    if frozen.hash != (runs.read(run_folder).result or {}).get("hash"):
        raise UserError(
            f"The images of the frozen test set {run_folder.name} were changed. Freeze it again."
        )
    return frozen


def _frozen(folder: Path, row: Mapping[str, Any], boxes: tuple[Box, ...]) -> LabelledImage:
    path = folder / str(row["path"])
    height, width = imagefiles.read_rgb(path).shape[:2]
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
    return [pictures.box_row(image.name, box) for box in image.boxes]
