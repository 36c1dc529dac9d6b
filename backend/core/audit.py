"""The journal of actions: who changed what in this storage folder, when, and how they came.

`audit.jsonl` in the storage folder, one JSON line an action, only ever appended to, by any number
of processes at once. A line is written when the action is done, so that one which was refused
leaves none; where the journal cannot be written, or the actor's role does not cover the action,
nothing is done. Each line bears a hash of the one before it (core/chain.py).
"""

import os
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, fields
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from backend.access import rights
from backend.access.rights import Role
from backend.core import chain, journal, projects, runs
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
    """Who asks for a change. name: as they gave it, "" where nobody did.

    role: what they may do: all where nobody has to sign in, None once a session ended.
    address: of their computer, as far as the server knows it.
    """

    name: str
    way: Way
    role: Role | None = Role.ADMIN
    address: str = ""

    @property
    def words(self) -> str:
        return self.name.strip() or NAMELESS[self.way]


@dataclass(frozen=True)
class Line:
    """An action that was done. time: UTC, ISO 8601. about: the run or file it changed, "" for the
    whole storage folder. detail: more of it, in words. address: of the actor's computer.
    "" in lines of earlier versions."""

    time: str
    actor: str
    way: str
    action: str
    about: str = ""
    detail: str = ""
    address: str = ""


WORDS = {  # action → as a person says it
    "add account": "added an account",
    "add project": "added a project",
    "archive": "moved a run to the archive",
    "archive project": "archived a project",
    "ask": "asked the data",
    "back up": "made a backup",
    "bring back project": "brought a project back",
    "cancel": "canceled a job",
    "change line": "changed a line",
    "change members": "changed a project's members",
    "change password": "changed their password",
    "change role": "changed a role",
    "clear": "emptied a folder",
    "comment": "commented",
    "curate": "corrected images or labels",
    "delete": "deleted a run",
    "disable account": "disabled an account",
    "empty trash": "emptied the trash",
    "enable account": "let an account in again",
    "export images": "exported images",
    "fetch": "fetched a run from the archive",
    "forget names": "forgot old names in this log",
    "invite": "invited somebody",
    "keep question": "saved a question",
    "keep uploads": "uploaded files",
    "keep view": "saved a table of runs",
    "mark": "marked a run",
    "migrate": "brought the database up to date",
    "move to project": "moved runs to a project",
    "print set-up link": "printed the set-up link",
    "put in force": "put in force",
    "recalibrate": "asked for new limits of a line",
    "reindex": "rebuilt the database",
    "remove question": "removed a question",
    "remove view": "removed a table of runs",
    "rename project": "renamed a project",
    "reset password": "gave an account a new password",
    "restore": "brought a run back from the trash",
    "resume": "resumed a job",
    "review": "judged a part",
    "revoke share": "took a shared link back",
    "roll back": "put the package before in force again",
    "roll back release": "went back to the release before",
    "set notices": "changed notifications",
    "shadow of line": "changed a line's candidate",
    "share": "shared a report",
    "sign in": "signed in",
    "sign out": "signed out",
    "submit": "started a job",
    "take back invitation": "took an invitation back",
    "take report": "took a report away",
    "test notices": "sent a test message",
    "took up invitation": "took up an invitation",
    "took up new-password": "chose a new password by a link",
    "took up set-up": "set the dashboard up",
    "undo": "took a decision back",
    "update": "installed another release",
    "was refused": "was refused",
    "watch anew": "let a line's promise stand again",
    "write report": "wrote a paper's report",
}


def said(action: str) -> str:
    """What was done, in words; as it stands where a later version wrote it."""
    return WORDS.get(action, action)


class Note(Protocol):
    """Writes the line of what was done."""

    def __call__(self, action: str, about: str = "", detail: str = "") -> None: ...


def noting(
    storage: Path, actor: Actor, *run_ids: str, line: str = ""
) -> AbstractContextManager[Note]:
    """Around an action, which calls what is yielded once it is done.

    Which action it is follows from the function that calls. run_ids, line: what it is about.
    Raises UserError before it begins where the actor's role does not cover it, what it is about
    belongs to a project that they may not see, or the journal cannot be written.
    """
    caller = sys._getframe(1)
    module = str(caller.f_globals["__name__"]).rpartition(".")[2]
    rights.check(actor.role, f"{module}.{caller.f_code.co_name}")
    projects.check_runs(storage, actor.name, actor.role, run_ids)
    if line:
        place = projects.of_line(storage / "runs", line)
        projects.check_seen(storage, actor.name, actor.role, place)
    return _noting(storage, actor)


@contextmanager
def _noting(storage: Path, actor: Actor) -> Iterator[Note]:
    path = storage / JOURNAL
    if path.exists() and not os.access(path, os.W_OK):
        raise UserError(f"Nothing was changed: {path} cannot be written. Give back the right to.")
    yield lambda action, about="", detail="": note(storage, actor, action, about, detail)


def note(storage: Path, actor: Actor, action: str, about: str = "", detail: str = "") -> None:
    """Append the line of an action that was done. Raises UserError where that fails."""
    time = runs.now().isoformat(timespec="seconds")
    entry = {"time": time, "actor": actor.words, "way": actor.way.value, "action": action}
    entry |= {"about": about, "detail": detail, "address": actor.address}
    try:
        storage.mkdir(parents=True, exist_ok=True)
        with journal.locked(storage / JOURNAL) as file:
            journal.append(file, chain.linked(file, entry))
    except OSError as error:
        raise UserError(
            f"It was done ({action} {about}), but cannot be noted in {storage / JOURNAL}: "
            f"{error.strerror}. Make room there, and give back the right to write."
        ) from error


def newest(storage: Path, count: int = 50, whole: bool = False) -> list[Line]:
    """The newest lines, newest first; what is torn or no line of this journal is passed over.

    whole: of the whole journal, however long it is.
    """
    found = []
    known = [field.name for field in fields(Line)]
    for entry in runs.json_lines(storage / JOURNAL, 2**40 if whole else NEWEST_BYTES):
        with suppress(TypeError):
            found.append(Line(**{name: entry[name] for name in known if name in entry}))
    return found[: -count - 1 : -1]


def forget_names(storage: Path, days: int) -> int:
    """Take name and address out of lines older than so many days; how many there were.

    What they did stays, and so does the chain. The one way in which a line changes.
    """
    path = storage / JOURNAL
    if not path.exists():
        return 0
    before = (runs.now() - timedelta(days=days)).isoformat(timespec="seconds")
    with journal.locked(path) as file:
        file.seek(0)
        lines = file.read().splitlines(keepends=True)
        kept = [chain.without_name(line, before) for line in lines]
        changed = sum(new != old for new, old in zip(kept, lines, strict=True))
        if changed:
            journal.replace(file, b"".join(kept))
    return changed
