"""LabelMe's layout: one JSON file an image, with `shapes` in px.

Polygons, circles, turned rectangles and masks give outlines and boxes; rectangles, lines and strips
of lines the box around them alone. An image with a shape of another kind, as a point, is not
labelled, for what it marks is not known. An image copied into the JSON file is not read: the image
file must be there.
"""

import base64
import binascii
import io
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from backend.images import imagefiles, masks, words
from backend.images.faults import Faults
from backend.images.folder import Folder, composed
from backend.images.formats import files, geometry
from backend.images.formats.geometry import Disk, Part, Stamp
from backend.images.labelled_image import LabelledImage, LabelledSet, Marks, Mask, bare
from backend.images.pairs import Pairs
from backend.records import Box, Corners, UserError

LOOKED_AT = 50
OUTLINES = ("polygon", "rotation", "rotated_rectangle", "oriented_rectangle", "quadrilateral")
LINES = ("line", "linestrip", "linestring", "polyline", "lines")  # of a width that is not known
TWO_POINTS = ("rectangle", "circle", "mask")
LEAST_WIDTH = 2.0  # px, of the box around a line


def is_labelme(content: Any) -> bool:
    return isinstance(content, dict) and isinstance(content.get("shapes"), list)


def fits(folder: Folder) -> bool:
    """Whether the folder looks like this layout; the first JSON files are opened."""
    looked_at = folder.ending(".json")[:LOOKED_AT]
    return files.any_is(looked_at, lambda path: is_labelme(files.parsed(path)))


def read(folder: Folder) -> LabelledSet:
    """Every image; those without a JSON file have no box. Raises UserError naming the shape."""
    notes: list[str] = []
    faults = Faults()
    found: dict[Path, LabelledImage] = {}
    pictures = Pairs(folder, masks.pictures(folder))
    for path in folder.ending(".json"):
        with faults.collected():
            _add(path, folder, pictures, found, notes)
    faults.refuse()
    for image in pictures.paths:
        if image not in found:
            notes.append("images have no JSON file")
            split = words.split_of(folder.relative(image))
            found[image] = bare(image, split)
    classes = sorted({box.class_name for image in found.values() for box in image.boxes})
    return LabelledSet(tuple(found.values()), "labelme", tuple(classes), files.counted(notes))


def _add(
    path: Path, folder: Folder, pictures: Pairs, found: dict[Path, LabelledImage], notes: list[str]
) -> None:
    """The image of a JSON file among those found."""
    content = files.parsed(path)
    if not is_labelme(content):
        notes.append("JSON files are not LabelMe's: passed over")
        return
    image = _image(path, content, folder, pictures)
    if image is None:
        notes.append("JSON files belong to no image: passed over")
    elif image in found:
        raise UserError(f"{path}: {image.name} is labelled a second time. Keep one.")
    else:
        found[image] = _labelled(image, path, content, folder, notes)


def _image(path: Path, content: Mapping[str, Any], folder: Folder, pictures: Pairs) -> Path | None:
    """The image the JSON file names, seen from it; else the one of its place and stem, or of the
    name it gives."""
    near = folder.relative(path.parent)
    named = composed(str(content.get("imagePath") or ""))
    if (image := folder.by_path.get(os.path.normpath(f"{near}/{named}"))) is not None:
        return image
    beside = pictures.of(path)
    if len(beside) == 1:
        return beside[0]
    for name in (named, named.rpartition("/")[2]):
        if name and (image := folder.one(name, near, str(path))) is not None:
            return image
    if beside:
        raise UserError(f"{path} could label {beside[0].name} or {beside[1].name}. Rename one.")
    return None


def _labelled(
    image: Path, path: Path, content: Mapping[str, Any], folder: Folder, notes: list[str]
) -> LabelledImage:
    width, height = imagefiles.size(image)
    said = content.get("imageWidth"), content.get("imageHeight")
    files.check_size(*said, (width, height), str(path))
    boxes: list[Box] = []
    parts: list[Part | None] = []
    faults = Faults()
    for number, shape in enumerate(content["shapes"], start=1):
        where = f"{path}, shape {number}"
        with faults.collected():
            kind = _kind(shape, where)
            if kind not in (*OUTLINES, *LINES, *TWO_POINTS):
                notes.append(f"shapes are of the kind '{kind}', which is not read: not labelled")
                continue
            part, corners = _shape(shape, kind, (width, height), where)
            parts.append(part)
            class_name = files.usable(shape.get("label"), f"{where}, 'label'")
            boxes.append(geometry.placed(class_name, corners, width, height, where, notes))
    faults.refuse()
    marks = Marks.KNOWN if len(parts) == len(content["shapes"]) else Marks.UNKNOWN
    flags = content.get("flags")
    if not parts and isinstance(flags, dict) and any(flags.values()):
        notes.append("images have a flag set, but no shape: not labelled")
        marks = Marks.UNKNOWN
    split = words.split_of(folder.relative(image))
    mask = _mask(parts, marks, width, height, notes)
    return LabelledImage(image, boxes=tuple(boxes), mask=mask, split=split, marks=marks)


def _mask(
    parts: list[Part | None], marks: Marks, width: int, height: int, notes: list[str]
) -> Mask | None:
    """The mask where every shape was read and has an outline."""
    known = [part for part in parts if part is not None]
    if marks is Marks.UNKNOWN or len(known) < len(parts):
        if known:
            notes.append("images have shapes without an outline: their masks are left out")
        return None
    return geometry.mask_of(width, height, known)


def _kind(shape: Any, where: str) -> str:
    if not isinstance(shape, dict):
        raise UserError(f"{where} is no object. Export it again.")
    return ascii(shape.get("shape_type") or "polygon")[1:-1][:40]


def _shape(
    shape: Mapping[str, Any], kind: str, size: tuple[int, int], where: str
) -> tuple[Part | None, Corners]:
    """What to paint, None for rectangles and lines, and the box."""
    points = shape.get("points")
    if kind in OUTLINES:
        outline = geometry.polygon(points, where)
        return outline, outline.corners
    if kind in LINES:
        return None, _around_line(points, size, where)
    (x1, y1), (x2, y2) = _two_points(points, where)
    if kind == "circle":
        disk = Disk(x1, y1, math.hypot(x2 - x1, y2 - y1))
        return disk, _around(disk, size)
    left, right, top, bottom = min(x1, x2), max(x1, x2), min(y1, y2), max(y1, y2)
    if kind == "rectangle":
        return None, (left, top, right, bottom)
    return _stamp(shape.get("mask"), (left, top, right, bottom), size, where)


def _around_line(points: Any, size: tuple[int, int], where: str) -> Corners:
    """The box around a line's points, at least two pixels wide and high, inside the image."""
    try:
        found = np.asarray(points, dtype=float).reshape(-1, 2)
    except (ValueError, TypeError, OverflowError) as error:
        raise UserError(f"{where}: a line is a list of x, y pairs. Correct it.") from error
    if len(found) < 2 or not np.isfinite(found).all():
        raise UserError(f"{where}: a line needs two points or more. Correct it.")
    low, high = found.min(axis=0), found.max(axis=0)
    thin = np.maximum(LEAST_WIDTH - (high - low), 0) / 2
    low, high = np.maximum(low - thin, 0), np.minimum(high + thin, size)
    return float(low[0]), float(low[1]), float(high[0]), float(high[1])


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
    except (TypeError, binascii.Error, *imagefiles.UNREADABLE) as error:
        raise UserError(f"{where}: 'mask' is no readable PNG. Export it again.") from error
    return Stamp(left, top, pixels), (left, top, right + 1, bottom + 1)
