"""YOLO's layout: one text file an image, one line a defect, in fractions of the image.

    class x y width height          a box by its middle
    class x1 y1 x2 y2 x3 y3 …       an outline; its box is the one around it

Classes and splits stand in a YAML file (`yolo_config`); without it, every image of the folder
counts. The text file of images/a.png is labels/a.txt, capitals or not, else the one beside the
image. An image without a text file has no defect, unless one of its name lies elsewhere.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from backend.images import imagefiles, words
from backend.images.faults import Faults
from backend.images.folder import Folder, composed, some
from backend.images.formats import files, geometry, yolo_config
from backend.images.formats.geometry import Polygon
from backend.images.formats.yolo_files import Labels, is_label
from backend.images.labelled_image import LabelledImage, LabelledSet, Marks, Mask, bare
from backend.images.masks import pictures
from backend.records import Box, Corners, UserError
from backend.wording import counted

MASKS = "defect_masks"  # our own export; `masks` would make ultralytics expect class numbers
FARTHEST = 3.0  # of the image's edge: what is farther out was not written in fractions


@dataclass(frozen=True)
class Line:
    """One defect: its box, and its outline in px where the line has one."""

    box: Box
    outline: Polygon | None = None


def lines_of(
    label: Path,
    names: Mapping[int, str] | None,
    width: int,
    height: int,
    notes: list[str],
    points: int = 0,
) -> list[Line]:
    """The defects in a text file; what is odd is noted. points: numbers of key points, not read.

    names: None where nothing names the classes; they are called "class 0", … then. Raises
    UserError naming the lines that do not fit.
    """
    faults = Faults()
    found = []
    for number, line in enumerate(files.text(label).splitlines(), start=1):
        if line.strip():
            with faults.collected():
                where = f"{label}, line {number}"
                name, corners, outline = _parse_line(line, names, width, height, where, points)
                box = geometry.placed(name, corners, width, height, where, notes)
                found.append(Line(box, outline))
    faults.refuse()
    return found


def _parse_line(
    line: str, names: Mapping[int, str] | None, width: int, height: int, where: str, points: int
) -> tuple[str, Corners, Polygon | None]:
    """Class, corners in px, and the outline in px where there is one."""
    try:
        number, *values = (float(value) for value in line.split())
        class_number = int(number)
    except (ValueError, OverflowError) as error:
        raise UserError(f"{where}: '{line[:80]}' is not 'class x y width height'.") from error
    known = number == class_number >= 0 and (names is None or class_number in names)
    if not known:
        raise UserError(f"{where}: no class has the number {number:g}. Add it to the names.")
    class_name = f"class {class_number}" if names is None else names[class_number]
    if points and len(values) == 4 + points:
        values = values[:4]
    if len(values) != 4 and (len(values) < 6 or len(values) % 2):
        raise UserError(f"{where}: '{line[:80]}' is not 'class x y width height'.")
    if not all(abs(value) <= FARTHEST for value in values):
        raise UserError(f"{where}: a box or outline must lie in 0…1; got '{line[:80]}'.")
    if len(values) == 4:
        return class_name, _corners(values, width, height, where), None
    outline = geometry.polygon(np.array(values).reshape(-1, 2) * (width, height), where)
    return class_name, outline.corners, outline


def _corners(values: list[float], width: int, height: int, where: str) -> Corners:
    x, y, w, h = values
    if not (w > 0 and h > 0):
        raise UserError(f"{where}: width and height must be over 0, got {w:g} {h:g}.")
    left, top = (x - w / 2) * width, (y - h / 2) * height
    return left, top, left + w * width, top + h * height


def fits(folder: Folder) -> bool:
    """Whether the folder looks like this layout."""
    if yolo_config.find(folder) is not None:
        return True
    labels = Labels(folder)
    return any((found := labels.of(path)) and is_label(found) for path in folder.images)


def read(folder: Folder, split: str = "") -> LabelledSet:
    """All splits of the set's YAML file, or one; without that file all images.

    Raises UserError naming what does not fit; see `lines_of`.
    """
    notes: list[str] = []
    config = yolo_config.find(folder)
    found = None if config is None else yolo_config.read(config, folder)
    if split:
        splits = dict.fromkeys(_of_split(found, folder, split), split)
    elif found is not None and any(found.splits.values()):
        splits = _splits(found, folder, notes)
    else:
        splits = {path: words.split_of(folder.relative(path)) for path in pictures(folder)}
    names = (found and found.names) or yolo_config.listed_names(folder)
    reading = _Reading(folder, names, notes, found.points if found else 0)
    images = reading.images(splits)
    notes += reading.told() + ([] if split else _left(folder, splits))
    seen = {box.class_name: None for image in images for box in image.boxes}
    if names is None and seen:
        notes.append(
            f"No names of classes were found (data.yaml, *.names, classes.txt): "
            f"they are called {', '.join(sorted(seen)[:3])}{', …' if len(seen) > 3 else ''}."
        )
    classes = sorted(seen) if names is None else [names[number] for number in sorted(names)]
    return LabelledSet(tuple(images), "yolo", tuple(dict.fromkeys(classes)), files.counted(notes))


def _of_split(found: yolo_config.Config | None, folder: Folder, split: str) -> list[Path]:
    """The images of one split. Raises UserError where the set has none, or one is missing."""
    if found is None:
        raise UserError(
            f"{folder.root} has no data.yaml. It names the classes and, under '{split}:', the "
            "images to take."
        )
    if not found.splits[split]:
        raise UserError(f"{found.path} names no '{split}' images. Add a line '{split}:'.")
    taken = yolo_config.split_images(found, folder, split)
    if taken.notes:  # a test set that shrinks unseen is none
        raise UserError(f"{found.path}: {' '.join(taken.notes)} Put them back or correct the list.")
    return taken.images


def _splits(found: yolo_config.Config, folder: Folder, notes: list[str]) -> dict[Path, str]:
    """Image → split. An image in train and elsewhere has none; one in val and test is a test's."""
    entries: dict[Path, list[str]] = {}
    gone: list[str] = []
    for split, named in found.splits.items():
        if named:
            taken = yolo_config.split_images(found, folder, split)
            gone += taken.notes
            for path in taken.images:
                entries.setdefault(path, []).append(split)
    if not entries:
        raise UserError(f"{found.path} names no image that is there. {' '.join(gone)}".strip())
    notes += gone
    both = sum("train" in s and len(s) > 1 for s in entries.values())
    if both:
        told = counted(both, "image is", "images are")
        notes.append(f"{told} in 'train' and in another split: taken as not split.")
    last = {p: "" if "train" in s and len(s) > 1 else s[-1] for p, s in entries.items()}
    return {path: "" if split == yolo_config.UNSPLIT else split for path, split in last.items()}


