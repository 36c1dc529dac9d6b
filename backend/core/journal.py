"""A journal: a file of JSON lines that is appended to, by one process at a time.

It is read with `runs.json_lines`, which passes over a line cut short by a crash.
"""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from backend.records import UserError


@contextmanager
def locked(path: Path) -> Iterator[BinaryIO]:
    """The journal open for appending; no other process appends meanwhile."""
    with path.open("a+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file


def append(file: BinaryIO, entry: Mapping[str, Any]) -> None:
    """One whole line on disk, on a line of its own even behind one cut short."""
    end = file.seek(0, os.SEEK_END)
    file.seek(max(0, end - 1))
    torn = file.read(1) not in (b"", b"\n")
    line = json.dumps(entry, allow_nan=False).encode() + b"\n"
    file.write(b"\n" + line if torn else line)
    file.flush()
    os.fsync(file.fileno())


def add(path: Path, entry: Mapping[str, Any]) -> None:
    """Append one line to a journal, where nothing in it decides what the line is."""
    with locked(path) as file:
        append(file, entry)


def signed(who: str) -> str:
    """The name that an entry bears. Raises UserError where nobody gave one."""
    if not who.strip():
        raise UserError("Who is missing: enter your name, so that others know whom to ask.")
    return who.strip()


def replace(file: BinaryIO, data: bytes) -> None:
    """Other bytes in place of all lines. Kept beside the journal until it is written."""
    beside = Path(f"{file.name}.before")
    file.seek(0)
    beside.write_bytes(file.read())
    file.truncate(0)
    file.write(data)
    file.flush()
    os.fsync(file.fileno())
    beside.unlink()
