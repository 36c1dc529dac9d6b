"""YOLO's layout: one text file an image, one line a defect, in fractions of the image.

    class x y width height          a box by its middle
    class x1 y1 x2 y2 x3 y3 …       an outline; its box is the one around it

Classes and splits stand in `data.yaml`; without it, every image of the folder counts and
`classes.txt` names the classes. The text file of images/a.png is labels/a.txt; where there is no
folder `images`, it lies beside the image. An image without a text file has no defect.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from backend.records import UserError
from backend.synthesis.labelled import files, geometry, yolo_config
from backend.synthesis.labelled.files import Folder
from backend.synthesis.labelled.geometry import Corners, Polygon
from backend.synthesis.labelled.records import Import, Labelled, Mask
from backend.synthesis.labelled.yolo_config import Config

MASKS = "defect_masks"  # our own export; `masks` would make ultralytics expect class numbers


@dataclass(frozen=True)
class Line:
    """One defect, corners and outline in px."""

    class_name: str
    corners: Corners
    outline: Polygon | None = None


def beside(path: Path, root: Path, folder: str, suffix: str) -> Path:
    """What belongs to an image of the set in `root`: its last folder `images` becomes `folder`;
    where there is none, it lies beside the image."""
    parts = list(path.parent.relative_to(root).parts)
    if "images" in parts:
        parts[len(parts) - 1 - parts[::-1].index("images")] = folder
    return root.joinpath(*parts, f"{path.stem}{suffix}")


def label_of(path: Path, root: Path) -> Path:
    """The text file with an image's boxes."""
    return beside(path, root, "labels", ".txt")


def lines_of(label: Path, names: Mapping[int, str] | None, width: int, height: int) -> list[Line]:
    """The defects in an image's text file, none where there is no file.

    names: None where nothing names the classes; they are called "class 0", … then. Raises
    UserError naming the line that does not fit.
    """
    if not label.exists():
        return []
    return [
        _parse_line(line, names, width, height, f"{label}, line {number}")
        for number, line in enumerate(files.text(label).splitlines(), start=1)
        if line.strip()
    ]


def _parse_line(
    line: str, names: Mapping[int, str] | None, width: int, height: int, where: str
) -> Line:
    try:
        number, *values = (float(value) for value in line.split())
        class_number = int(number)
    except (ValueError, OverflowError) as error:
        raise UserError(f"{where}: '{line}' is not 'class x y width height'.") from error
    known = number == class_number >= 0 and (names is None or class_number in names)
    if not known:
        raise UserError(f"{where}: no class has the number {number:g}. Add it to the names.")
    class_name = f"class {class_number}" if names is None else names[class_number]
    if len(values) == 4:
        return Line(class_name, _corners(values, width, height, where))
    if len(values) < 6 or len(values) % 2:
        raise UserError(f"{where}: '{line[:80]}' is not 'class x y width height'.")
    if not all(-0.01 <= value <= 1.01 for value in values):
        raise UserError(f"{where}: the outline must lie in 0…1, got '{line[:80]}'.")
    outline = geometry.polygon(np.array(values).reshape(-1, 2) * (width, height), where)
    return Line(class_name, outline.corners, outline)


def _corners(values: list[float], width: int, height: int, where: str) -> Corners:
    x, y, w, h = values
    if not (0 <= x <= 1 and 0 <= y <= 1 and 0 < w <= 1.001 and 0 < h <= 1.001):
        raise UserError(f"{where}: the box must lie in 0…1, got {x:g} {y:g} {w:g} {h:g}.")
    left, top = (x - w / 2) * width, (y - h / 2) * height
    return left, top, left + w * width, top + h * height


def fits(folder: Folder) -> bool:
    """Whether the folder looks like this layout."""
    if yolo_config.home(folder) is not None:
        return True
    texts = set(folder.ending(".txt"))
    return any(label_of(path, folder.root) in texts for path in folder.images)


