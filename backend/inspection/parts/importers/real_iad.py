"""The layout of Real-IAD (Wang et al., CVPR 2024): a JSON file a category says what is trained on.

realiad_jsons/<category>.json      {"meta": {"prefix", "normal_class"}, "train": […], "test": […]}
realiad_1024/<category>/OK/S0001/*.jpg, …/NG/<defect>/S0001/*.jpg and *.png (masks)
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backend.images.folder import Folder, composed
from backend.inspection.parts.importers.listing import Listed, Listing, about_masks, entry
from backend.records import Label, UserError

WHOLE = "realiad_jsons"  # all five views; other folders hold other protocols of the set
SPLITS = ("train", "test")


def fits(folder: Folder) -> bool:
    """Are there such JSON files in a folder of that name?"""
    return any(path.parent.name.startswith(WHOLE) for path in folder.ending(".json"))


def read(folder: Folder) -> Listing:
    """Every picture of every category. Raises UserError naming the file that does not fit."""
    files, pictures = _files(folder), _Pictures(folder, tuple(_resolutions(folder)))
    entries = tuple(one for file in files for one in _category(pictures, file))
    notes = [f"Train and test as {folder.relative(files[0].parent)} has them."]
    return Listing(entries, "real-iad", (*notes, *about_masks(entries, (), folder)))


def _files(folder: Folder) -> list[Path]:
    """The JSON files of one protocol: `realiad_jsons`, or the only one there is."""
    found = [path for path in folder.ending(".json") if path.parent.name.startswith(WHOLE)]
    places = sorted({path.parent for path in found})
    wanted = [place for place in places if place.name == WHOLE] or places
    if len(wanted) != 1:
        told = ", ".join(folder.relative(place) for place in wanted) or "none"
        raise UserError(
            f"'{folder.root}' needs one folder {WHOLE} with a JSON file a category; there: {told}."
        )
    return [path for path in found if path.parent == wanted[0]]


def _category(pictures: "_Pictures", file: Path) -> Iterator[Listed]:
    told = _told(file)
    prefix, normal = told["meta"]["prefix"], told["meta"]["normal_class"]
    for split in SPLITS:
        for number, sample in enumerate(told[split]):
            where = f"{pictures.folder.relative(file)}, {split} {number}"
            path = pictures.file(prefix, _text(sample, "image_path", where), where)
            kind = _text(sample, "anomaly_class", where)
            label, defect = (Label.GOOD, "") if kind == normal else (Label.BAD, kind)
            mask = sample.get("mask_path") if defect else None
            masks = [pictures.file(prefix, str(mask), where)] if mask else []
            masks = [one for one in masks if one.is_file()]
            yield entry(pictures.folder, path, file.stem, label, defect, masks, split, where)


def _told(file: Path) -> dict[str, Any]:
    """What a category's file says. Raises UserError where it is damaged."""
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
        fits = isinstance(told["meta"]["prefix"], str) and "normal_class" in told["meta"]
        fits = fits and all(isinstance(told[split], list) for split in SPLITS)
    except (OSError, ValueError, KeyError, TypeError):
        fits = False
    if not fits:
        raise UserError(
            f"{file} is no file of Real-IAD: it needs meta (prefix, normal_class), train and test."
        )
    return dict(told)


def _text(sample: Any, name: str, where: str) -> str:
    if not isinstance(sample, Mapping) or not isinstance(sample.get(name), str):
        raise UserError(f"{where}: '{name}' is missing. Download the JSON files again.")
    return str(sample[name])


@dataclass(frozen=True)
class _Pictures:
    """roots: folders that hold the categories, the smallest resolution first."""

    folder: Folder
    roots: tuple[str, ...]

    def file(self, prefix: str, name: str, where: str) -> Path:
        """The picture of a name, also where it is not there. Raises UserError: it lies outside."""
        wanted = composed(f"{prefix}/{name}").replace("//", "/")
        if wanted.startswith("/") or ".." in wanted.split("/"):
            raise UserError(f"{where}: '{wanted}' lies outside {self.folder.root}.")
        found = (self.folder.by_path.get(f"{root}/{wanted}".lstrip("/")) for root in self.roots)
        return next(filter(None, found), self.folder.root / wanted)


def _resolutions(folder: Folder) -> list[str]:
    """Folders `realiad_256`, `realiad_1024`, … in the set, the smallest first; "": none needed."""
    found = [place for place in folder.places.values() if re.search(r"realiad_(\d+|raw)$", place)]
    return [*sorted(found, key=_edge), ""]


def _edge(place: str) -> int:
    digits = re.search(r"(\d+)$", place)
    return int(digits[1]) if digits else 10**6
