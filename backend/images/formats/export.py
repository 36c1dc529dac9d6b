"""A run's images as a zip that other tools read, in YOLO's or COCO's layout.

Images and PNG masks are copied byte for byte. Boxes come back to within 1e-6 px, masks exactly
(from the mask files; in COCO's JSON each annotation also holds the mask's pixels inside its box, as
an uncompressed run-length code). Class, group and split come back too. YOLO has no place for a
box's confidence and source; COCO's JSON holds them as `score` and `source`, which few tools read.
"""

import io
import json
import re
import shutil
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml
from PIL import Image

from backend.images import imagefiles, masks, tables
from backend.images.formats import coco, yolo, yolo_config
from backend.images.labelled_image import LabelledImage
from backend.records import UserError

LAYOUTS = ("yolo", "coco")
PROVENANCE = "PROVENANCE.json"
LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the same rows give the same bytes
MASK_FOLDERS = {"yolo": yolo.MASKS, "coco": "masks"}


@dataclass(frozen=True)
class Packed:
    """An image on its way into the zip. place: its path there, `images/train/x.png`; mask_place:
    that of its mask, "" where it has none."""

    image: LabelledImage
    place: str
    mask_place: str


def export(
    images: Sequence[LabelledImage],
    target: Path,
    layout: str,
    *,
    licence: str,
    origin: Mapping[str, object],
) -> None:
    """Write a zip at `target`: images, labels, masks, data.yaml or JSON, README, provenance.

    images: of files, their masks too. licence: words for README.txt. origin: what PROVENANCE.json
    says about where the images come from. Raises UserError for an unknown layout, no images, or an
    image that is missing or damaged.
    """
    if layout not in LAYOUTS:
        raise UserError(f"Layout must be one of: {', '.join(LAYOUTS)}; got '{layout}'.")
    if not images:
        raise UserError("There is no image to export. Keep at least one.")
    packed = _packed(images, MASK_FOLDERS[layout])
    classes = sorted({box.class_name for image in images for box in image.boxes})
    labels = _yolo(packed, classes) if layout == "yolo" else _coco(packed, classes, licence)
    counts = {"images": len(images), "boxes": sum(len(image.boxes) for image in images)}
    about = {"licence": licence, "layout": layout, **counts, "origin": dict(origin)}
    texts = {
        **labels,
        "metadata.csv": _table(packed),
        "README.txt": _readme(layout, counts, classes, licence),
        PROVENANCE: json.dumps(about, indent=2, default=str, ensure_ascii=False) + "\n",
    }
    _write(target, packed, texts)


def licence_in(target: Path) -> str | None:
    """The licence that a zip made earlier names; None where there is no zip, or no whole one."""
    try:
        with zipfile.ZipFile(target) as packed:
            return str(json.loads(packed.read(PROVENANCE))["licence"])
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile):
        return None


def _packed(images: Sequence[LabelledImage], mask_folder: str) -> list[Packed]:
    """The images with their places. Raises UserError for a mask that does not fit its image."""
    some = any(image.split for image in images)
    taken: set[str] = set()
    found = []
    for image in images:
        folder = image.split or (yolo_config.UNSPLIT if some else "")
        stem = "/".join(filter(None, (folder, _free(_plain(image.shown_name), image.split, taken))))
        drawn = image.mask if isinstance(image.mask, Path) else None
        if drawn:
            masks.check_size(drawn, *image.size)
        place = f"images/{stem}{image.path.suffix.lower()}"
        found.append(Packed(image, place, f"{mask_folder}/{stem}.png" if drawn else ""))
    return found


def _yolo(packed: Sequence[Packed], classes: Sequence[str]) -> dict[str, str]:
    """`data.yaml` and a text file an image, by their place in the zip."""
    found = {one.place.split("/")[1] for one in packed if one.place.count("/") > 1}
    entries = {split: f"images/{split}" for split in sorted(found)}
    some = entries.pop("train", "images")
    data = yolo.config(classes, some, entries.pop("val", some), **entries)
    texts = {"data.yaml": yaml.safe_dump(data, sort_keys=False, allow_unicode=True)}
    for one in packed:
        place = Path(one.place.replace("images", "labels", 1)).with_suffix(".txt")
        text = yolo.text_of(one.image.boxes, one.image.size, classes, digits=10)
        texts[place.as_posix()] = text
    return texts


