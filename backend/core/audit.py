"""The journal of actions: who changed what in this storage folder, when, and how they came.

`audit.jsonl` in the storage folder, one JSON line an action, only ever appended to, by any number
of processes at once. A line is written when the action is done, so that one which was refused
leaves none; where the journal cannot be written, nothing is done.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from backend.core import journal, runs
from backend.records import UserError

JOURNAL = "audit.jsonl"
NEWEST_BYTES = 64 * 1024


class Way(StrEnum):
    """How somebody came."""

    PAGE = "page"
    COMMAND_LINE = "command line"


NAMELESS = {Way.PAGE: "someone at this dashboard", Way.COMMAND_LINE: "someone at this computer"}


@dataclass(frozen=True)
class Actor:
    """Who asks for a change. name: as they gave it, "" where nobody did."""

    name: str
    way: Way

    @property
    def words(self) -> str:
        return self.name.strip() or NAMELESS[self.way]


@dataclass(frozen=True)
class Line:
    """An action that was done. time: UTC, ISO 8601. about: the run or file it changed, "" for the
    whole storage folder. detail: more of it, in words."""

    time: str
    actor: str
    way: str
    action: str
    about: str = ""
    detail: str = ""


class Note(Protocol):
    """Writes the line of what was done."""

    def __call__(self, action: str, about: str = "", detail: str = "") -> None: ...


@contextmanager
def noting(storage: Path, actor: Actor) -> Iterator[Note]:
    """Around an action, which calls what is yielded once it is done.

    Raises UserError before it begins where the journal cannot be written.
    """
    path = storage / JOURNAL
    if path.exists() and not os.access(path, os.W_OK):
        raise UserError(f"Nothing was changed: {path} cannot be written. Give back the right to.")
    yield lambda action, about="", detail="": note(storage, actor, action, about, detail)


def note(storage: Path, actor: Actor, action: str, about: str = "", detail: str = "") -> None:
    """Append the line of an action that was done. Raises UserError where that fails."""
    time = runs.now().isoformat(timespec="seconds")
    line = Line(time, actor.words, actor.way.value, action, about, detail)
    try:
        storage.mkdir(parents=True, exist_ok=True)
        with journal.locked(storage / JOURNAL) as file:
            journal.append(file, asdict(line))
    except OSError as error:
        raise UserError(
            f"It was done ({action} {about}), but cannot be noted in {storage / JOURNAL}: "
            f"{error.strerror}. Make room there, and give back the right to write."
        ) from error


def newest(storage: Path, count: int = 50) -> list[Line]:
    """The newest lines, newest first; what is torn or no line of this journal is passed over."""
    found = []
    for entry in runs.json_lines(storage / JOURNAL, NEWEST_BYTES):
        with suppress(TypeError):
            found.append(Line(**entry))
    return found[: -count - 1 : -1]
