"""Images with boxes on disk in YOLO's layout, ready for ultralytics.

artifacts/images/<split>/000000.png
artifacts/labels/<split>/000000.txt    `class x y w h` in fractions of the image
artifacts/data.yaml
"""

import hashlib
import json
import shutil
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from backend.images import imagefiles
from backend.images.boxes import box_row
from backend.images.formats import yolo
from backend.images.imageset import named_params
from backend.images.labelled_image import LabelledImage
from backend.images.vocabulary import ONE_CLASS
from backend.records import UserError

LEAST_EDGE = 10  # px a side; ultralytics silently passes over smaller images
COPIED = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff")  # that it reads
Rows = list[dict[str, Any]]


def write(
    out_dir: Path,
    items: Iterable[LabelledImage],
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
    data = yolo.config(names, "images/train", "images/val")  # no `path`: the set may move
    (out_dir / "artifacts" / "data.yaml").write_text(json.dumps(data, indent=1))
    return image_rows, box_rows


def _write_item(
    out_dir: Path, name: str, split: str, item: LabelledImage, names: tuple[str, ...]
) -> dict[str, Any]:
    path = f"artifacts/images/{split}/{name}.png"
    check_edge(f"{int(name) + 1} of the set (from {item.source}, {item.group})", item.size)
    imagefiles.write(out_dir / path, item.read_rgb())
    label = out_dir / "artifacts" / "labels" / split / f"{name}.txt"
    label.parent.mkdir(parents=True, exist_ok=True)
    label.write_text(yolo.text_of(item.boxes, item.size, names))
    return {
        "image": name,
        "path": path,
        "source": item.source,
        "group": item.group,
        "split": split,
        "seed": item.origin.seed,
        "params": named_params(item),
    }


def check_edge(name: str, size: tuple[int, int]) -> None:
    """Raises UserError where an image of that width and height is too small for a detector."""
    if min(size) < LEAST_EDGE:
        raise UserError(
            f"Image {name} has {size[0]} × {size[1]} px; a detector takes {LEAST_EDGE} px a side "
            "and more. Leave it out, or take it larger."
        )


def copied(image: LabelledImage, folder: Path, stem: str) -> Path:
    """The image as a file of its own that ultralytics reads with these same pixels."""
    suffix = image.path.suffix.lower()
    if image.depth is None and suffix in COPIED:
        return Path(shutil.copyfile(image.path, folder / f"{stem}{suffix}"))
    imagefiles.write(folder / f"{stem}.png", image.read_rgb())
    return folder / f"{stem}.png"


def lay_out(
    images: Sequence[LabelledImage],
    names: tuple[str, ...],
    folder: Path,
    place: Callable[[LabelledImage, Path, str], object] = copied,
) -> Path:
    """The images and their boxes in a new folder, as ultralytics reads them: its data.yaml.

    It writes beside the images it reads, so it never gets the user's own. Boxes of classes that
    are none of several `names` are left out. place: puts an image into a folder under a stem.
    """
    shutil.rmtree(folder, ignore_errors=True)
    for part in ("images", "labels"):
        (folder / part).mkdir(parents=True)
    for k, image in enumerate(images):
        place(image, folder / "images", f"{k:06d}")
        known = [box for box in image.boxes if len(names) == 1 or box.class_name in names]
        text = yolo.text_of(known, image.size, names)
        (folder / "labels" / f"{k:06d}.txt").write_text(text)
    path = folder / "data.yaml"
    path.write_text(json.dumps({"path": str(folder), **yolo.config(names, "images", "images")}))
    return path


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
