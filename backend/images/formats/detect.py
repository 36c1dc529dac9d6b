"""A folder of labelled images made elsewhere: find out how it is labelled, and read it."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from backend.images import imagefiles, tables, words
from backend.images.folder import Folder, scan, stem_of
from backend.images.formats import coco, files, labelme, masks, unread, voc, yolo
from backend.images.formats.image import Import, Labelled, Marks
from backend.images.masks import pictures
from backend.images.vocabulary import LAYOUTS
from backend.records import Label, Progress, UserError

WORDS = {
    "yolo": "YOLO",
    "coco": "COCO",
    "voc": "Pascal VOC",
    "labelme": "LabelMe",
    "masks": "masks",
    "none": "no labels",
}


def read(
    folder: Path, layout: str = "auto", progress: Progress | None = None, split: str = ""
) -> Import:
    """All images of a folder and their labels, in the layout named or the first that fits.

    split: of YOLO's layout the images of that entry alone. `metadata.csv` with the columns
    file_name, group and split is heeded in every layout; an image it does not name is a group of
    its own. Masks are drawn when asked for. Only the layout `masks` takes long, for boxes are
    found in the masks. Raises UserError naming the files and the lines or fields that do not fit.
    """
    if layout not in LAYOUTS:
        raise UserError(f"Layout must be one of: {', '.join(LAYOUTS)}; got '{layout}'.")
    found = scan(folder)
    chosen = _detected(found) if layout == "auto" else layout
    if chosen == "masks":
        result = masks.read(found, progress)
    elif split:
        result = yolo.read(found, split)
    else:
        result = _READERS[chosen](found)
    if not result.images:
        raise UserError(f"{folder} holds no image that can be taken. Look at its layout.")
    if len(result.images) > files.MOST_IMAGES:
        raise UserError(
            f"{folder} holds {len(result.images)} images; {files.MOST_IMAGES} are the most."
        )
    images, unsure = result.images, list[str]()
    if layout != "none":
        images, unsure = unread.told(images, found, chosen)
    images, notes = _finished(images, found, split)
    notes += unsure
    counts = f"Read as {WORDS[chosen]}: {len(images)} images, {_boxes(images)} boxes."
    return replace(result, images=images, notes=(counts, *result.notes, *notes))


def _unlabelled(folder: Folder) -> Import:
    images = [
        Labelled(
            *(path, "", "", words.split_of(folder.relative(path)), *imagefiles.size(path)),
            marks=Marks.NONE,
        )
        for path in pictures(folder)
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
    images: tuple[Labelled, ...], folder: Folder, split: str
) -> tuple[tuple[Labelled, ...], list[str]]:
    """The images with name, group, split and depth; what is odd about them, in words."""
    about = tables.about(folder, tables.metadata(folder))
    depth = imagefiles.depth_of(pictures(folder) if split else (i.path for i in images))
    notes: list[str] = []
    named = []
    for image in sorted(images, key=lambda image: image.path):
        relative = folder.relative(image.path)
        name = files.usable(stem_of(relative), f"The image {relative!a}")
        where = f"{tables.METADATA}, '{relative}'"
        group = about.of(image.path, "group")
        own = words.specimen_of(relative) or name
        named.append(
            replace(
                _without_doubles(_judged(image, relative, notes), notes),
                name=name,
                group=files.usable(group, f"{where}, 'group'") if group else own,
                split=split or tables.split_of(about.of(image.path, "split"), where) or image.split,
                depth=depth if depth.count else None,
            )
        )
    _check_unique(named, folder)
    notes += _not_labelled(named)
    told = imagefiles.told_of((image.path for image in images), depth)
    notes = [*files.counted(notes), *told, *folder.left_out(), *about.notes]
    return tuple(named), [*notes, *_torn(named)]


def _judged(image: Labelled, relative: str, notes: list[str]) -> Labelled:
    """An image without boxes in a folder of BAD ones shows a defect that nobody marked."""
    if image.boxes or image.marks is Marks.UNREAD:
        return image
    if words.nearest_verdict(relative.split("/")[:-1])[1] is Label.BAD:
        notes.append("images lie in a folder of BAD ones, but nothing marks their defects")
        return replace(image, mask=None, marks=Marks.UNREAD)
    return image


def _without_doubles(image: Labelled, notes: list[str]) -> Labelled:
    """Equal boxes of an image count once."""
    kept = tuple(dict.fromkeys(image.boxes))
    notes += ["labels occur twice in their image: taken once"] * (len(image.boxes) - len(kept))
    return replace(image, boxes=kept)


def _not_labelled(images: list[Labelled]) -> list[str]:
    unread = sum(image.marks is Marks.UNREAD for image in images)
    return [f"{unread} images count as not labelled: never trained on or tested."] if unread else []


def _check_unique(images: list[Labelled], folder: Folder) -> None:
    seen: dict[str, Path] = {}
    for image in images:
        if image.name in seen:
            first, second = folder.relative(seen[image.name]), folder.relative(image.path)
            raise UserError(
                f"{first} and {second} have one name but for the suffix. Rename or remove one."
            )
        seen[image.name] = image.path


def _torn(images: list[Labelled]) -> list[str]:
    splits = defaultdict(set)
    for image in images:
        splits[image.group].add(image.split)
    torn = sum(len(found) > 1 for found in splits.values())
    return [f"{torn} groups have images in more than one split."] if torn else []
