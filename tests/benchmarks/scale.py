"""What many verdicts cost: `python -m tests.benchmarks.scale [ROWS]`, for docs/scale.md.

Rows as lines cut them, a million a file: bytes on disk, taking them into the database, and the
questions that pages ask, of the database and of the files alone. Figures are processor time, which
other programs hardly change. 10⁸ rows take 8 GB of disk; so many are looked at in files alone.
"""

import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

import duckdb
import psutil

from backend.core.store import Store
from backend.line import segments

FILE_ROWS = segments.MELTED_ROWS
MOST_TAKEN_IN = 20_000_000  # rows; beyond that the key's index alone takes hours and gigabytes
PACE = 28 / 60  # parts a second of one line
QUESTIONS = {
    "verdicts by day": "SELECT CAST(floor(captured / 86400) AS INTEGER) AS day, verdict, count(*) "
    "FROM {t} GROUP BY ALL",
    "quantiles of scores by type": "SELECT feature, quantile_cont(score, [0.5, 0.95, 0.999]), "
    "avg(brightness) FROM {t} GROUP BY feature",
    "one day of one line": "SELECT * FROM {t} WHERE captured BETWEEN 864000 AND 950400 "
    "AND verdict <> 'GOOD' ORDER BY sequence LIMIT 1000",
    "one serial number": "SELECT * FROM {t} WHERE serial = 'S0000123456'",
}


def main() -> None:
    rows = int(sys.argv[1]) if sys.argv[1:] else 10_000_000
    with tempfile.TemporaryDirectory() as folder:
        of_files(Path(folder), rows)
        if rows <= MOST_TAKEN_IN:
            of_database(Path(folder), rows)


def of_files(storage: Path, rows: int) -> None:
    home = storage / segments.LINES / "press-1"
    for first in range(0, rows, FILE_ROWS):
        make(home, first)
    files = segments.files(home)
    size = sum(path.stat().st_size for path in files)
    print(f"{rows:,} rows in {len(files)} files: {size / rows:.1f} bytes a row")
    asked(duckdb.connect(), f"read_parquet('{home}/segments/*.parquet')", "files")


def of_database(storage: Path, rows: int) -> None:
    with closing(Store(storage / "results.duckdb")) as store:
        began = time.process_time()
        store.feed(segments, storage)
        spent = time.process_time() - began
        store.read("CHECKPOINT")
        print(f"  taking them into the database: {rows / spent:,.0f} rows a second")
        asked(store._connection, "verdicts", "database")
        memory = psutil.Process().memory_info().rss / 2**30
        print(f"  memory of this process: {memory:.1f} GB")
    size = (storage / "results.duckdb").stat().st_size
    print(f"  database: {size / rows:.1f} bytes a row", flush=True)


def make(home: Path, first: int) -> None:
    """A file of a million parts of a line, most of them GOOD, in the types that lines write."""
    folder = home / segments.FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{first + 1}-{first + FILE_ROWS}.parquet"
    duckdb.sql(
        f"""COPY (
            WITH part AS (
                SELECT i AS id, i / {PACE} + random() / 5 AS captured, 4 + 12 * random() AS ms,
                       -0.3 * (ln(random()) + ln(random()) + ln(random()) + ln(random())) AS score
                FROM range({first + 1}, {first + FILE_ROWS + 1}) t(i))
            SELECT id, 1::INTEGER AS epoch, id AS sequence, format('S{{:010d}}', id) AS serial,
                   ['dot', 'edge', 'bar', 'hole'][1 + id % 4] AS feature, captured,
                   captured AS accepted, captured + ms / 1000 AS judged,
                   CASE WHEN score > 3.6 THEN 'BAD' WHEN score > 3.0 THEN 'REVIEW' ELSE 'GOOD' END
                   AS verdict, '' AS reason, score, ms, 'b7c9d1e2f3a4' AS package,
                   1::INTEGER AS thresholds, '9f8e7d6c' AS config, '' AS picture,
                   0.0::DOUBLE AS suspended, 0.0::DOUBLE AS blind, 117 + 6 * random() AS brightness,
                   38 + 4 * random() AS sharpness, 128.0::DOUBLE AS edge
            FROM part ORDER BY id
        ) TO '{file}' (FORMAT parquet, COMPRESSION snappy)"""
    )


def asked(connection: duckdb.DuckDBPyConnection, table: str, of: str) -> None:
    """Print what each question takes, the second time: processor time of all threads, and s."""
    for name, sql in QUESTIONS.items():
        for _ in range(2):
            began, start = time.process_time(), time.perf_counter()
            connection.execute(sql.format(t=table)).fetchall()
            worked, taken = time.process_time() - began, time.perf_counter() - start
        print(f"  {name}, of the {of}: {worked:.2f} s of processor time, {taken:.2f} s", flush=True)


if __name__ == "__main__":
    main()
