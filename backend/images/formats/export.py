"""A run's images as a zip that other tools read, in YOLO's or COCO's layout.

Images and PNG masks are copied byte for byte. Boxes come back to within 1e-6 px, masks exactly
(from the mask files; in COCO's JSON each annotation also holds the mask's pixels inside its box, as
an uncompressed run-length code). Class, group and split come back too. YOLO has no place for a
box's confidence and source; COCO's JSON holds them as `score` and `source`, which few tools read.
"""

import csv
import io
import json
import re
import shutil
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from PIL import Image

from backend.images import imagefiles
from backend.images.formats import files, label_files, yolo, yolo_config
from backend.images.formats.label_files import Item
from backend.records import UserError

LAYOUTS = ("yolo", "coco")
PROVENANCE = "PROVENANCE.json"
LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the same rows give the same bytes
MASK_FOLDERS = {"yolo": yolo.MASKS, "coco": "masks"}


def export(
    images: pd.DataFrame,
    boxes: pd.DataFrame,
    run_folder: Path,
    target: Path,
    layout: str,
    *,
    licence: str,
    origin: Mapping[str, Any],
) -> None:
    """Write a zip at `target`: images, labels, masks, data.yaml or JSON, README, provenance.

    images, boxes: rows of those tables of facts. licence: words for README.txt. origin: what
    PROVENANCE.json says about where the images come from. Raises UserError for an unknown
    layout, no images, or an image that is missing or damaged.
    """
    if layout not in LAYOUTS:
        raise UserError(f"Layout must be one of: {', '.join(LAYOUTS)}; got '{layout}'.")
    if images.empty:
        raise UserError("There is no image to export. Keep at least one.")
    items = _items(images, boxes, run_folder, MASK_FOLDERS[layout])
    classes = sorted({str(name) for item in items for name in item.boxes["class_name"]})
    labels = (
        label_files.yolo(items, classes)
        if layout == "yolo"
        else label_files.coco(items, classes, licence)
    )
    counts = {"images": len(items), "boxes": sum(len(item.boxes) for item in items)}
    about = {"licence": licence, "layout": layout, **counts, "origin": dict(origin)}
    texts = {
        **labels,
        "metadata.csv": _table(items),
        "README.txt": _readme(layout, counts, classes, licence),
        PROVENANCE: json.dumps(about, indent=2, default=str, ensure_ascii=False) + "\n",
    }
    _write(target, items, texts)


def licence_in(target: Path) -> str | None:
    """The licence that a zip made earlier names; None where there is no zip, or no whole one."""
    try:
        with zipfile.ZipFile(target) as packed:
            return str(json.loads(packed.read(PROVENANCE))["licence"])
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile):
        return None


def _items(
    images: pd.DataFrame, boxes: pd.DataFrame, run_folder: Path, mask_folder: str
) -> list[Item]:
    by_image = {str(name): rows for name, rows in boxes.groupby("image", sort=False)}
    some = any(label_files.word(split) for split in images.get("split", ()))
    taken: set[str] = set()
    items = []
    for row in images.to_dict("records"):
        image, split = str(row["image"]), label_files.word(row.get("split"))
        path = run_folder / row["path"]
        folder = split or (yolo_config.UNSPLIT if some else "")
        stem = "/".join(filter(None, (folder, _free(_plain(image), split, taken))))
        mask = label_files.word(row.get("mask_path"))
        size = imagefiles.size(path)
        if mask:
            files.mask_file(run_folder / mask, *size)
        items.append(
            Item(
                image,
                path,
                f"images/{stem}{path.suffix.lower()}",
                run_folder / mask if mask else None,
                f"{mask_folder}/{stem}.png",
                label_files.word(row.get("group")) or image,
                split,
                label_files.word(row.get("source")),
                *size,
                by_image.get(image, boxes.iloc[:0]),
            )
        )
    return items


def _plain(name: str) -> str:
    """An image's name as a file name; a test image's name may hold folders."""
    return re.sub(r"[^\w.-]", "_", name.replace("/", "__")).lstrip(".") or "image"


def _free(name: str, split: str, taken: set[str]) -> str:
    """The name, or with a number where it is taken."""
    number, free = 1, name
    while f"{split}/{free}" in taken:
        number += 1
        free = f"{name}_{number}"
    taken.add(f"{split}/{free}")
    return free


def _table(items: Sequence[Item]) -> str:
    """metadata.csv: what YOLO and COCO have no place for."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(("file_name", "group", "split", "source", "image"))
    for item in items:
        rows.writerow((item.place, item.group, item.split, item.source, item.image))
    return text.getvalue()


def _readme(layout: str, counts: Mapping[str, int], classes: Sequence[str], licence: str) -> str:
    layouts = {
        "yolo": "data.yaml names classes and splits; labels/ holds a text file an image, one line\n"
        "a box: class number, middle x, middle y, width, height, in fractions of the image.\n"
        "Where the images have no split, data.yaml names all of them for train and val.",
        "coco": "annotations/ holds a JSON file a split; file_name counts from this folder. A box\n"
        "is left, top, width, height in px. Where the mask is known, an annotation's segmentation\n"
        "is the mask inside its box, as an uncompressed run-length code.",
    }
    return (
        f"{counts['images']} images with {counts['boxes']} boxes, exported by Defect Distillery.\n"
        f"Classes: {', '.join(classes) or 'none'}.\n\n"
        f"Licence: {licence}\n\n"
        f"images/ holds the images as they are. {layouts[layout]}\n"
        f"{MASK_FOLDERS[layout]}/ holds a mask an image where it is known: white where defect.\n"
        "metadata.csv: the group (views of one part share it), the split and the source of each\n"
        "image. PROVENANCE.json says where the images come from.\n"
    )


def _write(target: Path, items: Sequence[Item], texts: Mapping[str, str]) -> None:
    """A reader never sees half a zip. Images are packed already, so they are stored as they are."""
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f"{target.name}.partial")
    try:
        with zipfile.ZipFile(partial, "w") as packed:
            for place, text in texts.items():
                packed.writestr(_member(place, zipfile.ZIP_DEFLATED), text)
            for item in items:
                _copy(packed, item.path, item.place)
                if item.mask is not None:
                    _copy(packed, item.mask, item.mask_place)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def _member(place: str, packing: int) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(place, LONG_AGO)
    member.compress_type, member.external_attr = packing, 0o644 << 16
    return member


def _copy(packed: zipfile.ZipFile, path: Path, place: str) -> None:
    """The file's bytes; a mask that is no PNG becomes one."""
    member = _member(place, zipfile.ZIP_STORED)
    if path.suffix.lower() != Path(place).suffix:
        content = io.BytesIO()
        Image.fromarray(imagefiles.read_mask(path)).save(content, "PNG")
        packed.writestr(member, content.getvalue())
        return
    member.file_size = path.stat().st_size
    with path.open("rb") as source, packed.open(member, "w") as file:
        shutil.copyfileobj(source, file, 1 << 20)
