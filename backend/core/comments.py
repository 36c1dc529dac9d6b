"""What people say about a run, thresholds included: a journal beside it, `comments.jsonl`.

A finished run is never changed; a comment neither is, nor is it deleted.
"""

import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from backend.core import journal, runs
from backend.records import UserError

JOURNAL = "comments.jsonl"
LONGEST = 2000  # characters


@dataclass(frozen=True)
class Comment:
    """time: UTC, ISO 8601."""

    time: str
    who: str
    words: str


def add(run_folder: Path, who: str, words: str) -> Comment:
    """A new comment. Raises UserError where it says nothing, or too much."""
    text = words.strip()
    if not text:
        raise UserError("The comment is empty. Write something first.")
    if len(text) > LONGEST:
        raise UserError(f"The comment has {len(text)} characters; {LONGEST} are the most.")
    made = Comment(runs.now().isoformat(timespec="seconds"), who, text)
    journal.add(run_folder / JOURNAL, asdict(made))
    return made


def of(run_folder: Path) -> list[Comment]:
    """All comments, oldest first."""
    found = []
    for entry in runs.json_lines(run_folder / JOURNAL):
        with suppress(TypeError):
            found.append(Comment(**entry))
    return found


def mentioned(words: str, names: Iterable[str]) -> list[str]:
    """Whose names stand behind an @ in the words, whatever their case; of two names that begin
    alike the longer one."""
    said, found = words.casefold(), []
    for name in sorted(names, key=len, reverse=True):
        said, times = re.subn(rf"(?<!\w)@{re.escape(name.casefold())}(?!\w)", " ", said)
        if times:
            found.append(name)
    return found