class _Reading:
    """Images with their labels; what was used and noticed on the way."""

    def __init__(
        self, folder: Folder, names: Mapping[int, str] | None, notes: list[str], points: int
    ) -> None:
        self.folder, self.names, self.notes, self.points = folder, names, notes, points
        self.labels = Labels(folder)
        self.lone = self.labels.lone()

    def images(self, splits: Mapping[Path, str]) -> list[LabelledImage]:
        """Raises UserError with all that does not fit, and for two images of one text file."""
        faults = Faults()
        owners: dict[Path, Path] = {}
        found = []
        for path, split in splits.items():
            with faults.collected():
                label = self.labels.of(path)
                if label is not None and owners.setdefault(label, path) != path:
                    first, second = (self.folder.relative(p) for p in (owners[label], path))
                    raise UserError(
                        f"{first} and {second} have one name but for the suffix, and so one text "
                        f"file, {self.folder.relative(label)}. Rename or remove one."
                    )
                found.append(self._image(path, split, label))
        faults.refuse()
        return self._unread(found)

    def _image(self, path: Path, split: str, label: Path | None) -> LabelledImage:
        width, height = imagefiles.size(path)
        drawn = self.labels.beside(path, MASKS, ".png")
        mask = None if drawn is None else files.mask_file(drawn, width, height)
        if label is None:
            return replace(bare(path, split), mask=mask)
        lines = lines_of(label, self.names, width, height, self.notes, self.points)
        boxes = tuple(line.box for line in lines)
        mask = mask or self._outlined(lines, width, height)
        return LabelledImage(path, boxes=boxes, mask=mask, split=split)

    def _outlined(self, lines: list[Line], width: int, height: int) -> Mask | None:
        """The mask where each defect has an outline; of no defect it is empty."""
        outlines = [line.outline for line in lines if line.outline is not None]
        if outlines and len(outlines) < len(lines):
            self.notes.append("images have boxes among their outlines: their masks are left out")
        return None if len(outlines) < len(lines) else geometry.mask_of(width, height, outlines)

    def _unread(self, found: list[LabelledImage]) -> list[LabelledImage]:
        """Images without a text file of which one of their name lies elsewhere are not intact."""
        lone = {composed(path.stem).casefold() for path in self.lone}
        images = []
        for image in found:
            if image.marks is Marks.NONE:
                elsewhere = composed(image.path.stem).casefold() in lone
                self.notes.append(
                    "images have no text file, but one of their name lies elsewhere: not labelled"
                    if elsewhere
                    else "images have no text file"
                )
                image = replace(image, marks=Marks.UNKNOWN) if elsewhere else image
            images.append(image)
        return images

    def told(self) -> list[str]:
        """A note on text files that nobody used."""
        if not self.lone:
            return []
        names = some(self.folder.relative(path) for path in self.lone)
        return [
            f"{len(self.lone)} text files with labels belong to no image: passed over ({names})."
        ]


def config(names: Sequence[str], train: str, val: str, **entries: str) -> dict[str, Any]:
    """What data.yaml says: classes by number, and where the images of the splits are."""
    return {"train": train, "val": val, **entries, "names": dict(enumerate(names))}


def text_of(
    boxes: Sequence[Box], size: tuple[int, int], names: Sequence[str], digits: int = 6
) -> str:
    """The text file of an image of that width and height: a line a box. Of a single class every
    box is; raises UserError for a box of none of several."""
    return "".join(_line(box.xyxy, size, class_number(box, names), digits) for box in boxes)


def _line(corners: Corners, size: tuple[int, int], number: int, digits: int) -> str:
    (x1, y1, x2, y2), (width, height) = corners, size
    values = ((x1 + x2) / 2 / width, (y1 + y2) / 2 / height, (x2 - x1) / width, (y2 - y1) / height)
    return f"{number} " + " ".join(f"{v:.{digits}f}" for v in values) + "\n"


def class_number(box: Box, names: Sequence[str]) -> int:
    """Number of the box's class; 0 where there is but one. Raises UserError for an unknown one."""
    if len(names) == 1:
        return 0
    if box.class_name not in names:
        raise UserError(
            f"A box has the class '{box.class_name}'; the set has {', '.join(names)}. "
            "Add it to the classes, or take all defects as one class."
        )
    return names.index(box.class_name)


def _left(folder: Folder, used: Mapping[Path, str]) -> list[str]:
    """A note on images in no split."""
    left = sum(path not in used for path in pictures(folder))
    return [f"{counted(left, 'image is', 'images are')} in no split: passed over."] if left else []
