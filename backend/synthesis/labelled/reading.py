"""A folder of labelled images made elsewhere: find out how it is labelled, and read it."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from backend.records import Progress, UserError
from backend.synthesis.labelled import coco, files, labelme, masks, voc, yolo
from backend.synthesis.labelled.files import Folder
from backend.synthesis.labelled.records import Import, Labelled
from backend.synthesis.vocabulary import LAYOUTS

__all__ = ["LAYOUTS", "Import", "Labelled", "read"]

TABLE = "metadata.csv"
WORDS = {
    "yolo": "YOLO",
    "coco": "COCO",
    "voc": "Pascal VOC",
    "labelme": "LabelMe",
    "masks": "masks",
    "none": "no labels",
}


def read(folder: Path, layout: str = "auto", progress: Progress | None = None) -> Import:
    """All images of a folder and their labels, in the layout named or the first that fits.

    `metadata.csv` with the columns file_name, group and split is heeded in every layout; an image
    it does not name is a group of its own. Masks are drawn when asked for. Only the layout
    `masks` takes long, for boxes are found in the masks. Raises UserError naming the file and
    the line or field that does not fit.
    """
    if layout not in LAYOUTS:
        raise UserError(f"Layout must be one of: {', '.join(LAYOUTS)}; got '{layout}'.")
    found = files.scan(folder)
    chosen = _detected(found) if layout == "auto" else layout
    result = _masks(found, progress) if chosen == "masks" else _READERS[chosen](found)
    if not result.images:
        raise UserError(f"{folder} holds no image that can be taken. Look at its layout.")
    if len(result.images) > files.MOST_IMAGES:
        raise UserError(
            f"{folder} holds {len(result.images)} images; {files.MOST_IMAGES} are the most."
        )
    images, notes = _finished(result.images, found)
    counts = f"Read as {WORDS[chosen]}: {len(images)} images, {_boxes(images)} boxes."
    return replace(result, images=images, notes=(counts, *result.notes, *notes))


def _masks(folder: Folder, progress: Progress | None) -> Import:
    return masks.read(folder, progress)


def _unlabelled(folder: Folder) -> Import:
    images = [
        Labelled(path, "", "", files.split_of(folder.relative(path)), *files.size(path))
        for path in folder.images
    ]
    return Import(tuple(images), "none", (), ("No labels were read.",))


_READERS: Mapping[str, Callable[[Folder], Import]] = {
    "yolo": yolo.read,
    "coco": coco.read,
    "voc": voc.read,
    "labelme": labelme.read,
    "none": _unlabelled,
}


def _detected(folder: Folder) -> str:
    for layout, reader in (("yolo", yolo), ("coco", coco), ("voc", voc), ("labelme", labelme)):
        if reader.fits(folder):
            return layout
    return "masks" if masks.fits(folder) else "none"


def _boxes(images: tuple[Labelled, ...]) -> int:
    return sum(len(image.boxes) for image in images)


def _finished(
    images: tuple[Labelled, ...], folder: Folder
) -> tuple[tuple[Labelled, ...], list[str]]:
    """The images with name, group and split; what is odd about those, in words."""
    path = folder.root / TABLE
    groups = {
        file_name: files.usable(group, f"{path}, 'group' of '{file_name}'")
        for file_name, group in files.table(path, "group").items()
    }
    splits = _table_splits(folder)
    named = []
    for image in sorted(images, key=lambda image: image.path):
        relative = folder.relative(image.path)
        name = files.usable(files.stem_of(relative), f"The image {relative!a}")
        group = groups.get(relative) or groups.get(image.path.name) or name
        split = splits.get(relative) or splits.get(image.path.name) or image.split
        named.append(replace(image, name=name, group=group, split=split))
    _check_unique(named)
    return tuple(named), _torn(named) + _unnamed(folder, {*groups, *splits})


def _table_splits(folder: Folder) -> dict[str, str]:
    path = folder.root / TABLE
    found = files.table(path, "split")
    for name, word in found.items():
        if word.lower() not in files.SPLITS:
            raise UserError(f"{path}, '{name}': split must be train, val or test; got '{word}'.")
    return {name: files.SPLITS[word.lower()] for name, word in found.items()}


def _check_unique(images: list[Labelled]) -> None:
    seen: dict[str, Path] = {}
    for image in images:
        if image.name in seen:
            raise UserError(
                f"{seen[image.name]} and {image.path.name} have one name but for the suffix. "
                "Rename or remove one."
            )
        seen[image.name] = image.path


def _torn(images: list[Labelled]) -> list[str]:
    splits = defaultdict(set)
    for image in images:
        splits[image.group].add(image.split)
    torn = sum(len(found) > 1 for found in splits.values())
    return [f"{torn} groups have images in more than one split."] if torn else []


def _unnamed(folder: Folder, names: set[str]) -> list[str]:
    """Notes on rows of the table that fit no image, or several."""
    counts = Counter(path.name for path in folder.images)
    missing = [name for name in names if name not in folder.by_path and not counts[name]]
    notes = [f"{TABLE} names {len(missing)} images that are not there."] if missing else []
    several = [name for name in names if name not in folder.by_path and counts[name] > 1]
    if several:
        notes.append(f"{TABLE} names {len(several)} files of which there are several.")
    return notes
