"""The outbox: one row a part, written as accepted before it is judged, then with its verdict.

SQLite in WAL mode with full synchronisation: what `accept` or `judge` returned from is on disk.
A row leaves only when it has been cut to a segment and every sink has taken it. One connection,
shared by the line's threads under a lock; the dashboard reads beside it.
"""

import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backend.line import damage
from backend.line.part import Captured, Judgement, Part, Verdict
from backend.records import Shortage, UserError

FILE = "outbox.sqlite"
COLUMNS = (
    *("id", "epoch", "sequence", "serial", "feature", "captured", "accepted", "judged"),
    *("verdict", "reason", "score", "ms", "package", "thresholds", "config", "picture"),
    *("suspended", "blind", "brightness", "sharpness", "edge"),
)
LATER = {  # columns that an older outbox lacks
    **dict.fromkeys(("suspended", "blind"), "REAL NOT NULL DEFAULT 0"),
    **dict.fromkeys(("brightness", "sharpness", "edge"), "REAL"),
}
SCHEMA = """
CREATE TABLE IF NOT EXISTS parts (
    id INTEGER PRIMARY KEY AUTOINCREMENT, epoch INTEGER NOT NULL, sequence INTEGER NOT NULL,
    serial TEXT NOT NULL, feature TEXT NOT NULL, captured REAL NOT NULL, accepted REAL NOT NULL,
    judged REAL, verdict TEXT, reason TEXT, score REAL, ms REAL, package TEXT, thresholds INTEGER,
    config TEXT, picture TEXT, UNIQUE (epoch, sequence)
);
CREATE INDEX IF NOT EXISTS unjudged ON parts (id) WHERE verdict IS NULL;
CREATE TABLE IF NOT EXISTS marks (mark TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sinks (name TEXT PRIMARY KEY, upto INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS taken (sink TEXT, first INTEGER, last INTEGER, at REAL);
CREATE TABLE IF NOT EXISTS totals (verdict TEXT PRIMARY KEY, n INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
"""


@dataclass(frozen=True)
class Row:
    """A judged part as it is stored; the columns of `COLUMNS`. Times are UTC, seconds."""

    id: int
    epoch: int
    sequence: int
    serial: str
    feature: str
    captured: float
    accepted: float
    judged: float
    verdict: str
    reason: str
    score: float | None
    ms: float
    package: str
    thresholds: int
    config: str
    picture: str
    suspended: float = 0.0
    blind: float = 0.0
    brightness: float | None = None
    sharpness: float | None = None
    edge: float | None = None


