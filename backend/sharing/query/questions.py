"""Asking: which tables there are, an answer from a process of its own, and questions kept."""

import io
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from threading import BoundedSemaphore

import duckdb
import pandas as pd

from backend.core.migrations import FACTS, STEPS
from backend.line import segments
from backend.records import Shortage, UserError
from backend.settings import PROJECT
from backend.sharing import named

JOURNAL = "queries.jsonl"
MOST_ROWS = 50_000
MOST_BYTES = 20_000_000  # of an answer: it stands in the server's memory, and goes to the browser
MEGABYTES = 1024
SECONDS = 30
AT_ONCE = 2
OWN = ("migrations", "fed")  # tables of the program's own
_turns = BoundedSemaphore(AT_ONCE)


@dataclass(frozen=True)
class Answer:
    """rows: at most MOST_ROWS and MOST_BYTES; more: there are others."""

    rows: pd.DataFrame
    more: bool


def refuse_deletion(storage: Path, run_id: str) -> None:
    """A question holds no run."""


@cache
def schema() -> dict[str, dict[str, str]]:
    """Table → its columns with their types."""
    with duckdb.connect(":memory:") as database:
        for step in STEPS:
            database.execute(step)
        found = database.execute(
            "SELECT table_name, column_name, data_type FROM duckdb_columns() "
            "WHERE NOT internal ORDER BY table_name, column_index"
        ).fetchall()
    tables: dict[str, dict[str, str]] = {}
    for table, column, kind in found:
        if table not in OWN:
            tables.setdefault(table, {})[column] = kind
    return {name: tables[name] for name in ("runs", *sorted(tables)) if name in tables}


def ask(
    storage: Path, sql: str, known: pd.DataFrame, lines: Sequence[str] = (), seconds: int = SECONDS
) -> Answer:
    """The answer to one SELECT. known: rows of the table `runs`, which is no file; the other tables
    hold what these runs and these lines left.

    Raises UserError where it is refused, wrong, too large or too slow.
    """
    if not _turns.acquire(timeout=seconds):
        raise Shortage(f"{AT_ONCE} questions are being answered just now. Ask again in a while.")
    try:
        with _files(storage, sql, known, lines) as files:
            return _answered(sql, files, seconds)
    finally:
        _turns.release()


@contextmanager
def _files(
    storage: Path, sql: str, known: pd.DataFrame, lines: Sequence[str]
) -> Iterator[dict[str, list[str]]]:
    """Table → its files, of the tables that the question may mean."""
    meant = set(re.findall(r"\w+", sql.lower()))
    folders = [storage / "runs" / str(run_id) for run_id in known["id"]]
    found = {table: _facts(folders, table) for table in FACTS if table in meant}
    if segments.TABLE in meant:
        homes = [storage / segments.LINES / name for name in sorted(lines)]
        found[segments.TABLE] = [str(path) for home in homes for path in segments.files(home)]
    with tempfile.TemporaryDirectory(prefix="question-") as folder:
        if "runs" in meant and len(known):
            place = Path(folder) / "runs.parquet"
            known.to_parquet(place, index=False)
            found["runs"] = [str(place)]
        yield found


def _facts(folders: Iterable[Path], table: str) -> list[str]:
    every = (folder / "facts" / f"{table}.parquet" for folder in folders)
    return [str(path) for path in every if path.exists()]


def _answered(sql: str, files: dict[str, list[str]], seconds: int) -> Answer:
    request = {"sql": sql, "files": files, "rows": MOST_ROWS, "bytes": MOST_BYTES}
    request |= {"megabytes": MEGABYTES, "seconds": seconds}
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    try:
        done = subprocess.run(
            [sys.executable, "-m", "backend.sharing.query.child"],
            input=json.dumps(request).encode(),
            capture_output=True,
            timeout=seconds,
            check=False,
            cwd=PROJECT,
            env=kept,
        )
    except subprocess.TimeoutExpired as error:
        raise UserError(_too_slow(seconds)) from error
    head, _, content = done.stdout.partition(b"\n")
    if not head:
        killed = "It needed more time or memory than a question may use. Ask for less of it."
        raise UserError(killed)
    told = json.loads(head)
    if told["error"]:
        raise UserError(_plain(told["error"]))
    return Answer(pd.read_parquet(io.BytesIO(content)), bool(told["more"]))


def _too_slow(seconds: int) -> str:
    return f"No answer within {seconds} s. Ask for less: fewer runs, or a LIMIT in inner parts."


def _plain(error: str) -> str:
    """DuckDB's own words without its trace of the line, nor what it thinks was meant."""
    first = error.strip().split("\n\nLINE")[0].split("Did you mean")[0].strip()
    if first.startswith("Catalog Error: Table"):
        return f"{first} Choose one of the tables listed beside the question."
    if "disabled by configuration" in error or "file system operations" in error:
        return "Only the tables listed here can be read: no files, no other data bases."
    return first


def every(storage: Path) -> dict[str, str]:
    """Name → question kept under it."""
    found = named.every(storage / JOURNAL)
    return {name: str(line.get("sql", "")) for name, line in found.items()}


def save(storage: Path, name: str, sql: str) -> None:
    """Keep a question. Raises UserError for a name that is none."""
    named.save(storage / JOURNAL, name, {"sql": sql})


def remove(storage: Path, name: str) -> None:
    """Take a question away. Raises UserError where there is none."""
    named.remove(storage / JOURNAL, name)
