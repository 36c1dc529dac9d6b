"""COCO's layout: a JSON file with `images`, `annotations` and `categories`.

A box is left, top, width, height in px. An outline is a list of polygons, or a run-length code
down the columns, compressed or not (Lin et al., ECCV 2014). Where every annotation of an image has
an outline, together they are its mask; regions marked `iscrowd` are in the mask but are no boxes.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

from backend.images import imagefiles, words
from backend.images.faults import Faults
from backend.images.folder import Folder, some
from backend.images.formats import files, geometry
from backend.images.formats.geometry import Part
from backend.images.labelled_image import LabelledImage, LabelledSet, Marks, Mask
from backend.images.masks import pictures
from backend.records import Box, Corners, UserError
from backend.wording import counted

LOOKED_AT = 50
MASK_FILE = "mask_file"  # our own export: where the whole mask lies, in the zip
Record = dict[str, Any]


@dataclass(frozen=True)
class Found:
    """A JSON file with labels and what is in it."""

    path: Path
    content: Mapping[str, Any]

    def records(self, key: str) -> list[Mapping[str, Any]]:
        """A list of objects. Raises UserError where it is none."""
        found = self.content.get(key)
        if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
            raise UserError(f"{self.path}: '{key}' must be a list of objects. Export it again.")
        return found


def is_coco(content: Any) -> bool:
    return isinstance(content, dict) and {"images", "annotations"} <= set(content)


def fits(folder: Folder) -> bool:
    """Whether the folder looks like this layout; the first JSON files are opened."""
    nearest = sorted(folder.ending(".json"), key=lambda path: len(path.parts))
    return files.any_is(nearest[:LOOKED_AT], lambda path: is_coco(files.parsed(path)))


def read(folder: Folder) -> LabelledSet:
    """Every image the JSON files list. Raises UserError naming file and annotation."""
    notes: list[str] = []
    gone: list[str] = []
    faults = Faults()
    images: dict[Path, LabelledImage] = {}
    classes: dict[str, None] = {}
    for path in folder.ending(".json"):
        with faults.collected():
            content = files.parsed(path)
            if not is_coco(content) or "categories" not in content:
                continue
            found = Found(path, content)
            names = _categories(found)
            classes |= dict.fromkeys(names.values())
            for image in _images(found, names, folder, notes, gone):
                if image.path in images:
                    raise UserError(f"{path} lists {image.path.name} a second time. Keep one.")
                images[image.path] = image
    faults.refuse()
    if not images:
        raise UserError(
            f"No JSON file of {folder.root} lists an image that is there. "
            + (f"Not there: {some(gone)}." if gone else "")
        )
    if gone:
        notes.append(
            f"{counted(len(gone), 'image that is listed is', 'images that are listed are')} not "
            f"there: passed over ({some(gone)})."
        )
    if left := sum(path not in images for path in pictures(folder)):
        notes.append(f"{counted(left, 'image is', 'images are')} in no JSON file: passed over.")
    return LabelledSet(tuple(images.values()), "coco", tuple(classes), files.counted(notes))


def _categories(found: Found) -> dict[Any, str]:
    where = f"{found.path}, 'categories'"
    records = found.records("categories")
    return {_key(c.get("id"), where): files.usable(c.get("name"), where) for c in records}


def _key(value: Any, where: str) -> int | str:
    if isinstance(value, (int, str)):
        return value
    raise UserError(f"{where}: an 'id' is missing or no number. Export it again.")


def _images(
    found: Found, names: Mapping[Any, str], folder: Folder, notes: list[str], gone: list[str]
) -> list[LabelledImage]:
    marks = _by_image(found)
    images = []
    faults = Faults()
    for record in found.records("images"):
        with faults.collected():
            name = files.usable(record.get("file_name"), f"{found.path}, an image's 'file_name'")
            mine = marks.pop(_key(record.get("id"), f"{found.path}, image '{name}'"), [])
            path = _file(name, found.path, folder)
            if path is None:
                gone.append(name)
            else:
                images.append(_labelled(path, record, mine, found, names, folder, notes))
    faults.refuse()
    if marks:
        first = next(iter(marks))
        raise UserError(f"{found.path}: annotations of image {first!r}, which is not listed.")
    return images


def _by_image(found: Found) -> dict[int | str, list[Mapping[str, Any]]]:
    marks: dict[int | str, list[Mapping[str, Any]]] = defaultdict(list)
    for mark in found.records("annotations"):
        marks[_key(mark.get("image_id"), _where(found, mark))].append(mark)
    return marks


def _where(found: Found, mark: Mapping[str, Any]) -> str:
    return f"{found.path}, annotation {mark.get('id', '?')}"


def _file(name: str, json_path: Path, folder: Folder) -> Path | None:
    """The image of that name; of several the one whose folder the JSON file's name speaks of."""
    named = folder.meant(name, folder.relative(json_path.parent))
    if len(named) > 1:
        named = [path for path in named if path.parent.name in json_path.stem] or named
    if len(named) > 1:
        raise UserError(f"{json_path}: '{name}' could be {named[0]} or {named[1]}. Rename one.")
    return named[0] if named else None


