"""Frozen test images: real ones in YOLO's layout, or fresh rendered ones, marked as such."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from backend import facts, runs
from backend.records import Box, UserError
from backend.synthesis import pictures
from backend.synthesis.labelled import files, yolo, yolo_config

RENDERED_TEST_SEED = 1_900_000_000
RENDERED_DEFECT, RENDERED_INTACT = 60, 30
RENDERED_SIZES = (128, 1024)


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
        groups = files.table(
            Path(intact_folder).parent / f"{Path(intact_folder).name}.csv", "group"
        )
        intact = split_files(Path(intact_folder), "test")
        images += [_intact(path, groups.get(path.name, path.stem)) for path in intact]
    return _freeze(images, real=True)


def _freeze(images: list[LabelledImage], *, real: bool) -> HeldOutSet:
    digest = hashlib.sha256()
    for image in images:
        digest.update(image.path.read_bytes())
        digest.update(repr([box.xyxy for box in image.boxes]).encode())
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
    height, width = pictures.read_rgb(path).shape[:2]
    lines = yolo.lines_of(yolo.label_of(path, root), config.names, width, height)
    boxes = tuple(Box(line.class_name, line.corners, source="hand") for line in lines)
    return LabelledImage(name, path, groups.get(path.name, name), boxes, "real", width, height)


def split_files(folder: Path, split: str) -> list[Path]:
    """Images of a folder; where `<folder>.csv` beside it assigns splits, only those of `split`."""
    found = pictures.image_files(folder)
    table = folder.parent / f"{folder.name}.csv"
    splits = files.table(table, "split")
    if not splits:
        return found
    chosen = [path for path in found if splits.get(path.name) == split]
    if not chosen:
        raise UserError(f"{table} assigns no image of {folder} to '{split}'. Correct its 'split'.")
    return chosen


def _intact(path: Path, group: str) -> LabelledImage:
    height, width = pictures.read_rgb(path).shape[:2]
    return LabelledImage(f"intact/{path.stem}", path, group, (), "real intact", width, height)


def refuse_leaks(test: HeldOutSet, dataset: Path) -> None:
    """Raises UserError where a training image, or the photograph behind it, is a test image.

    Compared by their pixels, the test images also at the size of the training images.
    """
    trained = {path: pictures.read_rgb(path) for path in _training_pictures(dataset)}
    sizes = {pixels.shape[0] for pixels in trained.values() if _is_square(pixels)}
    seen: dict[str, str] = {}
    for image in test.images:
        pixels = pictures.read_rgb(image.path)
        for shown in (pixels, *(pictures.resized(pixels, size) for size in sizes)):
            seen[_hash(shown)] = image.name
    for path, pixels in trained.items():
        if _hash(pixels) in seen:
            raise UserError(
                f"Training image {path.name} is test image {seen[_hash(pixels)]}. "
                "Take it out of the data set."
            )


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


def _behind(folder: Path) -> set[Path]:
    """The runs with images from which this run was made, near and far."""
    found: set[Path] = set()
    for value in runs.read(folder).spec.values():
        for run_id in value if isinstance(value, list) else [value]:
            source = folder.parent / str(run_id)
            if runs.RUN_ID.fullmatch(str(run_id)) and (source / "spec.json").exists():
                found |= {source, *_behind(source)}
    return {source for source in found if facts.count(source, "images")}


def _is_square(pixels: np.ndarray) -> bool:
    return pixels.shape[0] == pixels.shape[1]


def _hash(pixels: np.ndarray) -> str:
    return hashlib.sha256(pixels.tobytes()).hexdigest()


def image_row(image: LabelledImage) -> dict[str, Any]:
    """The image as a row of the table `images`."""
    return {
        "image": image.name,
        "path": str(image.path),
        "source": image.source,
        "group": image.group,
        "split": "test",
    }


def box_rows(image: LabelledImage) -> list[dict[str, Any]]:
    return [pictures.box_row(image.name, box) for box in image.boxes]
