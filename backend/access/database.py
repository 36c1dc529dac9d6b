"""The file that keeps accounts, sessions and one-time links; small, and apart from all results."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NAME = "access.sqlite"
PATIENCE = 10.0  # s that a writer waits for another
TABLES = """
CREATE TABLE IF NOT EXISTS account (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    key TEXT NOT NULL UNIQUE,       -- the name as it is compared
    role TEXT NOT NULL,
    password TEXT NOT NULL,         -- its Argon2id hash, "" where none is set
    created TEXT NOT NULL,
    disabled INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS session (
    id TEXT PRIMARY KEY,            -- SHA-256 of what the cookie holds
    account INTEGER NOT NULL REFERENCES account (id),
    created REAL NOT NULL,          -- s since 1970
    seen REAL NOT NULL,
    address TEXT NOT NULL,
    browser TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS link (
    id TEXT PRIMARY KEY,            -- SHA-256 of what the address holds
    purpose TEXT NOT NULL,
    account INTEGER REFERENCES account (id),
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    expires REAL NOT NULL           -- s since 1970
);
CREATE TABLE IF NOT EXISTS known_as (
    source TEXT NOT NULL,           -- the issuer, or "proxy"
    subject TEXT NOT NULL,          -- who it is there
    account INTEGER NOT NULL REFERENCES account (id),
    PRIMARY KEY (source, subject)
);
CREATE TABLE IF NOT EXISTS session_elsewhere (
    session TEXT PRIMARY KEY REFERENCES session (id) ON DELETE CASCADE,
    sid TEXT NOT NULL,              -- the session there to which it belongs, "" where unknown
    since REAL NOT NULL             -- by the clock there, s since 1970
);
CREATE TABLE IF NOT EXISTS device_key (key TEXT NOT NULL);
INSERT INTO device_key SELECT hex(randomblob(32)) WHERE NOT EXISTS (SELECT 1 FROM device_key);
CREATE TABLE IF NOT EXISTS installation (id TEXT NOT NULL);
INSERT INTO installation SELECT lower(hex(randomblob(4)))
    WHERE NOT EXISTS (SELECT 1 FROM installation);
"""


def there(storage: Path) -> bool:
    """Whether anybody ever set up accounts here."""
    return (storage / NAME).exists()


def connect(storage: Path) -> sqlite3.Connection:
    """The file to read and write, made where it is missing, readable by its owner alone."""
    storage.mkdir(parents=True, exist_ok=True)
    path = storage / NAME
    path.touch(mode=0o600)
    database = _connected(path, "rw")
    if not _complete(database):
        database.executescript(TABLES)
    return database


@contextmanager
def reading(storage: Path) -> Iterator[sqlite3.Connection]:
    """The file for one use, to read. Raises sqlite3.OperationalError where it is not there."""
    database = _connected(storage / NAME, "ro")
    try:
        yield database
    finally:
        database.close()


def _connected(path: Path, mode: str) -> sqlite3.Connection:
    """Usable in any thread, one at a time."""
    database = sqlite3.connect(
        f"{path.resolve().as_uri()}?mode={mode}",
        uri=True,
        timeout=PATIENCE,
        isolation_level=None,
        check_same_thread=False,
    )
    database.row_factory = sqlite3.Row
    database.execute("PRAGMA foreign_keys = ON")
    return database


@contextmanager
def writing(storage: Path) -> Iterator[sqlite3.Connection]:
    """The file for one use; what is written within is written whole or not at all."""
    database = connect(storage)
    try:
        database.execute("BEGIN IMMEDIATE")
        try:
            yield database
        except BaseException:
            database.execute("ROLLBACK")
            raise
        database.execute("COMMIT")
    finally:
        database.close()


def installation(storage: Path) -> str:
    """Eight characters that tell this installation's cookies from another's on the same host."""
    with reading(storage) as database:
        return str(database.execute("SELECT id FROM installation").fetchone()[0])


def copy_to(storage: Path, target: Path) -> None:
    """A whole copy, also beside a running server."""
    with reading(storage) as source:
        copy = sqlite3.connect(target)
        try:
            source.backup(copy)
        finally:
            copy.close()


def _complete(database: sqlite3.Connection) -> bool:
    """Are the last tables of this version and of the first filled? Two that make them at once may
    find they are not yet."""
    filled = "SELECT (SELECT count(*) FROM session_elsewhere) FROM installation, device_key"
    try:
        return database.execute(filled).fetchone() is not None
    except sqlite3.OperationalError:
        return False
