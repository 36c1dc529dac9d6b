"""A YOLO set's configuration: the names of its classes, and where the images of each split are.

Names stand in `data.yaml`, in a YAML file of another name, in darknet's `obj.names` (CVAT), or in
a `classes.txt` (labelImg). Darknet's `obj.data` names lists of images.
"""

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from backend.images.folder import SUFFIXES, Folder, composed, some
from backend.images.formats import files
from backend.images.formats.yolo_files import NAME_FILES
from backend.images.masks import pictures
from backend.records import UserError
from backend.wording import counted

FILES = ("data.yaml", "data.yml", "dataset.yaml")
SPLITS = ("train", "val", "test")
UNSPLIT = "unsplit"  # our own export, where some images have a split and others none


@dataclass(frozen=True)
class Config:
    """path: the file. base: the folder its entries are relative to, as a path in the set.
    names: number → class, None where it names none. splits: split → list files and folders of
    images. points: how many numbers of key points stand behind each box."""

    path: Path
    base: str
    names: Mapping[int, str] | None
    splits: Mapping[str, tuple[str, ...]]
    points: int = 0


def find(folder: Folder) -> Path | None:
    """The file that describes the set: `data.yaml`, else any YAML that names classes, else
    darknet's; of several, one in the folder itself. Raises UserError naming two of several others.
    """
    every = folder.ending(".yaml", ".yml")
    usual = [path for path in every if path.name.lower() in FILES]
    found = usual or [path for path in every if _names_classes(path)]
    found = found or [path for path in folder.ending(".data") if _darknet(path)]
    near = [path for path in found if path.parent == folder.root]
    chosen = near[:1] if usual and near else near or found
    if len(chosen) > 1:
        both = some((folder.relative(path) for path in chosen), 2)
        raise UserError(f"{both} all describe a YOLO set. Read one of them, or name it data.yaml.")
    return chosen[0] if chosen else None


def _names_classes(path: Path) -> bool:
    try:
        content = _parsed(path)
    except UserError:
        return False
    return isinstance(content, dict) and isinstance(content.get("names"), (dict, list))


def _parsed(path: Path) -> Any:
    """A YAML file, every scalar as the text it is: a class may be called `no` or `1`."""
    text = files.text(path)
    try:
        return yaml.load(text, Loader=yaml.BaseLoader)  # nosec B506
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f", line {mark.line + 1}" if mark else ""
        hint = (
            " Write Windows paths with / or in single quotes."
            if "escape" in str(error.problem)
            else " Correct it."
        )
        raise UserError(f"{path}{line}: {error.problem or error.context}.{hint}") from error
    except RecursionError as error:
        raise UserError(f"{path} is nested too deeply. Export it again.") from error
    except (ValueError, yaml.YAMLError) as error:
        raise UserError(f"{path} is no valid YAML: {str(error).splitlines()[0]}.") from error


def _darknet(path: Path) -> dict[str, str]:
    """The entries of darknet's `obj.data`: a line `train = data/train.txt` each."""
    pairs = (line.partition("=") for line in files.text(path).splitlines() if "=" in line)
    found = {key.strip().lower(): value.strip() for key, _, value in pairs}
    return found if {"train", "valid", "names"} & set(found) else {}


def read(path: Path, folder: Folder) -> Config:
    """What the file says of the set. Raises UserError where it is broken, or its `names` are."""
    if path.suffix.lower() == ".data":
        return _config(path, folder, {k: v for k, v in _darknet(path).items() if k != "names"})
    content = _parsed(path)
    if not isinstance(content, dict) or not {"names", "nc"} & set(content):
        raise UserError(f"{path} lacks 'names', the list of classes.")
    return _config(path, folder, content)


def _config(path: Path, folder: Folder, content: Mapping[str, Any]) -> Config:
    splits = {k: _entries(content.get(k), k, path) for k in (*SPLITS, UNSPLIT)}
    splits["val"] = splits["val"] or _entries(content.get("validation"), "val", path)
    splits["val"] = splits["val"] or _entries(content.get("valid"), "val", path)
    names = _names(content.get("names"), path)
    points = _points(content.get("kpt_shape"), path)
    return Config(path, _base(folder, path, content), names, splits, points)


def _points(shape: Any, path: Path) -> int:
    try:
        return math.prod(int(number) for number in shape) if shape else 0
    except (ValueError, TypeError) as error:
        raise UserError(f"{path}, 'kpt_shape': give two whole numbers. Correct it.") from error


