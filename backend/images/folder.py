"""The files of a folder that people bring: which count, and which one a written name means.

Names are compared in Unicode's composed form (NFC): a Mac writes "ü" as two characters.
"""

import os
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from backend.records import UserError

# What Pillow reads without anything beside it.
SUFFIXES = (
    *(".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff", ".gif", ".avif", ".jp2"),
    *(".j2k", ".jpx", ".jpe", ".jfif", ".pgm", ".ppm", ".pnm", ".pbm"),
)
# Pictures all the same, so they are counted: phones, raw cameras, science, editors.
UNREAD = (
    *(".heic", ".heif", ".hif", ".jxl", ".jxr", ".dng", ".cr2", ".cr3", ".nef", ".arw", ".raf"),
    *(".orf", ".rw2", ".raw", ".psd", ".exr", ".hdr", ".dcm", ".svg", ".eps", ".fits", ".tga"),
    *(".heics", ".heifs", ".avifs", ".nrw", ".pef", ".srw", ".xcf", ".jls", ".pcx", ".mpo"),
)
LABELS = (".txt", ".yaml", ".yml", ".json", ".xml", ".csv", ".names", ".labels", ".data")
MOST_FILES = 400_000
SYSTEM = (
    *("__macosx", "thumbs.db", "desktop.ini", "ehthumbs.db", "lost+found", "$recycle.bin"),
    *("system volume information", "@eadir", "@tmp", "@recycle", "@recently-snapshot", "#recycle"),
    *("#snapshot", "~snapshot", "@__thumb", "recycler", "network trash folder"),
    *("temporary items", "found.000"),
)
SYSTEM_STARTS = (".", "~$", "@syno")
NAMED = 3
K = TypeVar("K", bound=Hashable)


def is_hidden(relative: str) -> bool:
    """Is a path's name, or that of a folder above it, one that systems write for themselves?"""
    parts = [part.casefold() for part in relative.replace("\\", "/").split("/") if part != "."]
    return any(part in SYSTEM or part.startswith(SYSTEM_STARTS) for part in parts)


def composed(name: str) -> str:
    """A path as text in one spelling: NFC, with slashes, without `./` before it."""
    text = unicodedata.normalize("NFC", name.strip()).replace("\\", "/")
    return re.sub(r"^(\./)+", "", text)


def stem_of(relative: str) -> str:
    """A path with slashes, without its suffix."""
    head, dot, tail = relative.rpartition(".")
    return head if dot and "/" not in tail else relative


@dataclass(frozen=True, eq=False)
class Folder:
    """A folder's files without hidden ones, absolute and sorted, as one scan found them.

    links: links to folders, which are not followed.
    """

    root: Path
    files: tuple[Path, ...]
    links: tuple[Path, ...] = ()
    _names: dict[Path, str] = field(default_factory=dict, repr=False, compare=False)

    def ending(self, *suffixes: str) -> list[Path]:
        return [path for path in self.files if path.suffix.lower() in suffixes]

    def relative(self, path: Path) -> str:
        """A file's name in the folder: with slashes, in composed form."""
        if (name := self._names.get(path)) is None:
            name = self._names[path] = composed(path.relative_to(self.root).as_posix())
        return name

    @cached_property
    def images(self) -> list[Path]:
        return self.ending(*SUFFIXES)

    @cached_property
    def by_path(self) -> Mapping[str, Path]:
        """Images by their path in the folder."""
        return {self.relative(path): path for path in self.images}

    @cached_property
    def by_any_case(self) -> Mapping[str, list[Path]]:
        """All files by their path in the folder, capitals or not."""
        return grouped((self.relative(path).casefold(), path) for path in self.files)

    @cached_property
    def by_name(self) -> Mapping[str, list[Path]]:
        """Images by their file name, in small letters."""
        return grouped((composed(path.name).casefold(), path) for path in self.images)

    @cached_property
    def places(self) -> Mapping[str, str]:
        """The folders that hold a file, somewhere below too, by their path in small letters."""
        found: dict[str, str] = {}
        for place in dict.fromkeys(self.relative(path).rpartition("/")[0] for path in self.files):
            parts = place.split("/")
            above = ("/".join(parts[:n]) for n in range(1, len(parts) + 1))
            found |= {name.casefold(): name for name in above if name}
        return found

    @cached_property
    def folder_names(self) -> frozenset[str]:
        """The names of those folders, in small letters."""
        return frozenset(place.rpartition("/")[2] for place in self.places)

    def meant(self, name: str, near: str = "") -> list[Path]:
        """The images that a name in a list or table can mean; none, one, or several.

        near: the folder of that list, whose own files come first. A name from another computer
        (`D:\\set\\images\\a.png`) loses folders at its front until it fits; those that are here
        too must stand in the image's path. Capitals count where they tell two files apart.
        """
        wanted = os.path.normpath(composed(name))
        for above in (near, "", "images"):
            if (path := self.by_path.get(os.path.normpath(f"{above or '.'}/{wanted}"))) is not None:
                return [path]
        parts = [part for part in wanted.split("/") if part not in ("", "..")]
        for start in range(len(parts)):
            if found := self._ending_with(parts[start:], parts[:start]):
                return found
        return []

    def _ending_with(self, parts: list[str], before: list[str]) -> list[Path]:
        """The images whose path ends so; folders of this set among those before must be in it."""
        end, above = "/" + "/".join(parts), {part.casefold() for part in before}
        above &= self.folder_names
        named = {p: f"/{self.relative(p)}" for p in self.by_name.get(parts[-1].casefold(), [])}
        found = [
            path
            for path, name in named.items()
            if name.casefold().endswith(end.casefold()) and above <= set(name.casefold().split("/"))
        ]
        return [path for path in found if named[path].endswith(end)] or found

    def one(self, name: str, near: str = "", where: str = "") -> Path | None:
        """The only image a name can mean, None where it is not there.

        Raises UserError naming two of several.
        """
        found = self.meant(name, near)
        if len(found) > 1:
            both = " or ".join(self.relative(path) for path in found[:2])
            raise UserError(f"{where}: '{name}' could be {both}. Name it with its folder.")
        return found[0] if found else None

    def left_out(self) -> list[str]:
        """Notes on pictures of formats that are not read, and on links that are not followed."""
        notes = unread_notes(path.name for path in self.files)
        if self.links:
            notes.append(
                f"{len(self.links)} links to folders are not followed "
                f"({some(self.relative(link) for link in self.links)}). Put the images themselves "
                "there."
            )
        return notes


