"""YOLO's `data.yaml`: the names of the classes, and where the images of each split are."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from backend.records import UserError
from backend.synthesis import pictures
from backend.synthesis.labelled import files
from backend.synthesis.labelled.files import Folder

FILES = ("data.yaml", "data.yml", "dataset.yaml")
SPLITS = ("train", "val", "test")
UNSPLIT = "unsplit"  # our own export, where some images have a split and others none


@dataclass(frozen=True)
class Config:
    """path: the file. base: the folder its entries are relative to. names: number → class.
    splits: split → list files and folders of images."""

    path: Path
    base: Path
    names: Mapping[int, str]
    splits: Mapping[str, tuple[str, ...]]


def home(folder: Folder) -> Path | None:
    """Where the set's `data.yaml` lies: in the folder itself, else in the only one below it."""
    found = [path.parent for path in folder.ending(".yaml", ".yml") if path.name in FILES]
    if folder.root in found:
        return folder.root
    if len(set(found)) > 1:
        raise UserError(f"{found[0]} and {found[1]} both hold a data.yaml. Read one of them.")
    return found[0] if found else None


def read(folder: Path) -> Config:
    """The folder's `data.yaml`. Raises UserError where it is missing, broken or lacks `names`."""
    path = next((folder / name for name in FILES if (folder / name).exists()), None)
    path = path or folder / FILES[0]
    try:
        content = yaml.safe_load(files.text(path))
    except (UserError, ValueError, RecursionError, yaml.YAMLError) as error:
        raise UserError(f"Cannot read {path}. A YOLO data set needs this file.") from error
    if not isinstance(content, dict) or not isinstance(content.get("names"), (dict, list)):
        raise UserError(f"{path} lacks 'names', the list of classes.")
    splits = {k: _entries(content.get(k), k, path) for k in (*SPLITS, UNSPLIT)}
    splits["val"] = splits["val"] or _entries(content.get("validation"), "val", path)
    return Config(path, _base(folder, content), _names(content["names"], path), splits)


def _names(names: Any, path: Path) -> dict[int, str]:
    pairs = enumerate(names) if isinstance(names, list) else names.items()
    try:
        return {int(number): files.usable(name, f"{path}, 'names'") for number, name in pairs}
    except (ValueError, TypeError) as error:
        raise UserError(f"{path}, 'names': each class needs a whole number.") from error


def _entries(entry: Any, split: str, path: Path) -> tuple[str, ...]:
    found = entry if isinstance(entry, list) else [entry] if entry else []
    if not all(isinstance(item, str) for item in found):
        raise UserError(f"{path}, '{split}': name a folder, a list file, or several of them.")
    return tuple(found)


def _base(folder: Path, content: Mapping[str, Any]) -> Path:
    """`path` counts where it names a folder of the set; mostly it is one of another computer."""
    entry = content.get("path")
    if not isinstance(entry, str):
        return folder
    try:
        place = _inside(folder, entry)
    except UserError:
        return folder
    return folder / entry if place.is_dir() else folder


def split_images(found: Config, split: str) -> list[Path]:
    """The images of a split, absolute. Raises UserError for a list or folder that is not there."""
    paths: list[Path] = []
    for entry in found.splits[split]:
        place = _place(found.base, entry)
        if place.suffix == ".txt":
            if not place.exists():
                raise UserError(f"{found.path} names '{entry}', which does not exist.")
            lines = [line.strip() for line in files.text(place).splitlines()]
            paths += [_inside(found.base, line) for line in lines if line]
        else:
            paths += pictures.image_files(place)
    if not paths:
        raise UserError(f"'{split}' of {found.path} names no images.")
    return list(dict.fromkeys(paths))


def _place(base: Path, entry: str) -> Path:
    """An entry's file or folder; some tools write it with one ../ too many."""
    return _inside(base, entry.removeprefix("../"))


def _inside(base: Path, entry: str) -> Path:
    try:
        place = (base / entry).resolve()
        place.exists()
    except (OSError, ValueError, RuntimeError) as error:
        raise UserError(f"'{ascii(entry)[1:80]}' is no path of a file. Correct it.") from error
    if not place.is_relative_to(base.resolve()):
        raise UserError(f"'{entry}' lies outside the data set's folder {base}.")
    return place


def is_gone(base: Path, entry: str) -> bool:
    """Whether an entry is a folder that is not there; exports often name one they do not hold."""
    place = _place(base, entry)
    return place.suffix != ".txt" and not place.is_dir()
