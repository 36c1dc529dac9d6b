"""Parts or pictures of a run, one after the other and again from the first, at a given pace."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from backend.core import runs
from backend.images import imageset
from backend.inspection.parts.crops import read_parts
from backend.line.part import Captured, Judgement, Part
from backend.records import UserError


@dataclass(frozen=True)
class _File:
    path: Path
    feature: str
    serial: str


def _files(run_folder: Path) -> list[_File]:
    """The parts of a run, or the pictures of a set, whose source tells no feature type."""
    if runs.read(run_folder).kind != "parts":
        return [_File(image.path, "", image.name) for image in imageset.read(run_folder)]
    rows = read_parts(run_folder)
    return [
        _File(run_folder / path, feature, part)
        for path, feature, part in zip(rows["path"], rows["feature"], rows["part"], strict=True)
    ]


class Replay:
    """run_folder: of parts, or of a set of images. begin: how many parts the line has taken before;
    it goes on with the next one.

    pace: parts a minute, 0 as fast as they are taken. count: how many, 0 without end.
    """

    trouble = ""

    def __init__(self, run_folder: Path, pace: float, begin: int, count: int) -> None:
        self._files = _files(run_folder)
        if not self._files:
            raise UserError(f"{run_folder.name} holds no pictures. Choose another run.")
        self._seconds = 60 / pace if pace else 0.0
        self._next, self._end = begin, begin + count if count else None
        self._due = time.monotonic()

    def read(self, most: int, patience: float) -> list[Captured] | None:
        if self._end is not None and self._next >= self._end:
            return None
        wait = self._due - time.monotonic()
        if wait > 0:
            time.sleep(min(wait, patience))
        found: list[Captured] = []
        while len(found) < most and self._due <= time.monotonic() and self._next != self._end:
            found.append(self._captured(self._files[self._next % len(self._files)]))
            self._next += 1
            self._due += self._seconds
        return found

    def _captured(self, file: _File) -> Captured:
        try:
            return Captured(file.path.read_bytes(), file.feature, time.time(), file.serial)
        except OSError as error:
            fault = f"{file.path.name} cannot be read ({error.strerror})"
            return Captured(b"", file.feature, time.time(), file.serial, fault=fault)

    def done(self, part: Part, said: Judgement) -> None:
        """Nothing: the run keeps its parts."""

    def gone(self) -> Sequence[str]:
        return ()

    def close(self) -> None:
        """Nothing is open."""
