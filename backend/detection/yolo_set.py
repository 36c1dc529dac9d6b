"""Images with boxes on disk in YOLO's layout, ready for ultralytics.

artifacts/images/<split>/000000.png
artifacts/labels/<split>/000000.txt    `class x y w h` in fractions of the image
artifacts/data.yaml
"""

import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from backend.images import imagefiles
from backend.images.boxes import box_row, yolo_line
from backend.records import Box, UserError

ONE_CLASS = ("defect",)
LEAST_EDGE = 10  # px a side; ultralytics silently passes over smaller images
Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Item:
    """One image [H, W, 3] on its way into the set. Images of a group stay in one split."""

    pixels: np.ndarray
    boxes: Sequence[Box]
    source: str
    group: str
    seed: int | None = None


def write(
    out_dir: Path,
    items: Iterable[Item],
    splits: Sequence[str],
    on_item: Callable[[int], None] | None = None,
    names: tuple[str, ...] = ONE_CLASS,
) -> tuple[Rows, Rows]:
    """Write the set below `artifacts/`; returns the rows of the tables `images` and `boxes`.

    splits: train or val, one an item. on_item: called with the number of images written so far.
    names: the classes; with a single one every box is of it, whatever its own class is called.
    Raises UserError for a box of a class that is none of several `names`.
    """
    image_rows, box_rows = [], []
    for index, (item, split) in enumerate(zip(items, splits, strict=True)):
        name = f"{index:06d}"
        image_rows.append(_write_item(out_dir, name, split, item, names))
        box_rows += [box_row(name, box) for box in item.boxes]
        if on_item:
            on_item(index + 1)
    write_yaml(out_dir / "artifacts", names)
    return image_rows, box_rows


def _write_item(
    out_dir: Path, name: str, split: str, item: Item, names: tuple[str, ...]
) -> dict[str, Any]:
    path = f"artifacts/images/{split}/{name}.png"
    height, width = item.pixels.shape[:2]
    check_edge(f"{int(name) + 1} of the set (from {item.source}, {item.group})", width, height)
    imagefiles.write(out_dir / path, item.pixels)
    lines = [yolo_line(box.xyxy, width, height, class_index(box, names)) for box in item.boxes]
    label = out_dir / "artifacts" / "labels" / split / f"{name}.txt"
    label.parent.mkdir(parents=True, exist_ok=True)
    label.write_text("".join(lines))
    return {
        "image": name,
        "path": path,
        "source": item.source,
        "group": item.group,
        "split": split,
        "seed": item.seed,
    }


def check_edge(name: str, width: int, height: int) -> None:
    """Raises UserError where an image is too small for a detector."""
    if min(width, height) < LEAST_EDGE:
        raise UserError(
            f"Image {name} has {width} × {height} px; a detector takes {LEAST_EDGE} px a side and "
            "more. Leave it out, or take it larger."
        )


def digest(out_dir: Path, image_rows: Rows, box_rows: Rows) -> str:
    """The set's version: SHA-256 over image files, splits, classes and corners, 16 digits."""
    found = hashlib.sha256()
    for row in image_rows:
        found.update((out_dir / row["path"]).read_bytes())
        found.update(f"{row['image']} {row['split']}\n".encode())
    for row in box_rows:
        corners = " ".join(f"{row[key]:.4f}" for key in ("x1", "y1", "x2", "y2"))
        found.update(f"{row['image']} {row['class_name']} {corners}\n".encode())
    return found.hexdigest()[:16]


def class_names(wanted: str, of_each: Iterable[Collection[str]]) -> tuple[str, ...]:
    """The data set's classes. wanted: `one`, `keep` (those of the sources), or a list."""
    if wanted == "one":
        return ONE_CLASS
    if wanted == "keep":
        return tuple(sorted(frozenset().union(*of_each))) or ONE_CLASS
    return tuple(dict.fromkeys(word.strip() for word in wanted.split(",") if word.strip()))


def class_index(box: Box, names: tuple[str, ...]) -> int:
    """Number of the box's class; 0 where there is but one. Raises UserError for an unknown one."""
    if len(names) == 1:
        return 0
    if box.class_name not in names:
        raise UserError(
            f"A box has the class '{box.class_name}'; the set has {', '.join(names)}. "
            "Add it to the classes, or take all defects as one class."
        )
    return names.index(box.class_name)


def write_yaml(folder: Path, names: tuple[str, ...] = ONE_CLASS) -> None:
    """`data.yaml`. JSON is YAML too. No `path`: the detector fills it in, so the set may move."""
    content = {"train": "images/train", "val": "images/val", "names": dict(enumerate(names))}
    (folder / "data.yaml").write_text(json.dumps(content, indent=1))