class Outbox:
    """The open outbox of a line. `damaged`: where a damaged one was set aside, None otherwise."""

    def __init__(self, folder: Path, first_id: int = 1) -> None:
        """first_id: behind what was already cut, in case the file is new. Raises Shortage where
        the disk is full or may not be written."""
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / FILE
        self.damaged = damage.set_aside(self.path) if damage.found(self.path) else None
        self._lock = threading.RLock()
        self._connection = sqlite3.connect(self.path, check_same_thread=False, timeout=30)
        self._connection.isolation_level = None
        with self._refused():
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute("PRAGMA synchronous=FULL")
            self._connection.executescript(SCHEMA)
            for name in _lacking(self._connection):
                self._connection.execute(f"ALTER TABLE parts ADD COLUMN {name} {LATER[name]}")
        self._begin_behind(first_id)
        self._sequence = 0
        self.epoch = 0

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def _begin_behind(self, first_id: int) -> None:
        with self._writing() as write:
            last = write.execute("SELECT seq FROM sqlite_sequence WHERE name = 'parts'").fetchone()
            if last is None:
                write.execute("INSERT INTO sqlite_sequence VALUES ('parts', ?)", [first_id - 1])
            elif last[0] < first_id - 1:
                write.execute(
                    "UPDATE sqlite_sequence SET seq = ? WHERE name = 'parts'", [first_id - 1]
                )

    @contextmanager
    def _refused(self, what: str = "written") -> Iterator[None]:
        """Raises Shortage where the disk is full, is gone or may not be written, or the file was
        damaged meanwhile."""
        try:
            yield
        except sqlite3.DatabaseError as error:
            if damage.is_told_by(error):
                raise Shortage(
                    f"{self.path} is damaged ({error}). Stop the line and start it again: the file "
                    "is set aside by name, and what is cut to segments stays."
                ) from error
            if not isinstance(error, sqlite3.OperationalError):
                raise
            raise Shortage(
                f"{self.path} cannot be {what} ({error}). Make room on that disk, and see that it "
                "answers; nothing that was stored is lost."
            ) from error

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction. Raises Shortage where the file cannot be written."""
        with self._lock, self._refused():
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def _read(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        """Raises Shortage where it cannot be read."""
        with self._lock, self._refused("read"):
            return self._connection.execute(sql, values).fetchall()

    # Where the line stands.

    def fact(self, name: str, default: int = 0) -> int:
        found = self._read("SELECT value FROM facts WHERE name = ?", [name])
        return int(found[0][0]) if found else default

    def last(self) -> int:
        """The place of the newest part: how many the line has accepted since its first start."""
        found = self._read("SELECT seq FROM sqlite_sequence WHERE name = 'parts'")
        return int(found[0][0]) if found else 0

    def newest_epoch(self) -> int:
        """Of the parts that it holds, 0 without any."""
        return int(self._read("SELECT coalesce(max(epoch), 0) FROM parts")[0][0])

    def note(self, name: str, value: int) -> None:
        with self._writing() as write:
            write.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", [name, value])

    def begin(self, epoch: int, reason: str, config: str = "") -> int:
        """Open an epoch; how many parts of earlier ones had no verdict and got UNINSPECTED."""
        left = self._read("SELECT id, accepted FROM parts WHERE verdict IS NULL ORDER BY id")
        said = Judgement(Verdict.UNINSPECTED, reason=reason, config=config)
        self._write_verdicts([(row[0], said) for row in left])
        self.epoch, self._sequence = epoch, 0
        return len(left)

    def totals(self) -> Counter[str]:
        """Verdict → number of parts since the line was first started."""
        return Counter(dict(self._read("SELECT verdict, n FROM totals")))

    # The way of a part.

    def accept(self, found: Sequence[Captured]) -> list[Part]:
        """Note parts as accepted, before anybody looks at them; those with a known mark are passed
        over. Raises Shortage where they cannot be written; then none was accepted."""
        now = time.time()
        made: list[Part] = []
        with self._writing() as write:
            for one in found:
                if one.mark and not self._is_new(write, one.mark):
                    continue
                number = self._sequence + len(made) + 1
                cursor = write.execute(
                    "INSERT INTO parts (epoch, sequence, serial, feature, captured, accepted) "
                    "VALUES (?, ?, ?, ?, ?, ?)",
                    [self.epoch, number, one.serial, one.feature, one.captured, now],
                )
                made.append(Part(int(cursor.lastrowid or 0), self.epoch, number, one, one.taken))
        self._sequence += len(made)
        return made

    @staticmethod
    def _is_new(write: sqlite3.Connection, mark: str) -> bool:
        return write.execute("INSERT OR IGNORE INTO marks VALUES (?)", [mark]).rowcount > 0

    def judge(self, judged: Iterable[tuple[Part, Judgement]]) -> int:
        """Store verdicts; how many. A part that has one keeps its first."""
        return self._write_verdicts([(part.id, said) for part, said in judged])

    def _write_verdicts(self, judged: Sequence[tuple[int, Judgement]]) -> int:
        now, counted = time.time(), Counter[str]()
        with self._writing() as write:
            for part, said in judged:
                cursor = write.execute(
                    "UPDATE parts SET judged = ?, verdict = ?, reason = ?, score = ?, ms = ?, "
                    "package = ?, thresholds = ?, config = ?, picture = ?, suspended = ?, "
                    "blind = ?, brightness = ?, sharpness = ?, edge = ? "
                    "WHERE id = ? AND verdict IS NULL",
                    [
                        *(now, said.verdict.value, said.reason, said.score, said.ms),
                        *(said.package, said.thresholds, said.config, said.picture),
                        *(said.suspended, said.blind, said.brightness, said.sharpness),
                        *(said.edge, part),
                    ],
                )
                counted[said.verdict.value] += cursor.rowcount
            write.executemany(
                "INSERT INTO totals VALUES (?, ?) ON CONFLICT DO UPDATE SET n = n + excluded.n",
                [(verdict, n) for verdict, n in counted.items() if n],
            )
        return counted.total()

    def forget_marks(self, marks: Iterable[str]) -> None:
        """Marks that a source will not give again."""
        with self._writing() as write:
            write.executemany("DELETE FROM marks WHERE mark = ?", [(mark,) for mark in marks])

    # Who takes verdicts.

    def judged_after(self, part: int, most: int) -> list[Row]:
        """Up to `most` judged rows behind a place, in order, none beyond one without verdict."""
        names = ", ".join(COLUMNS)
        found = self._read(
            f"SELECT {names} FROM parts WHERE id > ? AND id < coalesce("
            "(SELECT min(id) FROM parts WHERE verdict IS NULL), 9223372036854775807) "
            "ORDER BY id LIMIT ?",
            [part, most],
        )
        return [Row(*row) for row in found]

    def join(self, names: Sequence[str]) -> None:
        """The sinks that are told from now on; a new one begins with the next part."""
        marks = ", ".join("?" * len(names))
        with self._writing() as write:
            write.execute(f"DELETE FROM sinks WHERE name NOT IN ({marks})", list(names))
            last = write.execute("SELECT seq FROM sqlite_sequence WHERE name = 'parts'").fetchone()
            write.executemany(
                "INSERT OR IGNORE INTO sinks VALUES (?, ?)",
                [(name, last[0] if last else 0) for name in names],
            )

    def taken(self, sink: str) -> int:
        """The place up to which a sink has taken every verdict."""
        found = self._read("SELECT upto FROM sinks WHERE name = ?", [sink])
        return int(found[0][0]) if found else 0

    def mark_taken(self, sink: str, first: int, last: int) -> None:
        """A sink has taken the verdicts from `first` to `last`."""
        with self._writing() as write:
            write.execute("UPDATE sinks SET upto = ? WHERE name = ?", [last, sink])
            write.execute("INSERT INTO taken VALUES (?, ?, ?, ?)", [sink, first, last, time.time()])

    def pending(self, sink: str) -> int:
        """How many parts a sink has still to take: places have no gaps between them."""
        return self.last() - self.taken(sink)

    def drop(self, cut: int) -> int:
        """Delete rows that are cut up to this place and that every sink has taken; how many."""
        upto = min([cut, *(row[0] for row in self._read("SELECT upto FROM sinks"))])
        with self._writing() as write:
            write.execute("DELETE FROM taken WHERE last <= ?", [upto])
            return write.execute(
                "DELETE FROM parts WHERE id <= ? AND verdict IS NOT NULL", [upto]
            ).rowcount


def read(
    folder: Path, where: str = "", values: Sequence[Any] = (), most: int = -1
) -> list[dict[str, Any]]:
    """Rows of a line's outbox, judged or not, in order, beside the line that writes it.

    where: SQL behind WHERE. most: the newest so many; -1: all. Raises UserError where the file
    cannot be read.
    """
    path = folder / FILE
    if not path.exists():
        return []
    condition = f" WHERE {where}" if where else ""
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)) as database:
            lacking = _lacking(database)
            names = ", ".join(f"NULL AS {n}" if n in lacking else n for n in COLUMNS)
            found = database.execute(
                f"SELECT {names} FROM parts{condition} ORDER BY id DESC LIMIT ?", [*values, most]
            ).fetchall()
            return [dict(zip(COLUMNS, row, strict=True)) for row in reversed(found)]
    except sqlite3.Error as error:
        if "no such table" in str(error):  # the line is just being made
            return []
        raise UserError(
            f"{path} cannot be read ({error}). Start the line: it sets a damaged file aside."
        ) from error


def _lacking(database: sqlite3.Connection) -> list[str]:
    """Columns that an outbox of an older version has not got yet."""
    there = {row[1] for row in database.execute("PRAGMA table_info(parts)")}
    return [name for name in LATER if name not in there]
