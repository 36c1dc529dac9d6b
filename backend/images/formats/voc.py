"""Pascal VOC's layout: one XML file an image.

Corners are counted from 1 and belong to the box (Everingham et al., IJCV 2010), so columns
xmin … xmax of VOC are xmin − 1 … xmax here. Tools that count from 0 are off by that pixel; a box
that then begins at −1 is cut to the image. ImageSets/Main/train.txt, val.txt and test.txt assign
splits where they are there.
"""

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree

from backend.images import imagefiles, masks, words
from backend.images.faults import Faults
from backend.images.folder import Folder, composed, stem_of
from backend.images.formats import files, geometry
from backend.images.labelled_image import LabelledImage, LabelledSet, bare
from backend.images.pairs import Pairs
from backend.records import Box, UserError


def fits(folder: Folder) -> bool:
    """Whether the folder looks like this layout; the first XML files are opened."""
    found = folder.ending(".xml")[:50]
    return files.any_is(found, lambda path: _root(path).tag == "annotation")


def read(folder: Folder) -> LabelledSet:
    """Every image; those without an XML file have no box. Raises UserError naming the file."""
    notes: list[str] = []
    faults = Faults()
    splits = _splits(folder)
    images_there = Pairs(folder, masks.pictures(folder))
    labels: dict[Path, Path] = {}
    owners = Pairs(folder, folder.ending(".xml"))
    for path in owners.paths:
        with faults.collected():
            image = _image(path, folder, images_there, owners)
            if image is None:
                notes.append("XML files belong to no image: passed over")
            elif (first := labels.setdefault(image, path)) != path:
                raise UserError(f"{path} and {first} both label {image.name}. Keep one.")
    images = []
    for image in images_there.paths:
        name = folder.relative(image)
        split = _split_of(name, splits) or words.split_of(name)
        with faults.collected():
            images.append(_labelled(image, labels.get(image), split, notes))
    faults.refuse()
    classes = sorted({box.class_name for image in images for box in image.boxes})
    return LabelledSet(tuple(images), "voc", tuple(classes), files.counted(notes))


def _splits(folder: Folder) -> dict[str, str]:
    """Image → split, from ImageSets/Main; a test's word counts most."""
    found: dict[str, str] = {}
    for split in ("train", "val", "test"):
        for path in folder.ending(".txt"):
            if path.stem == split and path.parent.name == "Main":
                lines = files.text(path).splitlines()
                found |= {stem_of(composed(line)).casefold(): split for line in lines}
    return found


def _split_of(relative: str, splits: Mapping[str, str]) -> str:
    """The split that a list gives an image, by its path or the end of it."""
    parts = stem_of(relative).casefold().split("/")
    ends = ("/".join(parts[start:]) for start in range(len(parts)))
    return next((splits[end] for end in ends if end in splits), "")


def _image(path: Path, folder: Folder, pictures: Pairs, owners: Pairs) -> Path | None:
    """The image an XML file labels: of its place and stem, of its stem, or the one it names, where
    that has no file of its own."""
    found = pictures.of(path) or pictures.anywhere(path)
    if len(found) != 1:
        name = _root(path).findtext("filename") or ""
        named = folder.meant(name, folder.relative(path.parent)) if name.strip() else []
        free = [image for image in named if image in found or not owners.anywhere(image)]
        found = free or found
    if len(found) > 1:
        raise UserError(f"{path} could label {found[0]} or {found[1]}. Rename one.")
    return found[0] if found else None


def _root(path: Path) -> ElementTree.Element:
    """The XML's root. Refuses document types, through which XML names files or grows."""
    content = files.text(path)
    if "<!DOCTYPE" in content or "<!ENTITY" in content:
        raise UserError(f"{path} declares a DOCTYPE or ENTITY. Remove the declaration.")
    try:
        return ElementTree.fromstring(content)  # nosec B314
    except (ElementTree.ParseError, ValueError, RecursionError) as error:
        raise UserError(f"{path} is no valid XML: {error}. Export it again.") from error


def _labelled(path: Path, label: Path | None, split: str, notes: list[str]) -> LabelledImage:
    if label is None:
        notes.append("images have no XML file")
        return bare(path, split)
    width, height = imagefiles.size(path)
    root = _root(label)
    said = [root.findtext(f"size/{word}") for word in ("width", "height")]
    files.check_size(said[0], said[1], (width, height), str(label))
    marks = root.findall("object")
    faults = Faults()
    boxes = []
    for k, mark in enumerate(marks, start=1):
        with faults.collected():
            boxes.append(_box(mark, width, height, f"{label}, object {k}", notes))
    faults.refuse()
    if any((mark.findtext("difficult") or "0").strip() == "1" for mark in marks):
        notes.append("files mark objects as difficult: their boxes count like any other")
    mask = None if boxes else geometry.mask_of(width, height, ())
    return LabelledImage(path, boxes=tuple(boxes), mask=mask, split=split)


def _box(mark: ElementTree.Element, width: int, height: int, where: str, notes: list[str]) -> Box:
    class_name = files.usable(mark.findtext("name"), f"{where}, 'name'")
    found: dict[str, float] = defaultdict(float)
    for word in ("xmin", "ymin", "xmax", "ymax"):
        try:
            found[word] = float(mark.findtext(f"bndbox/{word}") or "")
        except ValueError as error:
            raise UserError(f"{where}: '{word}' is missing or no number. Correct it.") from error
    corners = found["xmin"] - 1, found["ymin"] - 1, found["xmax"], found["ymax"]
    return geometry.placed(class_name, corners, width, height, where, notes)