def _coco(packed: Sequence[Packed], classes: Sequence[str], licence: str) -> dict[str, str]:
    """One JSON file a split, by its place in the zip."""
    images = []
    for one in packed:
        mask = {coco.MASK_FILE: one.mask_place} if one.mask_place else {}
        images.append((one.image, {"file_name": one.place, **mask}))
    found = coco.written(images, classes, licence)
    return {
        f"annotations/{name}": json.dumps(part, ensure_ascii=False) + "\n"
        for name, part in found.items()
    }


def _plain(name: str) -> str:
    """An image's name as a file name; a test image's name may hold folders."""
    return re.sub(r"[^\w.-]", "_", name.replace("/", "__")).lstrip(".") or "image"


def _free(name: str, split: str, taken: set[str]) -> str:
    """The name, or with a number where it is taken."""
    number, free = 1, name
    while f"{split}/{free}" in taken:
        number += 1
        free = f"{name}_{number}"
    taken.add(f"{split}/{free}")
    return free


def _table(packed: Sequence[Packed]) -> str:
    """metadata.csv: what YOLO and COCO have no place for."""
    rows = [
        (one.place, one.image.group, one.image.split, one.image.source, one.image.shown_name)
        for one in packed
    ]
    return tables.written(("file_name", "group", "split", "source", "image"), rows)


def _readme(layout: str, counts: Mapping[str, int], classes: Sequence[str], licence: str) -> str:
    layouts = {
        "yolo": "data.yaml names classes and splits; labels/ holds a text file an image, one line\n"
        "a box: class number, middle x, middle y, width, height, in fractions of the image.\n"
        "Where the images have no split, data.yaml names all of them for train and val.",
        "coco": "annotations/ holds a JSON file a split; file_name counts from this folder. A box\n"
        "is left, top, width, height in px. Where the mask is known, an annotation's segmentation\n"
        "is the mask inside its box, as an uncompressed run-length code.",
    }
    return (
        f"{counts['images']} images with {counts['boxes']} boxes, exported by Defect Distillery.\n"
        f"Classes: {', '.join(classes) or 'none'}.\n\n"
        f"Licence: {licence}\n\n"
        f"images/ holds the images as they are. {layouts[layout]}\n"
        f"{MASK_FOLDERS[layout]}/ holds a mask an image where it is known: white where defect.\n"
        "metadata.csv: the group (views of one part share it), the split and the source of each\n"
        "image. PROVENANCE.json says where the images come from.\n"
    )


def _write(target: Path, packed: Sequence[Packed], texts: Mapping[str, str]) -> None:
    """A reader never sees half a zip. Images are packed already, so they are stored as they are."""
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f"{target.name}.partial")
    try:
        with zipfile.ZipFile(partial, "w") as file:
            for place, text in texts.items():
                file.writestr(_member(place, zipfile.ZIP_DEFLATED), text)
            for one in packed:
                _copy(file, one.image.path, one.place)
                if isinstance(one.image.mask, Path):
                    _copy(file, one.image.mask, one.mask_place)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def _member(place: str, packing: int) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(place, LONG_AGO)
    member.compress_type, member.external_attr = packing, 0o644 << 16
    return member


def _copy(packed: zipfile.ZipFile, path: Path, place: str) -> None:
    """The file's bytes; a mask that is no PNG becomes one."""
    member = _member(place, zipfile.ZIP_STORED)
    if path.suffix.lower() != Path(place).suffix:
        content = io.BytesIO()
        Image.fromarray(imagefiles.read_mask(path)).save(content, "PNG")
        packed.writestr(member, content.getvalue())
        return
    member.file_size = path.stat().st_size
    with path.open("rb") as source, packed.open(member, "w") as file:
        shutil.copyfileobj(source, file, 1 << 20)
