"""Which file belongs to which picture by its place and name, whatever the layout calls its folders.

    images/train/x.jpg  labels/train/x.txt        Label/train/x.txt        train/labels/x.txt
    JPEGImages/x.jpg    Annotations/x.xml         x.jpg  ann/x.json

Folders that say nothing but what is in them do not count, nor do capitals.
"""

from collections.abc import Iterable
from pathlib import Path

from backend.images import words
from backend.images.folder import Folder, grouped, stem_of

Key = tuple[tuple[str, ...], str]  # folders, stem


def key_of(relative: str) -> Key:
    """The folders and the stem of a path, in small letters, without folders that say nothing."""
    *folders, name = relative.split("/")
    kept = (n for n in folders if not words.means_images(n) and not words.means_labels(n))
    return tuple(part.casefold() for part in kept), stem_of(name).casefold()


class Pairs:
    """Some files of a folder, to be found by a file that belongs to them."""

    def __init__(self, folder: Folder, paths: Iterable[Path]) -> None:
        self.folder, self.paths = folder, list(paths)
        self.by_key = grouped((key_of(folder.relative(path)), path) for path in self.paths)
        self.by_stem = grouped((k[1], path) for k, found in self.by_key.items() for path in found)

    def of(self, path: Path) -> list[Path]:
        """Those of the same place and stem; of several, the one beside, or in the same capitals."""
        found = self.by_key.get(key_of(self.folder.relative(path)), [])
        beside = [other for other in found if other.parent == path.parent]
        found = beside or found
        return [other for other in found if other.stem == path.stem] or found

    def anywhere(self, path: Path) -> list[Path]:
        """Those of the same stem, in whatever folder."""
        return self.by_stem.get(key_of(self.folder.relative(path))[1], [])
