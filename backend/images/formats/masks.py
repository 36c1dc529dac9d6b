"""Masks as image files: white where defect. Where they lie: see `backend.images.masks`.

A mask has no class name and no boxes: boxes are found in it, one a region (`boxes.boxes_of`),
named after the folder of its defect where the layout has one (MVTec AD: Bergmann et al., CVPR
2019; Real-IAD: Wang et al., CVPR 2024). What is not black is defect; in a JPEG, from half
brightness.
"""

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from backend.images import imagefiles, words
from backend.images.boxes import boxes_of
from backend.images.faults import Faults
from backend.images.folder import Folder
from backend.images.formats import files, geometry
from backend.images.labelled_image import LabelledImage, LabelledSet, Marks, bare
from backend.images.masks import Masks, union
from backend.records import Box, Label, Progress, UserError
from backend.wording import counted

CLASS = "defect"


def fits(folder: Folder) -> bool:
    """Whether the folder looks like this layout: pictures, and masks, even of none of them."""
    found = Masks(folder)
    return bool(found.of or found.lone)


def read(folder: Folder, progress: Progress | None = None) -> LabelledSet:
    """Every image that is no mask, with boxes found in its masks; all masks are opened.

    Raises UserError for masks that are damaged or of another size than their image.
    """
    notes: list[str] = []
    faults = Faults()
    found = Masks(folder)
    if not found.chosen:
        raise UserError(f"{folder.root} holds masks, but no image beside them.")
    images = []
    for number, path in enumerate(found.chosen, start=1):
        with faults.collected():
            images.append(_labelled(folder, found, path, notes))
        if progress is not None:
            progress(number / len(found.chosen), f"image {number} of {len(found.chosen)} read")
    faults.refuse()
    if found.lone:
        first = folder.relative(found.lone[0])
        notes.append(
            f"{counted(len(found.lone), 'mask belongs', 'masks belong')} to no image: passed "
            f"over, the first is {first}."
        )
    classes = sorted({box.class_name for image in images for box in image.boxes})
    return LabelledSet(tuple(images), "masks", tuple(classes), files.counted(notes))


def _labelled(folder: Folder, found: Masks, path: Path, notes: list[str]) -> LabelledImage:
    width, height = imagefiles.size(path)
    image = bare(path, words.split_of(folder.relative(path)))
    verdict = words.nearest_verdict(folder.relative(path).split("/")[:-1])[1]
    mine = found.of.get(path, [])
    if mine:
        drawn = partial(union, mine, width, height)
        boxes = _boxes(drawn() > 0, _class_of(folder, path), notes)
        if boxes and verdict is Label.GOOD:
            notes.append("images of a GOOD folder have a mask that shows a defect: not labelled")
            return replace(image, marks=Marks.UNKNOWN)
        if not boxes and _defect_of(folder, path):
            notes.append("images of a defect's folder have a mask that is all black: not labelled")
            return replace(image, marks=Marks.UNKNOWN)
        return replace(image, boxes=boxes, mask=drawn, marks=Marks.KNOWN)
    if verdict is Label.GOOD:
        return replace(image, mask=geometry.mask_of(width, height, ()), marks=Marks.KNOWN)
    if _defect_of(folder, path):
        notes.append("images of a defect's folder have no mask: not labelled")
        return replace(image, marks=Marks.UNKNOWN)
    if found.lone:
        notes.append("images have no mask, but there are masks of no image: not labelled")
        return replace(image, marks=Marks.UNKNOWN)
    notes.append("images have no mask")
    return image


def _class_of(folder: Folder, path: Path) -> str:
    defect = _defect_of(folder, path)
    bad = words.verdict_of(defect) is Label.BAD
    return CLASS if bad or not defect else files.usable(defect, str(path.parent))


def _defect_of(folder: Folder, path: Path) -> str:
    """The defect's folder an image lies in, "" where its folders name none.

    It is the one below a BAD folder, that folder itself, or MVTec's below `test`.
    """
    folders = folder.relative(path).split("/")[:-1]
    place, verdict = words.nearest_verdict(folders)
    if verdict is Label.BAD:
        below = [part for part in folders[place + 1 :] if not words.says_nothing(part)]
        return below[0] if below and not words.is_specimen(below[0]) else folders[place]
    if verdict is None and len(folders) > 1 and words.split_named(folders[-2]):
        beside = "/".join(folders[:-2])
        masks = (
            place for place in folder.places.values() if words.means_masks(place.rpartition("/")[2])
        )
        if any(place.rpartition("/")[0] == beside for place in masks):
            return folders[-1]
    return ""


def _boxes(mask: np.ndarray, class_name: str, notes: list[str]) -> tuple[Box, ...]:
    """One box a region; one around all of a mask that holds nothing but specks."""
    found = boxes_of(mask, class_name)
    if not found and mask.any():
        notes.append("masks hold only specks: one box is drawn around them")
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        corners = columns[0], rows[0], columns[-1] + 1, rows[-1] + 1
        left, top, right, bottom = (float(value) for value in corners)
        found = [Box(class_name, (left, top, right, bottom))]
    return tuple(replace(box, source="imported") for box in found)
