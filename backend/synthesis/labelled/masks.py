"""Masks as image files: white where defect.

    x.png  x_mask.png                                 beside the image
    images/x.jpg  masks/x.png                         in a folder beside
    test/<defect>/x.png  ground_truth/<defect>/x_mask.png
                                                      MVTec AD's layout (Bergmann et al., CVPR 2019)

A mask has no class name and no boxes: boxes are found in it, one a region (`pictures.boxes_of`),
and in MVTec's layout named after the defect's folder. What is not black is defect; in a JPEG, from
half brightness.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from backend.records import Box, Progress, UserError
from backend.synthesis import pictures
from backend.synthesis.labelled import files, geometry
from backend.synthesis.labelled.files import Folder
from backend.synthesis.labelled.records import Import, Labelled

IMAGE_FOLDERS = ("images", "image", "imgs", "img", "JPEGImages")
MASK_FOLDERS = ("masks", "mask", "ground_truth", "labels", "defect_masks")
TRUTH, GOOD, ENDING = "ground_truth", "good", "_mask"
CLASS = "defect"


@dataclass(frozen=True)
class Pair:
    """An image, its mask file where there is one, and its class; "" is GOOD by its folder."""

    image: Path
    mask: Path | None
    class_name: str


def is_mask(folder: Folder, path: Path) -> bool:
    """By its folder, or by its name where an image of that name is there."""
    relative = folder.relative(path)
    if any(part in MASK_FOLDERS for part in relative.split("/")[:-1]):
        return True
    stem = files.stem_of(relative)
    return stem.endswith(ENDING) and stem.removesuffix(ENDING) in folder.by_stem


def fits(folder: Folder) -> bool:
    """Whether the folder looks like this layout."""
    found = [is_mask(folder, path) for path in folder.images]
    return any(found) and not all(found)


def read(folder: Folder, progress: Progress | None = None) -> Import:
    """Every image that is no mask, with boxes found in its mask; all masks are opened.

    Raises UserError for a mask that is damaged or of another size than its image.
    """
    notes: list[str] = []
    chosen = [path for path in folder.images if not is_mask(folder, path)]
    if not chosen:
        raise UserError(f"{folder.root} holds masks, but no image beside them.")
    images, used = [], set()
    for number, path in enumerate(chosen, start=1):
        pair = _pair(folder, path)
        used.add(pair.mask)
        if (image := _labelled(folder, pair, notes)) is not None:
            images.append(image)
        if progress is not None:
            progress(number / len(chosen), f"image {number} of {len(chosen)} read")
    lone = [p for p in folder.images if p not in used and is_mask(folder, p)]
    if lone:
        notes.append(f"{len(lone)} masks belong to no image: passed over.")
    classes = sorted({box.class_name for image in images for box in image.boxes})
    return Import(tuple(images), "masks", tuple(classes), files.counted(notes))


def _pair(folder: Folder, path: Path) -> Pair:
    relative = folder.relative(path)
    parts = relative.split("/")
    kind = parts[-2] if len(parts) > 1 else ""
    mvtec = len(parts) > 2 and parts[-3] in ("test", "train") and _has_truth(folder, parts[:-3])
    if mvtec:
        place = "/".join([*parts[:-3], TRUTH, kind, path.stem])
        return Pair(path, _first(folder, place), "" if kind == GOOD else kind)
    for place in _places(parts[:-1], path.stem):
        if (found := _first(folder, place)) is not None and found != path:
            return Pair(path, found, CLASS)
    return Pair(path, None, CLASS)


def _has_truth(folder: Folder, above: list[str]) -> bool:
    return folder.root.joinpath(*above, TRUTH).is_dir()


def _places(folders: list[str], stem: str) -> list[str]:
    """Where the mask of an image may lie: beside it, or its image folder replaced."""
    found = ["/".join([*folders, stem + ENDING])]
    spots = [k for k, name in enumerate(folders) if name in IMAGE_FOLDERS]
    for name in MASK_FOLDERS:
        if spots:
            swapped = [*folders[: spots[-1]], name, *folders[spots[-1] + 1 :]]
            found.append("/".join([*swapped, stem]))
        else:
            found.append("/".join([*folders, name, stem]))
            found.append("/".join([name, *folders, stem]))
    return found


def _first(folder: Folder, stem: str) -> Path | None:
    """The mask of that path: with `_mask` at its end or without."""
    for key in (stem + ENDING, stem):
        for path in folder.by_stem.get(key, []):
            if is_mask(folder, path):
                return path
    return None


def _labelled(folder: Folder, pair: Pair, notes: list[str]) -> Labelled | None:
    width, height = files.size(pair.image)
    split = files.split_of(folder.relative(pair.image))
    bare = Labelled(pair.image, "", "", split, width, height)
    if not pair.class_name:
        return replace(bare, mask=geometry.mask_of(width, height, ()))
    if pair.mask is None and pair.class_name != CLASS:
        notes.append("images of a defect's folder have no mask: passed over")
        return None
    if pair.mask is None:
        notes.append("images have no mask: taken as without a defect")
        return bare
    mask = files.mask_file(pair.mask, width, height)
    boxes = _boxes(mask() > 0, files.usable(pair.class_name, str(pair.image.parent)), notes)
    return replace(bare, boxes=boxes, mask=mask)


def _boxes(mask: np.ndarray, class_name: str, notes: list[str]) -> tuple[Box, ...]:
    """One box a region; one around all of a mask that holds nothing but specks."""
    found = pictures.boxes_of(mask, class_name)
    if not found and mask.any():
        notes.append("masks hold only specks: one box is drawn around them")
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        corners = columns[0], rows[0], columns[-1] + 1, rows[-1] + 1
        left, top, right, bottom = (float(value) for value in corners)
        found = [Box(class_name, (left, top, right, bottom))]
    return tuple(replace(box, source="imported") for box in found)
