"""A journal: a file of JSON lines that is only ever appended to, by one process at a time.

It is read with `runs.json_lines`, which passes over a line cut short by a crash.
"""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO


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