def _names(names: Any, path: Path) -> dict[int, str] | None:
    if not names:
        return None
    if not isinstance(names, (dict, list)):
        raise UserError(f"{path}, 'names': give the list of classes, got '{str(names)[:80]}'.")
    pairs = enumerate(names) if isinstance(names, list) else names.items()
    try:
        return {int(number): files.usable(name, f"{path}, 'names'") for number, name in pairs}
    except (ValueError, TypeError) as error:
        raise UserError(f"{path}, 'names': each class needs a whole number.") from error


def _entries(entry: Any, split: str, path: Path) -> tuple[str, ...]:
    found = entry if isinstance(entry, list) else [entry] if entry else []
    if not all(isinstance(item, str) for item in found):
        raise UserError(f"{path}, '{split}': name a folder, a list file, or several of them.")
    return tuple(item for item in found if item and item not in ("null", "~"))


def _base(folder: Folder, path: Path, content: Mapping[str, Any]) -> str:
    """`path` counts where it names a folder of the set; mostly it is one of another computer."""
    home = folder.relative(path).rpartition("/")[0]
    entry = content.get("path") if isinstance(content.get("path"), str) else ""
    named = os.path.normpath(f"{home}/{composed(entry)}".lstrip("/")) if entry else ""
    return folder.places.get(named.casefold(), home)


@dataclass
class Split:
    """The images of a split, and notes on what its entries name that is not there."""

    images: list[Path]
    notes: list[str]


def split_images(config: Config, folder: Folder, split: str) -> Split:
    """The images a split's entries name: of folders, list files, and single files."""
    found = Split([], [])
    for entry in config.splits[split]:
        place = _place(config, entry, folder)
        if place is None:
            gone = f"'{split}' of {config.path.name} names '{entry}', which is not there."
            found.notes.append(gone)
        elif isinstance(place, Path):
            found.images += [place] if place.suffix.lower() in SUFFIXES else []
            if place.suffix.lower() == ".txt":
                found.images += _listed(place, folder, config, found.notes)
        else:
            start = f"{place}/" if place else ""
            inside = [p for p in pictures(folder) if folder.relative(p).startswith(start)]
            if not inside:
                found.notes.append(f"'{split}' of {config.path.name}: '{entry}' holds no image.")
            found.images += inside
    found.images = list(dict.fromkeys(found.images))
    return found


def _place(config: Config, entry: str, folder: Folder) -> str | Path | None:
    """An entry's folder, as a path in the set, or its file; None where it is not there.

    Some tools write one `../` too many, others the place on the computer they ran on, whose first
    folders are taken off until the rest is here.
    """
    parts = [part for part in os.path.normpath(composed(entry)).split("/") if part != ".."]
    parts = [part for part in parts if part and part != "." and not part.endswith(":")]
    if not parts:
        return config.base
    for start in range(len(parts)):
        for above in dict.fromkeys((config.base, "")):
            name = "/".join(filter(None, (above, *parts[start:])))
            if name.casefold() in folder.places:
                return folder.places[name.casefold()]
            files_there = folder.by_any_case.get(name.casefold(), [])
            if len(files_there) == 1:
                return files_there[0]
        if not _is_foreign(config, entry):
            return None
    return None


def _is_foreign(config: Config, entry: str) -> bool:
    """Is it a place on a computer, not one in the set? Darknet's is seen from where it starts."""
    name = composed(entry)
    return config.path.suffix.lower() == ".data" or name.startswith("/") or name[1:2] == ":"


def _listed(place: Path, folder: Folder, config: Config, notes: list[str]) -> list[Path]:
    """The images of a list file, one a line; those that are not there are told."""
    near = folder.relative(place).rpartition("/")[0]
    found, gone = [], []
    for number, line in enumerate(files.text(place).splitlines(), start=1):
        if name := line.strip():
            start = config.base if not name.startswith(".") else near
            where = f"{folder.relative(place)}, line {number}"
            image = folder.one(name, start, where)
            if image is None:
                gone.append(name)
            else:
                found.append(image)
    if gone:
        notes.append(
            f"{place.name} lists {counted(len(gone), 'image that is', 'images that are')} not "
            f"there ({some(gone)}): passed over."
        )
    return found


def listed_names(folder: Folder) -> dict[int, str] | None:
    """The names in a text file, one class a line; None where there is no such file.

    Raises UserError where two such files differ.
    """
    found = [
        p for p in folder.files if p.name.lower() in NAME_FILES or p.suffix.lower() == ".names"
    ]
    names: dict[int, str] | None = None
    for path in found:
        lines = [line.strip() for line in files.text(path).splitlines()]
        where = f"{path}, line"
        mine = {n: files.usable(line, f"{where} {n + 1}") for n, line in enumerate(lines) if line}
        if names is not None and mine != names:
            raise UserError(
                f"{found[0]} and {path} name the classes differently. Keep the right one."
            )
        names = mine
    return names or None
