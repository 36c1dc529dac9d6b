"""The files of a folder of labelled images, read within bounds."""

import csv
import json
import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from backend.records import UserError
from backend.synthesis import pictures
from backend.synthesis.labelled.records import Mask

MOST_IMAGES = 100_000
MOST_TEXT, MOST_JSON = 5_000_000, 500_000_000  # bytes
TURNED = (5, 6, 7, 8)  # EXIF orientations that swap width and height
ORIENTATION = 0x0112
SPLITS = {
    **{"train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val"},
    **{"test": "test", "testing": "test"},
}


@dataclass(frozen=True)
class Folder:
    """A folder's files, without hidden ones. files: absolute, sorted."""

    root: Path
    files: tuple[Path, ...]

    def ending(self, *suffixes: str) -> list[Path]:
        return [path for path in self.files if path.suffix.lower() in suffixes]

    def relative(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix()

    @cached_property
    def images(self) -> list[Path]:
        return self.ending(*pictures.SUFFIXES)

    @cached_property
    def by_path(self) -> dict[str, Path]:
        """Images by their path in the folder."""
        return {self.relative(path): path for path in self.images}

    @cached_property
    def by_name(self) -> Mapping[str, list[Path]]:
        """Images by their file name."""
        return _grouped((path.name, path) for path in self.images)

    @cached_property
    def by_stem(self) -> Mapping[str, list[Path]]:
        """Images by their path in the folder without suffix."""
        return _grouped((stem_of(self.relative(path)), path) for path in self.images)

    @cached_property
    def by_short_stem(self) -> Mapping[str, list[Path]]:
        """Images by their file name without suffix."""
        return _grouped((path.stem, path) for path in self.images)


def _grouped(pairs: Iterable[tuple[str, Path]]) -> Mapping[str, list[Path]]:
    found: dict[str, list[Path]] = defaultdict(list)
    for key, path in pairs:
        found[key].append(path)
    return dict(found)


def stem_of(relative: str) -> str:
    """A path in posix form without its suffix."""
    head, dot, tail = relative.rpartition(".")
    return head if dot and "/" not in tail else relative


def scan(root: Path) -> Folder:
    """All files of a folder and below. Raises UserError where it is no folder or holds too many."""
    if not root.is_dir():
        raise UserError(f"There is no folder '{root}' on this computer.")
    root = root.resolve()
    found: list[Path] = []
    for place, folders, names in os.walk(root):
        folders[:] = sorted(f for f in folders if not f.startswith(".") and f != "__MACOSX")
        found += [Path(place, name) for name in sorted(names) if not name.startswith(".")]
        if len(found) > 4 * MOST_IMAGES:
            raise UserError(f"'{root}' holds over {4 * MOST_IMAGES} files. Split it up.")
    folder = Folder(root, tuple(found))
    if not folder.images:
        raise UserError(f"'{root}' holds no image ({', '.join(pictures.SUFFIXES)}).")
    return folder


def size(path: Path) -> tuple[int, int]:
    """Width and height of an image, px, as its EXIF turns it; it is not decoded.

    Raises UserError for a missing, damaged or huge file, as `pictures.read_rgb` does.
    """
    try:
        with Image.open(path) as image:
            width, height = image.size
            if width * height > pictures.MOST_PIXELS:
                raise UserError(f"{path} has {width} × {height} px; 50 megapixels are the most.")
            # the base class's method: the one for PNG decodes the image
            turn = Image.Image.getexif(image).get(ORIENTATION)
            return (height, width) if turn in TURNED else (width, height)
    except FileNotFoundError as error:
        raise UserError(f"There is no image file '{path}'.") from error
    except pictures.UNREADABLE as error:
        raise UserError(f"'{path}' is no readable image. Replace or remove it.") from error


def read_mask(path: Path) -> np.ndarray:
    """A mask file as uint8 [H, W]: 255 where it is not black; in a JPEG, from half brightness."""
    least = 128 if path.suffix.lower() in (".jpg", ".jpeg") else 1
    try:
        with Image.open(path) as image:
            if image.mode.startswith("I") and image.width * image.height <= pictures.MOST_PIXELS:
                return _white(np.asarray(image) > 0)
    except pictures.UNREADABLE:
        pass  # read_rgb names it
    return _white(pictures.read_rgb(path).max(axis=2) >= least)


def mask_file(path: Path, width: int, height: int) -> Mask:
    """What reads the mask when called. Raises UserError where it is not of the image's size."""
    if (found := size(path)) != (width, height):
        raise UserError(
            f"{path} has {found[0]} × {found[1]} px, its image {width} × {height}. "
            "Give the mask the size of its image."
        )
    return partial(read_mask, path)


def _white(mask: np.ndarray) -> np.ndarray:
    return mask.astype(np.uint8) * np.uint8(255)


def text(path: Path, most: int = MOST_TEXT) -> str:
    """A text file in UTF-8. Raises UserError where it is missing, too large or no text."""
    try:
        if path.stat().st_size > most:
            raise UserError(f"{path} is larger than {most // 1_000_000} MB. Split it up.")
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UserError(f"Cannot read {path}. Check that it is there and may be read.") from error
    except ValueError as error:
        raise UserError(f"{path} is no text in UTF-8. Save it as UTF-8.") from error


def parsed(path: Path) -> Any:
    """A JSON file. Raises UserError naming the line that is broken."""
    content = text(path, MOST_JSON)
    try:
        return json.loads(content)
    except json.JSONDecodeError as error:
        raise UserError(f"{path}, line {error.lineno}: no valid JSON ({error.msg}).") from error
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} is no valid JSON. Export it again.") from error


def table(path: Path, column: str) -> dict[str, str]:
    """`file_name` → a column of a CSV file; {} where there is no such file or column."""
    if not path.exists():
        return {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"Cannot read {path}. Save it as CSV in UTF-8.") from error
    if rows and "file_name" not in rows[0]:
        raise UserError(f"{path} lacks the column 'file_name'. Add it.")
    return {row["file_name"]: row[column] for row in rows if row.get(column)}


def split_of(relative: str) -> str:
    """The split a path in a folder speaks of: its first folder named train, val, test, …; or ""."""
    words = (part.lower().rstrip("0123456789") for part in relative.split("/")[:-1])
    return next((SPLITS[word] for word in words if word in SPLITS), "")


def usable(word: Any, where: str) -> str:
    """A class or image name as the store takes it. Raises UserError where it is none."""
    name = str(word).strip() if isinstance(word, (str, int, float)) else ""
    if not name or not name.isprintable() or len(name) > 300:
        raise UserError(f"{where}: '{ascii(name)[1:80]}' is no name. Use printable text.")
    return name


def counted(notes: list[str]) -> tuple[str, ...]:
    """Equal notes as one, with their number before it; whole sentences as they are."""
    return tuple(
        note if note.endswith(".") else f"{count} {note}." for note, count in Counter(notes).items()
    )


def check_size(width: Any, height: Any, found: tuple[int, int], where: str) -> None:
    """Raises UserError where labels are for an image of another size; 0 or none says nothing."""
    try:
        said = float(width or 0), float(height or 0)
    except (TypeError, ValueError, OverflowError) as error:
        raise UserError(f"{where}: width and height must be numbers. Correct them.") from error
    if 0 not in said and said != found:
        raise UserError(
            f"{where}: made for {said[0]:g} × {said[1]:g} px, but the image has {found[0]} × "
            f"{found[1]} px. Put the image back as it was labelled."
        )
