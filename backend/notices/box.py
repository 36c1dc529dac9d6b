"""The box of notices: what was told, who has read it, and what is still to be sent.

A small SQLite file in the storage folder, `notices.sqlite`. What `add` returned from is on disk, so
that nothing is lost when the dashboard stops; a notice has an id, and is told once.
"""

import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

NAME = "notices.sqlite"
PATIENCE = 5.0  # s that a writer waits for another
DAY = 86_400.0
KEPT = 30 * DAY
FRESH = 7 * DAY  # older ones are not counted as unread
WAITING, SENT, GIVEN_UP = "waiting", "sent", "given up"
TABLES = """
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS notice (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    time REAL NOT NULL,             -- s since 1970
    kind TEXT NOT NULL,
    words TEXT NOT NULL,
    run TEXT NOT NULL,              -- "" where it is about none, and so below
    line TEXT NOT NULL,
    project TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS delivery (
    number INTEGER NOT NULL REFERENCES notice (number),
    channel TEXT NOT NULL,
    state TEXT NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0,
    due REAL NOT NULL,              -- s since 1970
    error TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (number, channel)
);
CREATE TABLE IF NOT EXISTS reader (person TEXT PRIMARY KEY, upto INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS mark (name TEXT PRIMARY KEY, value TEXT NOT NULL);
COMMIT;
"""


@dataclass(frozen=True)
class Notice:
    """id: one is told once. time: s since 1970. kind: job, promise, disk, delivery or test. run,
    line: what it is about, "" for neither. project: the id of theirs. number: its place."""

    id: str
    time: float
    kind: str
    words: str
    run: str = ""
    line: str = ""
    project: str = ""
    number: int = 0


@dataclass(frozen=True)
class Delivery:
    """A notice on its way to a channel. due: when it is tried next, s since 1970."""

    notice: Notice
    channel: str
    state: str
    tries: int
    due: float
    error: str


def there(storage: Path) -> bool:
    """Was anything ever told here?"""
    path = storage / NAME
    return path.exists() and path.stat().st_size > 0


@contextmanager
def _open(storage: Path) -> Iterator[sqlite3.Connection]:
    """The file for one use; what is written within is written whole or not at all."""
    storage.mkdir(parents=True, exist_ok=True)
    path = storage / NAME
    fresh = not there(storage)
    path.touch(mode=0o600)
    with closing(sqlite3.connect(path, timeout=PATIENCE)) as database:
        if (
            fresh
            or not database.execute("SELECT 1 FROM sqlite_master WHERE name='mark'").fetchone()
        ):
            database.executescript(TABLES)
        with database:
            yield database


@contextmanager
def _reading(storage: Path) -> Iterator[sqlite3.Connection]:
    """The file for one use, to read."""
    address = f"{(storage / NAME).resolve().as_uri()}?mode=ro"
    with closing(sqlite3.connect(address, uri=True, timeout=PATIENCE)) as database:
        yield database


def add(storage: Path, notice: Notice, channels: Sequence[str] = ()) -> bool:
    """Tell something, and put it in the post for these channels; False where it was told before."""
    told = (notice.id, notice.time, notice.kind, notice.words)
    about = (notice.run, notice.line, notice.project)
    with _open(storage) as database:
        made = database.execute(
            "INSERT OR IGNORE INTO notice (id, time, kind, words, run, line, project) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            (*told, *about),
        )
        if not made.rowcount:
            return False
        database.executemany(
            "INSERT INTO delivery (number, channel, state, due) VALUES (?, ?, ?, ?)",
            [(made.lastrowid, channel, WAITING, notice.time) for channel in channels],
        )
    return True


def ids(storage: Path) -> set[str]:
    """Of every notice that is kept."""
    if not there(storage):
        return set()
    with _reading(storage) as database:
        return {str(one) for (one,) in database.execute("SELECT id FROM notice")}


def newest(storage: Path, count: int = 100) -> list[Notice]:
    """The newest notices, newest first."""
    if not there(storage):
        return []
    with _reading(storage) as database:
        rows = database.execute(
            "SELECT id, time, kind, words, run, line, project, number FROM notice "
            "ORDER BY number DESC LIMIT ?",
            [count],
        ).fetchall()
    return [Notice(*row) for row in rows]


def unread(storage: Path, person: str) -> list[Notice]:
    """The notices of the last days that somebody has not read. person: "" for all, where nobody
    signs in."""
    if not there(storage):
        return []
    with _reading(storage) as database:
        rows = database.execute(
            "SELECT id, time, kind, words, run, line, project, number FROM notice WHERE number > "
            "coalesce((SELECT upto FROM reader WHERE person = ?), 0) AND time > ?",
            [person, time.time() - FRESH],
        ).fetchall()
    return [Notice(*row) for row in rows]


def mark_read(storage: Path, person: str) -> None:
    """Somebody has read all there are."""
    with _open(storage) as database:
        database.execute(
            "INSERT OR REPLACE INTO reader SELECT ?, coalesce(max(number), 0) FROM notice", [person]
        )


def mark(storage: Path, name: str) -> str:
    """What was noted under a name, "" for nothing."""
    if not there(storage):
        return ""
    with _reading(storage) as database:
        row = database.execute("SELECT value FROM mark WHERE name = ?", [name]).fetchone()
    return str(row[0]) if row else ""


def set_mark(storage: Path, name: str, value: str) -> None:
    with _open(storage) as database:
        database.execute("INSERT OR REPLACE INTO mark VALUES (?, ?)", [name, value])


def due(storage: Path, now: float) -> list[Delivery]:
    """What is to be sent now, oldest first."""
    return [one for one in deliveries(storage) if one.state == WAITING and one.due <= now]


def deliveries(storage: Path, count: int = 1000) -> list[Delivery]:
    """What was put in the post, oldest first, of the newest so many."""
    if not there(storage):
        return []
    with _reading(storage) as database:
        rows = database.execute(
            "SELECT n.id, n.time, n.kind, n.words, n.run, n.line, n.project, n.number, d.channel, "
            "d.state, d.tries, d.due, d.error FROM delivery d JOIN notice n USING (number) "
            "ORDER BY number DESC LIMIT ?",
            [count],
        ).fetchall()
    return [Delivery(Notice(*row[:8]), *row[8:]) for row in reversed(rows)]


def settle(storage: Path, one: Delivery, state: str, due: float, error: str = "") -> None:
    """Note what became of one that was tried."""
    with _open(storage) as database:
        database.execute(
            "UPDATE delivery SET state = ?, tries = ?, due = ?, error = ? "
            "WHERE number = ? AND channel = ?",
            [state, one.tries + 1, due, error, one.notice.number, one.channel],
        )


def sweep(storage: Path, now: float) -> None:
    """Forget what was told a month ago."""
    with _open(storage) as database:
        old = "SELECT number FROM notice WHERE time < ?"
        database.execute(f"DELETE FROM delivery WHERE number IN ({old})", [now - KEPT])
        database.execute("DELETE FROM notice WHERE time < ?", [now - KEPT])
