"""A folder of labelled images made elsewhere: find out how it is labelled, and read it."""

from collections import defaultdict
from dataclasses import replace
from pathlib import Path

from backend.images import imagefiles, tables, words
from backend.images.folder import Folder, scan, some, stem_of
from backend.images.formats import coco, files, labelme, masks, unread, voc, yolo
from backend.images.labelled_image import LabelledImage, LabelledSet, Marks, bare
from backend.images.masks import pictures
from backend.images.vocabulary import LAYOUTS
from backend.records import Label, Progress, UserError
from backend.wording import counted

_READERS = {"yolo": yolo, "coco": coco, "voc": voc, "labelme": labelme}


def read(
    folder: Path, layout: str = "auto", progress: Progress | None = None, split: str = ""
) -> LabelledSet:
    """All images of a folder and their labels, in the layout named or the first that fits.

    split: of YOLO's layout the images of that entry alone. `metadata.csv` with the columns
    file_name, group and split is heeded in every layout; an image it does not name is a group of
    its own. Masks are drawn when asked for. Only the layout `masks` takes long, for boxes are
    found in the masks. Raises UserError naming the files and the lines or fields that do not fit.
    """
    if layout not in ("auto", *LAYOUTS):
        raise UserError(f"Layout must be one of: auto, {', '.join(LAYOUTS)}; got '{layout}'.")
    found = scan(folder)
    chosen = _detected(found) if layout == "auto" else layout
    if chosen == "masks":
        result = masks.read(found, progress)
    elif split:
        result = yolo.read(found, split)
    else:
        result = _unlabelled(found) if chosen == "none" else _READERS[chosen].read(found)
    if not result.images:
        raise UserError(f"{folder} holds no image that can be taken. Look at its layout.")
    if len(result.images) > files.MOST_IMAGES:
        raise UserError(
            f"{folder} holds {len(result.images)} images; {files.MOST_IMAGES} are the most."
        )
    images, unsure = result.images, list[str]()
    if layout != "none":
        images, unsure = _without_spoken_of(images, found, chosen)
    images, notes = _finished(images, found, split)
    notes += unsure
    drawn = counted(_boxes(images), "box", "boxes")
    counts = f"Read as {LAYOUTS[chosen]}: {counted(len(images), 'image')}, {drawn}."
    return replace(result, images=images, notes=(counts, *result.notes, *notes))


def _without_spoken_of(
    images: tuple[LabelledImage, ...], folder: Folder, layout: str
) -> tuple[tuple[LabelledImage, ...], list[str]]:
    """The images, those without a label of which an unread file speaks as not labelled; notes."""
    alone = {image.path for image in images if image.marks is Marks.NONE}
    spoken = unread.spoken_of(alone, folder, layout) if alone else {}
    if not spoken:
        return images, []
    names = some(folder.relative(path) for path in dict.fromkeys(spoken.values()))
    note = (
        f"{counted(len(spoken), 'image is', 'images are')} marked in files that this layout "
        f"does not read ({names}): not "
        "labelled. Export them in another layout, or choose layout = none where the files mean "
        "nothing."
    )
    return tuple(replace(i, marks=Marks.UNKNOWN) if i.path in spoken else i for i in images), [note]


def _unlabelled(folder: Folder) -> LabelledSet:
    images = [bare(p, words.split_of(folder.relative(p))) for p in pictures(folder)]
    return LabelledSet(tuple(images), "none", (), ("No labels were read.",))


def _detected(folder: Folder) -> str:
    for layout, reader in _READERS.items():
        if reader.fits(folder):
            return layout
    return "masks" if masks.fits(folder) else "none"


def _boxes(images: tuple[LabelledImage, ...]) -> int:
    return sum(len(image.boxes) for image in images)


def _finished(
    images: tuple[LabelledImage, ...], folder: Folder, split: str
) -> tuple[tuple[LabelledImage, ...], list[str]]:
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


def _judged(image: LabelledImage, relative: str, notes: list[str]) -> LabelledImage:
    """An image without boxes in a folder of BAD ones shows a defect that nobody marked."""
    if image.boxes or image.marks is Marks.UNKNOWN:
        return image
    if words.nearest_verdict(relative.split("/")[:-1])[1] is Label.BAD:
        notes.append("images lie in a folder of BAD ones, but nothing marks their defects")
        return replace(image, mask=None, marks=Marks.UNKNOWN)
    return image


def _without_doubles(image: LabelledImage, notes: list[str]) -> LabelledImage:
    """Equal boxes of an image count once."""
    kept = tuple(dict.fromkeys(image.boxes))
    notes += ["labels occur twice in their image: taken once"] * (len(image.boxes) - len(kept))
    return replace(image, boxes=kept)


def _not_labelled(images: list[LabelledImage]) -> list[str]:
    unread = sum(image.marks is Marks.UNKNOWN for image in images)
    told = counted(unread, "image counts", "images count")
    return [f"{told} as not labelled: never trained on or tested."] if unread else []


def _check_unique(images: list[LabelledImage], folder: Folder) -> None:
    seen: dict[str, Path] = {}
    for image in images:
        if image.name in seen:
            first, second = folder.relative(seen[image.name]), folder.relative(image.path)
            raise UserError(
                f"{first} and {second} have one name but for the suffix. Rename or remove one."
            )
        seen[image.name] = image.path


def _torn(images: list[LabelledImage]) -> list[str]:
    splits = defaultdict(set)
    for image in images:
        splits[image.group].add(image.split)
    torn = sum(len(found) > 1 for found in splits.values())
    return (
        [f"{counted(torn, 'group has', 'groups have')} images in more than one split."]
        if torn
        else []
    )
