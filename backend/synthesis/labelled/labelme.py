"""LabelMe's layout: one JSON file an image, with `shapes` in px.

Polygons, circles and masks give outlines and boxes, rectangles boxes alone; points and lines are
passed over. An image copied into the JSON file is not read: the image file must be there.
"""

import base64
import binascii
import io
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from backend.records import Box, UserError
from backend.synthesis import pictures
from backend.synthesis.labelled import files, geometry
from backend.synthesis.labelled.files import Folder
from backend.synthesis.labelled.geometry import Corners, Disk, Part, Stamp
from backend.synthesis.labelled.records import Import, Labelled

LOOKED_AT = 50
SHAPES = ("rectangle", "polygon", "circle", "mask")


def is_labelme(content: Any) -> bool:
    return isinstance(content, dict) and isinstance(content.get("shapes"), list)


def fits(folder: Folder) -> bool:
    """Whether the folder looks like this layout; the first JSON files are opened."""
    return any(is_labelme(files.parsed(path)) for path in folder.ending(".json")[:LOOKED_AT])


def read(folder: Folder) -> Import:
    """Every image; those without a JSON file have no box. Raises UserError naming the shape."""
    notes: list[str] = []
    found: dict[Path, Labelled] = {}
    for path in folder.ending(".json"):
        content = files.parsed(path)
        if not is_labelme(content):
            notes.append("JSON files are not LabelMe's: passed over")
            continue
        image = _image(path, content, folder)
        if image is None:
            notes.append("JSON files belong to no image: passed over")
        elif image in found:
            raise UserError(f"{path}: {image.name} is labelled a second time. Keep one.")
        else:
            found[image] = _labelled(image, path, content, folder, notes)
    for image in folder.images:
        if image not in found:
            notes.append("images have no JSON file: taken as without a defect")
            split = files.split_of(folder.relative(image))
            found[image] = Labelled(image, "", "", split, *files.size(image))
    classes = sorted({box.class_name for image in found.values() for box in image.boxes})
    return Import(tuple(found.values()), "labelme", tuple(classes), files.counted(notes))


def _image(path: Path, content: Mapping[str, Any], folder: Folder) -> Path | None:
    """The image the JSON file names, seen from it or beside it, else the one of its stem."""
    named = str(content.get("imagePath") or "").replace("\\", "/")
    for place in (path.parent / named, path.parent / Path(named).name):
        parts = Path(_flat(place)).parts
        if parts[: len(folder.root.parts)] == folder.root.parts:
            key = "/".join(parts[len(folder.root.parts) :])
            if key in folder.by_path:
                return folder.by_path[key]
    beside = folder.by_stem.get(files.stem_of(folder.relative(path)), [])
    return beside[0] if beside else None


def _flat(place: Path) -> str:
    """A path without `..`, its links not followed."""
    kept: list[str] = []
    for part in place.parts:
        kept = kept[:-1] if part == ".." else [*kept, part]
    return str(Path(*kept)) if kept else "."


def _labelled(
    image: Path, path: Path, content: Mapping[str, Any], folder: Folder, notes: list[str]
) -> Labelled:
    width, height = files.size(image)
    said = content.get("imageWidth"), content.get("imageHeight")
    files.check_size(*said, (width, height), str(path))
    boxes: list[Box] = []
    parts: list[Part | None] = []
    for number, shape in enumerate(content["shapes"], start=1):
        where = f"{path}, shape {number}"
        kind = _kind(shape, where)
        if kind not in SHAPES:
            notes.append(f"shapes are of the kind '{kind}': passed over")
            parts.append(None)
            continue
        part, corners = _shape(shape, kind, (width, height), where)
        parts.append(part)
        class_name = files.usable(shape.get("label"), f"{where}, 'label'")
        boxes.append(geometry.placed(class_name, corners, width, height, where))
    known = [part for part in parts if part is not None]
    if known and len(known) < len(parts):
        notes.append("images have shapes without an outline: their masks are left out")
    mask = None if len(known) < len(parts) else geometry.mask_of(width, height, known)
    split = files.split_of(folder.relative(image))
    return Labelled(image, "", "", split, width, height, tuple(boxes), mask)


def _kind(shape: Any, where: str) -> str:
    if not isinstance(shape, dict):
        raise UserError(f"{where} is no object. Export it again.")
    return ascii(shape.get("shape_type") or "polygon")[1:-1][:40]


def _shape(
    shape: Mapping[str, Any], kind: str, size: tuple[int, int], where: str
) -> tuple[Part | None, Corners]:
    """What to paint, None for a rectangle, and the box."""
    if kind == "polygon":
        outline = geometry.polygon(shape.get("points"), where)
        return outline, outline.corners
    points = _two_points(shape.get("points"), where)
    (x1, y1), (x2, y2) = points
    if kind == "circle":
        disk = Disk(x1, y1, math.hypot(x2 - x1, y2 - y1))
        return disk, _around(disk, size)
    left, right, top, bottom = min(x1, x2), max(x1, x2), min(y1, y2), max(y1, y2)
    if kind == "rectangle":
        return None, (left, top, right, bottom)
    return _stamp(shape.get("mask"), (left, top, right, bottom), size, where)


def _two_points(points: Any, where: str) -> list[tuple[float, float]]:
    try:
        found = [(float(x), float(y)) for x, y in points]
    except (ValueError, TypeError, OverflowError) as error:
        raise UserError(f"{where}: 'points' is a list of x, y pairs. Correct it.") from error
    if len(found) == 4:  # rectangles of newer versions name all four corners
        xs, ys = zip(*found, strict=True)
        found = [(min(xs), min(ys)), (max(xs), max(ys))]
    if len(found) != 2 or not all(abs(v) < geometry.FARTHEST for p in found for v in p):
        raise UserError(f"{where} needs two points. Correct it.")
    return found


def _around(disk: Disk, size: tuple[int, int]) -> Corners:
    """The box of a circle, as far as it is inside the image; LabelMe lets circles leave it."""
    left, top = max(disk.x - disk.radius, 0), max(disk.y - disk.radius, 0)
    return left, top, min(disk.x + disk.radius, size[0]), min(disk.y + disk.radius, size[1])


def _stamp(code: Any, corners: Corners, size: tuple[int, int], where: str) -> tuple[Stamp, Corners]:
    """A mask shape: a PNG of the pixels from the first point to the second, that one included."""
    left, top, right, bottom = (round(value) for value in corners)
    inside = 0 <= left <= right < size[0] and 0 <= top <= bottom < size[1]
    shape = bottom - top + 1, right - left + 1
    try:
        with Image.open(io.BytesIO(base64.b64decode(code, validate=True))) as image:
            if not inside or image.size != shape[::-1]:
                raise UserError(f"{where}: its mask is not of the size of its points. Correct it.")
            pixels = np.asarray(image.convert("L")) > 0
    except (TypeError, binascii.Error, *pictures.UNREADABLE) as error:
        raise UserError(f"{where}: 'mask' is no readable PNG. Export it again.") from error
    return Stamp(left, top, pixels), (left, top, right + 1, bottom + 1)
