"""Verdicts as lines of a CSV file that other programs read along."""

import csv
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from backend.core import spreadsheet
from backend.line.outbox import Row
from backend.line.sinks.sink import message
from backend.records import UserError

COLUMNS = (
    *("line", "epoch", "sequence", "serial", "feature", "captured", "judged", "verdict", "action"),
    *("score", "reason", "ms", "package", "thresholds", "config", "suspended"),
)
LONGEST = 2**16  # bytes of a line, at most


class CsvFile:
    """address: csv:PATH. A line that a crash cut short goes before the next is written."""

    def __init__(self, address: str, line: str, uninspected: str) -> None:
        self.name = address
        self._path = Path(address.removeprefix("csv:")).expanduser()
        self._line, self._uninspected = line, uninspected
        if not self._path.parent.is_dir():
            raise UserError(f"Sink: there is no folder {self._path.parent}. Make it first.")

    def send(self, rows: Sequence[Row]) -> int:
        end = _whole(self._path)
        with self._path.open("a", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(
                file, self._columns(), lineterminator="\n", extrasaction="ignore"
            )
            if not end:
                writer.writeheader()
            writer.writerows(_plain(message(self._line, row, self._uninspected)) for row in rows)
            file.flush()
            os.fsync(file.fileno())
        return len(rows)

    def _columns(self) -> list[str]:
        """Those of the file's first line, which an older version may have written; else ours."""
        with self._path.open(encoding="utf-8", newline="") as file:
            return next(csv.reader(file), list(COLUMNS))

    def beat(self, state: dict[str, Any]) -> None:
        """A file cannot be silent."""

    def close(self) -> None:
        """Opened for each batch alone, so that another program may rotate it."""


def _whole(path: Path) -> int:
    """Take away what a crash left of a line; the bytes of the file that stay."""
    with path.open("a+b") as file:
        end = file.seek(0, os.SEEK_END)
        file.seek(max(0, end - LONGEST))
        tail = file.read()
        if not tail or tail.endswith(b"\n"):
            return end
        return file.truncate(end - len(tail) + tail.rfind(b"\n") + 1)


def _plain(told: dict[str, Any]) -> dict[str, Any]:
    """Texts from outside in one line each, such that no spreadsheet takes one for a formula."""
    texts = {k: " ".join(v.split()) for k, v in told.items() if isinstance(v, str)}
    return told | {k: spreadsheet.harmless(v) for k, v in texts.items()}
