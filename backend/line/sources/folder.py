"""A watched folder: files that a camera's program writes, also on a network share.

It is looked through again and again, for shares tell nobody of new files. A file counts once its
size and time stood still; taken in, it is known by its path, time and size, and once its verdict
is stored it moves to `inspected/`, or to `quarantine/` where it could not be judged.
"""

import os
import re
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from backend.line.part import Captured, Judgement, Part, Verdict
from backend.records import UserError

INSPECTED, QUARANTINE = "inspected", "quarantine"
ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp")
MOST_BYTES = 64 * 2**20
Look = tuple[int, int]  # a file's time, ns, and size


def compiled(pattern: str) -> re.Pattern[str]:
    """What `{feature}` and `{serial}` stand for in a path without its ending, / between folders.

    Raises UserError for another name in braces, or one twice.
    """
    pieces = re.split(r"\{(.*?)\}", pattern)
    names = pieces[1::2]
    if set(names) - {"feature", "serial"} or len(set(names)) != len(names):
        raise UserError(
            f"Pattern: '{pattern}' may name {{feature}} and {{serial}}, each once, such as "
            "{feature}/{serial}."
        )
    pieces[::2] = [re.escape(piece) for piece in pieces[::2]]
    pieces[1::2] = [f"(?P<{name}>[^/]+)" for name in names]
    return re.compile("".join(pieces))


class Folder:
    """settle: seconds for which a file must not change before it is read."""

    def __init__(self, folder: Path, pattern: str, settle: float = 1.0, move: bool = True) -> None:
        self.folder, self.settle, self.move = folder, settle, move
        self.trouble = ""
        self._pattern = compiled(pattern)
        self._first_seen: dict[str, tuple[Look, float]] = {}
        self._given: dict[str, str] = {}  # path within the folder → mark
        self._ready: list[str] = []
        self._gone: list[str] = []
        self._device: int | None = None  # on which files were seen last

    def read(self, most: int, patience: float) -> list[Captured] | None:
        if not self._ready:
            self._look()
        if not self._ready:
            time.sleep(patience)
        batch, self._ready = self._ready[:most], self._ready[most:]
        return [one for path in batch if (one := self._captured(path))]

    def _look(self) -> None:
        """Find what stood still; notice what is gone."""
        try:
            found = dict(_files(self.folder))
            bare = self._is_bare(found)
            self.trouble = f"{self.folder} is not mounted. It is tried again." if bare else ""
        except OSError as error:
            self.trouble = f"{self.folder} cannot be read ({error.strerror}). It is tried again."
            return
        now = time.monotonic()
        for path, look in found.items():
            if self._first_seen.get(path, (None,))[0] != look:
                self._first_seen[path] = (look, now)
        if not bare:
            for path in [path for path in self._first_seen if path not in found]:
                del self._first_seen[path]
                self._gone += [mark for mark in [self._given.pop(path, "")] if mark]
        self._ready = sorted(
            (path for path in found if self._is_due(path, now)), key=lambda path: found[path]
        )

    def _is_bare(self, found: dict[str, Look]) -> bool:
        """Is this the empty folder under a share that is not mounted just now? Then nothing that it
        held is forgotten: it comes back."""
        device = self.folder.stat().st_dev
        if found or self._device is None:
            self._device = device
        return not found and device != self._device

    def _is_due(self, path: str, now: float) -> bool:
        look, since = self._first_seen[path]
        return now - since >= self.settle and self._given.get(path) != _mark(path, look)

    def _captured(self, path: str) -> Captured | None:
        look, _ = self._first_seen[path]
        self._given[path] = _mark(path, look)
        named = self._pattern.fullmatch(path.rpartition(".")[0])
        told = named.groupdict() if named else {}
        picture, fault = b"", ""
        try:
            if look[1] > MOST_BYTES:
                fault = f"{path} has {look[1] / 1e6:.0f} MB, more than {MOST_BYTES / 1e6:.0f}"
            else:
                picture = (self.folder / path).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            fault = f"{path} cannot be read ({error.strerror})"
        feature, serial = told.get("feature", ""), told.get("serial", Path(path).stem)
        return Captured(picture, feature, look[0] / 1e9, serial, self._given[path], fault)

    def done(self, part: Part, said: Judgement) -> None:
        """Move the file out of the way; where that fails it stays, and is known."""
        if not self.move:
            return
        path = part.captured.mark.rpartition("|")[0].rpartition("|")[0]
        bad = said.verdict is Verdict.UNINSPECTED
        target = self.folder / (QUARANTINE if bad else INSPECTED) / path
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            (self.folder / path).replace(target)
        except OSError as error:
            self.trouble = f"{path} cannot be moved ({error.strerror}); it stays where it is."

    def gone(self) -> Sequence[str]:
        told, self._gone = self._gone, []
        return told

    def close(self) -> None:
        """Nothing is open."""


def _mark(path: str, look: Look) -> str:
    return f"{path}|{look[0]}|{look[1]}"


def _files(folder: Path, within: str = "") -> Iterator[tuple[str, Look]]:
    """Path within the folder → its time and size, of every picture; no links, no hidden files."""
    with os.scandir(folder / within) as entries:
        for entry in entries:
            path = f"{within}{entry.name}"
            if entry.name.startswith(".") or path in (INSPECTED, QUARANTINE):
                continue
            try:
                if entry.is_dir(follow_symlinks=False):
                    yield from _files(folder, f"{path}/")
                elif entry.is_file(follow_symlinks=False) and path.lower().endswith(ENDINGS):
                    stat = entry.stat(follow_symlinks=False)
                    yield path, (stat.st_mtime_ns, stat.st_size)
            except FileNotFoundError:
                continue  # it went away while we looked