def read(folder: Folder) -> Import:
    """All splits of `data.yaml`, or without it all images. Raises UserError, see `lines_of`."""
    notes: list[str] = []
    if (home := yolo_config.home(folder)) is not None:
        found = yolo_config.read(home)
        names: Mapping[int, str] | None = found.names
        splits = _splits(found, folder, notes)
    else:
        names = _listed_names(folder)
        splits = {path: files.split_of(name) for name, path in folder.by_path.items()}
        splits = {path: split for path, split in splits.items() if not _is_mask(folder, path)}
    images = [_labelled(folder.root, path, split, names, notes) for path, split in splits.items()]
    notes += _unused(folder, splits)
    seen = {box.class_name: None for image in images for box in image.boxes}
    classes = sorted(seen) if names is None else [names[number] for number in sorted(names)]
    return Import(tuple(images), "yolo", tuple(dict.fromkeys(classes)), files.counted(notes))


def _listed_names(folder: Folder) -> dict[int, str] | None:
    """`classes.txt`, one class a line, where there is one."""
    for path in (folder.root / "classes.txt", folder.root / "labels" / "classes.txt"):
        if path.exists():
            lines = [line.strip() for line in files.text(path).splitlines() if line.strip()]
            return {n: files.usable(line, f"{path}, line {n + 1}") for n, line in enumerate(lines)}
    return None


def _splits(found: Config, folder: Folder, notes: list[str]) -> dict[Path, str]:
    """Image → split. An image in train and elsewhere has none; one in val and test is a test's."""
    entries: dict[Path, list[str]] = {}
    for split, names in found.splits.items():
        gone = [name for name in names if yolo_config.is_gone(found.base, name)]
        notes += [f"'{split}' of {found.path.name} names '{n}', which is not there." for n in gone]
        if len(gone) < len(names):
            kept = tuple(name for name in names if name not in gone)
            chosen = replace(found, splits={split: kept})
            for path in yolo_config.split_images(chosen, split):
                entries.setdefault(path, []).append(split)
    if not entries:
        raise UserError(f"{found.path} names no images. Add 'train:', 'val:' or 'test:'.")
    both = sum("train" in s and len(s) > 1 for s in entries.values())
    if both:
        notes.append(f"{both} images are in 'train' and in another split: taken as not split.")
    last = {p: "" if "train" in s and len(s) > 1 else s[-1] for p, s in entries.items()}
    return {path: "" if split == yolo_config.UNSPLIT else split for path, split in last.items()}


def _labelled(
    root: Path, path: Path, split: str, names: Mapping[int, str] | None, notes: list[str]
) -> Labelled:
    width, height = files.size(path)
    label = label_of(path, root)
    lines = lines_of(label, names, width, height)
    boxes = tuple(
        geometry.placed(line.class_name, line.corners, width, height, f"{label}, defect {k}")
        for k, line in enumerate(lines, start=1)
    )
    if not label.exists():
        notes.append("images have no text file: taken as without a defect")
    mask = _outlined(lines, width, height, notes) if label.exists() else None
    drawn = beside(path, root, MASKS, ".png")
    if drawn != path.with_suffix(".png") and drawn.exists():
        mask = files.mask_file(drawn, width, height)
    return Labelled(path, "", "", split, width, height, boxes, mask)


def _outlined(lines: list[Line], width: int, height: int, notes: list[str]) -> Mask | None:
    """The mask where each defect has an outline; of no defect it is empty."""
    outlines = [line.outline for line in lines if line.outline is not None]
    if outlines and len(outlines) < len(lines):
        notes.append("images have boxes among their outlines: their masks are left out")
    return None if len(outlines) < len(lines) else geometry.mask_of(width, height, outlines)


def _is_mask(folder: Folder, path: Path) -> bool:
    parts = folder.relative(path).split("/")
    return MASKS in parts or "masks" in parts


def _unused(folder: Folder, used: Mapping[Path, str]) -> list[str]:
    """Notes on images in no split and on text files without an image."""
    labels = {label_of(path, folder.root) for path in used}
    texts = [p for p in folder.ending(".txt") if "labels" in folder.relative(p).split("/")]
    lone = [p for p in texts if p not in labels and p.name != "classes.txt"]
    left = [path for path in folder.images if path not in used and not _is_mask(folder, path)]
    notes = [f"{len(left)} images are in no split: passed over."] if left else []
    if lone:
        notes.append(
            f"{len(lone)} text files belong to no image: passed over, "
            f"the first is {folder.relative(lone[0])}."
        )
    return notes