def unread_notes(names: Iterable[str]) -> list[str]:
    """Notes on the pictures among these files whose formats are not read."""
    counts = Counter(Path(name).suffix.lower() for name in names)
    return [
        f"{n} {suffix} {'file' if n == 1 else 'files'} left out: this format is not read. "
        "Save as PNG or JPEG."
        for suffix, n in sorted(counts.items())
        if suffix in UNREAD
    ]


def grouped(pairs: Iterable[tuple[K, Path]]) -> dict[K, list[Path]]:
    """Files by key, in their order."""
    found: dict[K, list[Path]] = defaultdict(list)
    for key, path in pairs:
        found[key].append(path)
    return dict(found)


def some(names: Iterable[str], most: int = NAMED) -> str:
    """The first few names, and how many more there are."""
    found = list(names)
    more = f" and {len(found) - most} more" if len(found) > most else ""
    return ", ".join(found[:most]) + more


def scan(root: Path) -> Folder:
    """All files of a folder and below that are not hidden. The one place that looks for files.

    Raises UserError where it is no folder, cannot be read, holds too many files or no image, and
    for names that no database can keep or that lead out of the folder.
    """
    if not is_folder(root):
        raise UserError(f"There is no folder '{root}' on this computer.")
    root = root.resolve()
    found: list[Path] = []
    links: list[Path] = []
    for place, folders, names in os.walk(root, onerror=_refuse_closed):
        shown = sorted(name for name in folders if not is_hidden(name))
        links += [Path(place, name) for name in shown if Path(place, name).is_symlink()]
        folders[:] = shown
        found += [Path(place, name) for name in sorted(names) if not is_hidden(name)]
        if len(found) > MOST_FILES:
            raise UserError(f"'{root}' holds over {MOST_FILES} files. Split it up.")
    folder = Folder(root, tuple(found), tuple(links))
    _check_names(folder)
    if not folder.images:
        others = " ".join(folder.left_out())
        raise UserError(f"'{root}' holds no image ({', '.join(SUFFIXES)}). {others}".rstrip())
    return folder


def is_folder(path: Path) -> bool:
    """Is it a folder? A name too long or not allowed is none."""
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def _refuse_closed(error: OSError) -> None:
    raise UserError(
        f"Cannot read the folder '{error.filename}': {error.strerror}. Allow it to be read."
    ) from error


def _check_names(folder: Folder) -> None:
    seen: dict[str, Path] = {}
    for path in folder.files:
        try:
            name = folder.relative(path)
            name.encode()
        except UnicodeEncodeError as error:
            raise UserError(f"{str(path)!a} is no file name in UTF-8. Rename the file.") from error
        if name in seen:
            raise UserError(f"'{seen[name]}' and '{path}' differ in nothing one sees. Rename one.")
        seen[name] = path
        read = path.suffix.lower() in (*SUFFIXES, *LABELS)
        if read and path.is_symlink() and not path.resolve().is_relative_to(folder.root):
            raise UserError(
                f"'{name}' is a link to what lies outside {folder.root}. Put the file itself there."
            )
