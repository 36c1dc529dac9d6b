"""Which text file in YOLO's layout belongs to which image of a folder.

That of images/a.png is labels/a.txt, capitals or not, else the one beside the image, else the one
of its place and name in a folder called `Label`, `annotations` or the like (`pairs`).
"""

import re
from pathlib import Path

from backend.images.folder import Folder, stem_of
from backend.images.formats import files
from backend.images.pairs import Pairs
from backend.records import UserError

LABELS = "labels"
NAME_FILES = ("classes.txt", "_darknet.labels")  # the names of classes, one a line
LINE = re.compile(r"\d+(?:\.0*)?(?:\s+[-+.\deE]+){4,}")


class Labels:
    """Which text file belongs to which image of a folder."""

    def __init__(self, folder: Folder) -> None:
        self.folder = folder
        found = {path: self._usual(path) for path in folder.images}
        taken = {label for label in found.values() if label is not None}
        texts = [p for p in folder.ending(".txt") if p not in taken and p.name not in NAME_FILES]
        others = Pairs(folder, texts)
        for path in [path for path, label in found.items() if label is None]:
            if len(fits := others.of(path)) == 1 and is_label(fits[0]):
                found[path] = fits[0]
        self._found = found

    def of(self, image: Path) -> Path | None:
        """The text file with an image's boxes; None where there is none."""
        return self._found.get(image)

    def _usual(self, image: Path) -> Path | None:
        """In the folder `labels` beside that of the images, or beside the image itself."""
        found = self.beside(image, LABELS, ".txt")
        if found is None:
            name = stem_of(self.folder.relative(image)).casefold() + ".txt"
            found = _alike(self.folder.by_any_case.get(name, []), image)
        return found

    def beside(self, image: Path, place: str, suffix: str) -> Path | None:
        """What belongs to an image: its last folder `images` becomes `place`, whatever the case."""
        parts = stem_of(self.folder.relative(image)).casefold().split("/")
        if "images" not in parts[:-1]:
            return None
        at = len(parts) - 2 - parts[-2::-1].index("images")
        name = "/".join([*parts[:at], place, *parts[at + 1 :]]) + suffix
        return _alike(self.folder.by_any_case.get(name, []), image)

    def lone(self) -> list[Path]:
        """Text files with lines of labels that belong to no image."""
        owned = set(self._found.values())
        return [p for p in self.folder.ending(".txt") if p not in owned and has_lines(p)]


def _alike(found: list[Path], image: Path) -> Path | None:
    """Of files that differ in capitals alone the one spelled like the image."""
    return next((path for path in found if path.stem == image.stem), found[0] if found else None)


def has_lines(path: Path) -> bool:
    """Does a text file begin with a line of labels?"""
    return LINE.fullmatch(_first_line(path)) is not None


def is_label(path: Path) -> bool:
    """Is it a text file of labels, or an empty one, which says that there is no defect?"""
    return not _first_line(path) or has_lines(path)


def _first_line(path: Path) -> str:
    """The first line that is not empty; what is no text is no label."""
    try:
        lines = (line.strip() for line in files.text(path).splitlines())
        return next((line for line in lines if line), "")
    except UserError:
        return "no text"
