"""The process that answers a question: one SELECT over named files, and nothing else.

Reads a request as JSON from standard input and writes the answer to standard output: a line of
JSON, then the rows as Parquet. DuckDB holds the lock: it opens the files of the request alone, and
no setting can be changed after. The operating system holds another: this process may write no file
and use so much memory and processor time.
"""

import io
import json
import os
import resource
import sys
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from backend.core.migrations import STEPS

MAKERS = {  # of a table: how the path of a file names who made it
    "verdicts": ("maker", r"/lines/([^/]+)/segments/"),
    "": ("run_id", r"/runs/([^/]+)/facts/"),
}
ONE = "Ask one question that begins with SELECT, WITH or FROM."
ROOM = 2 << 30  # bytes of address space beyond DuckDB's own limit: libraries take theirs


class Refused(Exception):
    """What may not be asked; its text says why."""


def answer(request: Mapping[str, Any]) -> tuple[pa.Table, bool]:
    """The rows, and whether there are more than were asked for. Raises Refused and duckdb.Error.

    request: sql; files: table → its Parquet files; rows, bytes: the most of the answer; megabytes:
    of memory.
    """
    with duckdb.connect(":memory:") as database:
        _tables(database, request["files"])
        _lock(database, request)
        sql = _checked(request["sql"])
        most = int(request["rows"])
        found = database.sql(sql).limit(most + 1).df()
    rows = pa.Table.from_pandas(found.head(most), preserve_index=False)
    kept = rows.slice(0, _fitting(rows, int(request["bytes"])))
    if not len(kept) and len(rows):
        raise Refused("A single row is larger than an answer may be. Ask for less of it.")
    return kept, len(kept) < len(found)


def _fitting(rows: pa.Table, most: int) -> int:
    """How many of the first rows take no more bytes than that."""
    return bisect_right(range(1, len(rows) + 1), most, key=lambda n: rows.slice(0, n).nbytes)


def _checked(sql: str) -> str:
    """The one SELECT in it. Raises Refused for anything else."""
    statements = duckdb.extract_statements(sql)
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise Refused(ONE)
    return statements[0].query.strip().rstrip(";")


def _tables(database: duckdb.DuckDBPyConnection, files: Mapping[str, Sequence[str]]) -> None:
    """Every table there is; those with files hold their rows, the others none."""
    for step in STEPS:
        database.execute(step)
    for table, paths in files.items():
        if paths:
            database.execute(f"ALTER TABLE {table} RENAME TO empty_{table}")
            database.execute(f"CREATE VIEW {table} AS {_rows(table, paths)}")


def _rows(table: str, paths: Sequence[str]) -> str:
    """SQL that gives the rows of these files with who made them."""
    listed = ", ".join(f"'{_quoted(path)}'" for path in paths)
    if table == "runs":
        return f"SELECT * FROM read_parquet([{listed}])"
    column, pattern = MAKERS.get(table, MAKERS[""])
    return (
        f"FROM empty_{table} UNION ALL BY NAME SELECT "
        f"regexp_extract(filename, '{pattern}', 1) AS {column}, * EXCLUDE (filename) "
        f"FROM read_parquet([{listed}], union_by_name = true, filename = true)"
    )


def _quoted(text: str) -> str:
    return text.replace("'", "''")


def _lock(database: duckdb.DuckDBPyConnection, request: Mapping[str, Any]) -> None:
    """From here on nothing but the request's files is opened, and no setting changed."""
    every = [path for paths in request["files"].values() for path in paths]
    listed = ", ".join(f"'{_quoted(path)}'" for path in every)
    for setting in (
        "autoinstall_known_extensions = false",
        "autoload_known_extensions = false",
        "temp_directory = ''",
        "threads = 1",
        f"memory_limit = '{int(request['megabytes'])}MB'",
        f"allowed_paths = [{listed}]",
        "enable_external_access = false",
        "lock_configuration = true",
    ):
        database.execute(f"SET {setting}")


def _limit(request: Mapping[str, Any]) -> None:
    """What the operating system refuses this process: files, memory, time."""
    os.nice(10)
    seconds = int(request["seconds"]) + 1
    memory = int(request["megabytes"]) * 2**20 + ROOM
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))


def main() -> None:
    """Answer the request of standard input."""
    request = json.loads(sys.stdin.buffer.read())
    _limit(request)
    content, told = b"", {"error": "", "more": False}
    try:
        rows, more = answer(request)
        buffer = io.BytesIO()
        pq.write_table(rows, buffer)
        content, told = buffer.getvalue(), {"error": "", "more": more}
    except (Refused, duckdb.Error, MemoryError, ValueError) as error:
        told["error"] = str(error) or "It needs more memory than a question may use."
    sys.stdout.buffer.write(json.dumps(told).encode() + b"\n" + content)


if __name__ == "__main__":
    main()
