"""Frozen test images: real ones in YOLO's layout, or fresh rendered ones, marked as such."""

import csv
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from backend import facts, runs
from backend.records import Box, UserError
from backend.synthesis import pictures

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
        groups = _table(Path(intact_folder).parent / f"{Path(intact_folder).name}.csv", "group")
        files = split_files(Path(intact_folder), "test")
        images += [_intact(path, groups.get(path.name, path.stem)) for path in files]
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
    config = _config(folder)
    names, groups = config["names"], _table(folder / "metadata.csv", "group")
    if not isinstance(config.get(split), str):
        raise UserError(f"{folder / 'data.yaml'} names no '{split}' images. Add a line '{split}:'.")
    files = _split_images(folder, config[split])
    root = folder.resolve()
    return [
        _labelled(path, path.relative_to(root).with_suffix("").as_posix(), names, groups)
        for path in files
    ]


def _config(folder: Path) -> dict[str, Any]:
    path = folder / "data.yaml"
    try:
        config = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise UserError(f"Cannot read {path}. A YOLO data set needs this file.") from error
    if not isinstance(config, dict) or not isinstance(config.get("names"), (dict, list)):
        raise UserError(f"{path} lacks 'names', the list of classes.")
    if isinstance(config["names"], list):
        config["names"] = dict(enumerate(config["names"]))
    config["names"] = {int(number): name for number, name in config["names"].items()}
    return config


def _table(path: Path, column: str) -> dict[str, str]:
    """`file_name` → a column of a CSV file; {} where there is no such file or column."""
    if not path.exists():
        return {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"Cannot read {path}. Save it as CSV in UTF-8.") from error
    if rows and "file_name" not in rows[0]:
        raise UserError(f"{path} lacks the column 'file_name'. Add it.")
    return {row["file_name"]: row[column] for row in rows if row.get(column)}


def _split_images(folder: Path, entry: str) -> list[Path]:
    """The images of a split: a list file or a folder, inside the data set's folder."""
    place = _inside(folder, entry)
    if place.suffix == ".txt":
        if not place.exists():
            raise UserError(f"{folder / 'data.yaml'} names '{entry}', which does not exist.")
        lines = [line.strip() for line in place.read_text(encoding="utf-8").splitlines()]
        files = [_inside(folder, line) for line in lines if line]
    else:
        files = pictures.image_files(place)
    if not files:
        raise UserError(f"'{place}' names no images.")
    return files


def _inside(folder: Path, entry: str) -> Path:
    place = (folder / entry).resolve()
    if not place.is_relative_to(folder.resolve()):
        raise UserError(f"'{entry}' lies outside the data set's folder {folder}.")
    return place


def _labelled(
    path: Path, name: str, names: dict[int, str], groups: dict[str, str]
) -> LabelledImage:
    height, width = pictures.read_rgb(path).shape[:2]
    label = _label_of(path)
    boxes = []
    if label.exists():
        for number, line in enumerate(label.read_text().splitlines(), start=1):
            if line.strip():
                boxes.append(_parse_line(line, names, width, height, f"{label}, line {number}"))
    return LabelledImage(
        name, path, groups.get(path.name, name), tuple(boxes), "real", width, height
    )


def _label_of(path: Path) -> Path:
    """Where YOLO keeps the boxes of an image: the last folder `images` becomes `labels`."""
    parts = list(path.parent.parts)
    if "images" in parts:
        parts[len(parts) - 1 - parts[::-1].index("images")] = "labels"
    return Path(*parts) / f"{path.stem}.txt"


def _parse_line(line: str, names: dict[int, str], width: int, height: int, where: str) -> Box:
    """One line `class x y w h` in fractions of the image."""
    try:
        number, *corners = line.split()
        class_name = names[int(number)]
        x, y, w, h = (float(v) for v in corners)
    except (ValueError, KeyError) as error:
        raise UserError(f"{where}: '{line}' is not 'class x y width height'.") from error
    if not (0 <= x <= 1 and 0 <= y <= 1 and 0 < w <= 1.001 and 0 < h <= 1.001):
        raise UserError(f"{where}: the box must lie in 0…1, got '{line}'.")
    left, top = (x - w / 2) * width, (y - h / 2) * height
    return Box(class_name, (left, top, left + w * width, top + h * height), source="hand")


def split_files(folder: Path, split: str) -> list[Path]:
    """Images of a folder; where `<folder>.csv` beside it assigns splits, only those of `split`."""
    files = pictures.image_files(folder)
    table = folder.parent / f"{folder.name}.csv"
    splits = _table(table, "split")
    if not splits:
        return files
    chosen = [path for path in files if splits.get(path.name) == split]
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
    """Images of a data set, and the photographs a teacher placed its defects on."""
    found = [dataset / path for path in facts.read(dataset, "images")["path"]]
    source = runs.read(dataset).spec.get("source_run", "")
    if source and (dataset.parent / source / "spec.json").exists():
        folder = runs.read(dataset.parent / source).spec.get("background_folder", "")
        if folder and Path(folder).is_dir():
            found += pictures.image_files(Path(folder))
    return found


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