def _labelled(
    path: Path,
    record: Mapping[str, Any],
    marks: list[Mapping[str, Any]],
    found: Found,
    names: Mapping[Any, str],
    folder: Folder,
    notes: list[str],
) -> LabelledImage:
    width, height = imagefiles.size(path)
    where = f"{found.path}, image '{record['file_name']}'"
    files.check_size(record.get("width"), record.get("height"), (width, height), where)
    boxes: list[Box] = []
    parts: list[Part | None] = []
    faults = Faults()
    for mark in marks:
        at = _where(found, mark)
        with faults.collected():
            outline = _outline(mark.get("segmentation"), width, height, at)
            parts += outline or [None]
            if mark.get("iscrowd"):
                notes.append("regions are marked 'iscrowd': in the mask, but no boxes")
                continue
            category = _key(mark.get("category_id"), at)
            if category not in names:
                raise UserError(f"{at}: no category has the number {category!r}. Correct it.")
            corners = _corners(mark, outline, at)
            boxes.append(geometry.placed(names[category], corners, width, height, at, notes))
    faults.refuse()
    mask = _mask(record, parts, folder, width, height, notes)
    split = _split(found.path, path, folder)
    read = Marks.KNOWN
    if marks and not boxes:
        notes.append("images have but regions of 'iscrowd', which give no boxes: not labelled")
        read = Marks.UNKNOWN
    return LabelledImage(path, boxes=tuple(boxes), mask=mask, split=split, marks=read)


def _outline(code: Any, width: int, height: int, where: str) -> list[Part]:
    """The parts of an annotation's outline; [] where it has none."""
    if not code:
        return []
    if isinstance(code, dict):
        if code.get("size") != [height, width]:
            raise UserError(f"{where}: its mask's 'size' is not that of the image.")
        return [geometry.runs(code.get("counts"), width, height, where)]
    if isinstance(code, list):
        rings = code if isinstance(code[0], list) else [code]
        return [geometry.polygon(ring, where) for ring in rings]
    raise UserError(f"{where}: 'segmentation' is neither polygons nor a run-length code.")


def _corners(mark: Mapping[str, Any], outline: list[Part], where: str) -> Corners:
    box = mark.get("bbox")
    if not box:
        rings = [part.corners for part in outline if isinstance(part, geometry.Polygon)]
        if not rings:
            raise UserError(f"{where} has neither a box nor polygons. Remove it.")
        left, top, right, bottom = zip(*rings, strict=True)
        return min(left), min(top), max(right), max(bottom)
    try:
        x, y, width, height = (float(value) for value in box)
    except (ValueError, TypeError, OverflowError) as error:
        raise UserError(
            f"{where}: 'bbox' must be four numbers: left, top, width, height."
        ) from error
    return x, y, x + width, y + height


def _mask(
    record: Mapping[str, Any],
    parts: list[Part | None],
    folder: Folder,
    width: int,
    height: int,
    notes: list[str],
) -> Mask | None:
    """From a mask file of our own export, else from the outlines where each mark has one."""
    drawn = folder.by_path.get(str(record.get(MASK_FILE, "")))
    if drawn is not None:
        return files.mask_file(drawn, width, height)
    known = [part for part in parts if part is not None]
    if known and len(known) < len(parts):
        notes.append("images have marks without an outline: their masks are left out")
    return None if len(known) < len(parts) else geometry.mask_of(width, height, known)


def _split(json_path: Path, path: Path, folder: Folder) -> str:
    """From the JSON file's name or its folders, else from the image's folders."""
    told = json_path.stem.replace("-", "_").replace(".", "_").replace("_", "/") + "/"
    return (
        words.split_of(told)
        or words.split_of(folder.relative(json_path))
        or words.split_of(folder.relative(path))
    )


def written(
    images: Iterable[tuple[LabelledImage, Record]], classes: Sequence[str], licence: str
) -> dict[str, Record]:
    """What the JSON file of each split holds, by its name; ids go on through all of them.

    images: each with what its entry says beside its id and size: its place, that of its mask.
    """
    categories = [{"id": k, "name": name} for k, name in enumerate(classes, start=1)]
    content: dict[str, Record] = {}
    numbers = count(1)
    for image_id, (image, places) in enumerate(images, start=1):
        empty = {
            "info": {"description": "Exported by Defect Distillery"},
            "licenses": [{"id": 1, "name": licence}],
            "images": [],
            "annotations": [],
            "categories": categories,
        }
        name = f"instances_{image.split}" if image.split else "instances"
        part = content.setdefault(f"{name}.json", empty)
        width, height = image.size
        size = {"width": width, "height": height}
        part["images"].append({"id": image_id, **places, **size, "license": 1})
        mask = image.read_mask()
        part["annotations"] += [
            {"id": next(numbers), "image_id": image_id, **_annotation(box, classes, mask)}
            for box in image.boxes
        ]
    return content


def _annotation(box: Box, classes: Sequence[str], mask: np.ndarray | None) -> Record:
    """A box, and the mask's pixels inside it as an uncompressed run-length code."""
    x1, y1, x2, y2 = box.xyxy
    record: Record = {
        "category_id": classes.index(box.class_name) + 1,
        "bbox": [x1, y1, x2 - x1, y2 - y1],
        "area": (x2 - x1) * (y2 - y1),
        "iscrowd": 0,
        "score": box.confidence,
        "source": box.source,
    }
    if mask is not None:
        inside = np.zeros_like(mask)
        top, left = max(math.floor(y1), 0), max(math.floor(x1), 0)
        place = np.s_[top : math.ceil(y2), left : math.ceil(x2)]
        inside[place] = mask[place]
        record["area"] = int((inside > 0).sum())
        record["segmentation"] = {"size": list(mask.shape), "counts": geometry.runs_of(inside)}
    return record
