"""A line's log: what troubled it from when to when, and what was changed. It stays small."""

import json
import logging
import shutil
import time
from collections.abc import Mapping
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

from backend.core import runs

FILE = "line.jsonl"
BEGAN, ENDED, NOTED = "began", "ended", "noted"
MOST_BYTES = 2_000_000  # of a file, before it is put aside
KEPT = 4  # files that were put aside
NEWEST_BYTES = 100_000  # that a page reads


class _Handler(RotatingFileHandler):
    def handleError(self, record: logging.LogRecord) -> None:
        """What cannot be noted ends no line: that the disk is full is told by others."""


class Log:
    """The log in a line's folder, one JSON object a line: time (UTC, ISO 8601), what, of, words."""

    def __init__(self, home: Path) -> None:
        self._troubles: dict[str, str] = {}
        self._handler = _Handler(
            home / FILE, maxBytes=MOST_BYTES, backupCount=KEPT, encoding="utf-8", delay=True
        )

    def note(self, what: str, of: str, words: str = "") -> None:
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        line = json.dumps({"time": stamp, "what": what, "of": of, "words": words})
        self._handler.handle(logging.LogRecord("line", logging.INFO, "", 0, line, None, None))

    def look(self, troubles: Mapping[str, str]) -> None:
        """Note which troubles began and which ended since the last look."""
        now = dict(troubles)
        for of in now.keys() - self._troubles.keys():
            self.note(BEGAN, of, now[of])
        for of in self._troubles.keys() - now.keys():
            self.note(ENDED, of, self._troubles[of])
        self._troubles = now

    def close(self) -> None:
        self._handler.close()


def newest(home: Path, count: int) -> list[dict[str, Any]]:
    """The newest entries of a line's log, the newest first."""
    return runs.json_lines(home / FILE, NEWEST_BYTES)[: -count - 1 : -1]


def shorten(path: Path) -> None:
    """Put aside what a process has said into a file that it holds open for appending, and let it
    begin again, where it has grown large. Raises OSError where there is no room for that."""
    if path.exists() and path.stat().st_size > MOST_BYTES:
        shutil.copyfile(path, path.with_suffix(f".1{path.suffix}"))
        with path.open("r+b") as file:
            file.truncate()
