"""An outbox that is damaged is set aside by name, and the line begins a new one."""

import sqlite3
import time
from contextlib import closing
from pathlib import Path

from backend.records import Shortage

DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def found(path: Path) -> bool:
    """Is an outbox there that SQLite calls damaged? Raises Shortage for one that cannot be read for
    another reason, such as a full disk."""
    if not path.exists():
        return False
    try:
        with closing(sqlite3.connect(path, timeout=30)) as database:
            said = database.execute("PRAGMA quick_check(1)").fetchone()
        return bool(said[0] != "ok")
    except sqlite3.DatabaseError as error:
        if is_told_by(error):
            return True
        raise Shortage(
            f"{path} cannot be read ({error}). Make room on that disk, and see that it answers."
        ) from error


def is_told_by(error: sqlite3.Error) -> bool:
    """Does SQLite say with this that the file is damaged?"""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in DAMAGED


def set_aside(path: Path) -> Path:
    """Where a damaged outbox lies now; its log goes with it. Earlier ones stay, whatever the clock
    says."""
    stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime())
    number = len(list(path.parent.glob("damaged-*.sqlite"))) + 1
    target = path.with_name(f"damaged-{number}-{stamp}.sqlite")
    for ending in ("-wal", "-shm", ""):
        piece = path.with_name(path.name + ending)
        if piece.exists():
            piece.replace(target.with_name(target.name + ending))
    return target
