"""What many verdicts cost: `python -m tests.benchmarks.scale [ROWS]`, for docs/scale.md.

Rows as lines cut them, a million a file: bytes on disk, taking them into the database, and the
questions that pages ask, of the database and of the files alone. Figures are processor time, which
other programs hardly change. 10⁸ rows take 30 GB of disk.
"""

import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import psutil

from backend.core.store import Store
from backend.line import segments

FILE_ROWS = segments.MELTED_ROWS
PACE = 28 / 60  # parts a second of one line
QUESTIONS = {
    "verdicts by day": "SELECT captured // 86400 AS day, verdict, count(*) FROM {t} GROUP BY ALL",
    "quantiles of scores by type": "SELECT feature, quantile_cont(score, [0.5, 0.95, 0.999]), "
    "avg(brightness) FROM {t} GROUP BY feature",
    "one day of one line": "SELECT * FROM {t} WHERE captured BETWEEN 864000 AND 950400 "
    "AND verdict <> 'GOOD' ORDER BY sequence LIMIT 1000",
    "one serial number": "SELECT * FROM {t} WHERE serial = 'S0000123456'",
}


def main() -> None:
    rows = int(sys.argv[1]) if sys.argv[1:] else 10_000_000
    with tempfile.TemporaryDirectory() as folder:
        scale(Path(folder), rows)


def scale(storage: Path, rows: int) -> None:
    home = storage / segments.LINES / "press-1"
    taken = []
    for first in range(0, rows, FILE_ROWS):
        frame = made(first)
        began = time.process_time()
        segments.write(home, frame)
        taken.append(time.process_time() - began)
    files = segments.files(home)
    size = sum(path.stat().st_size for path in files)
    print(f"{rows:,} rows in {len(files)} files: {size / rows:.1f} bytes a row")
    print(f"  writing them: {rows / sum(taken):,.0f} rows a second")
    asked(duckdb.connect(), f"read_parquet('{home}/segments/*.parquet')", "files")
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


def made(first: int) -> pd.DataFrame:
    """A million parts of a line, most of them GOOD."""
    dice = np.random.default_rng(first)
    n = FILE_ROWS
    place = np.arange(first + 1, first + n + 1)
    captured = place / PACE + dice.uniform(0, 0.2, n)
    ms = dice.gamma(9, 1.2, n)
    score = dice.gamma(4, 0.3, n)
    verdict = np.where(score > 3.6, "BAD", np.where(score > 3.0, "REVIEW", "GOOD"))
    return pd.DataFrame(
        {
            "id": place,
            "epoch": 1,
            "sequence": place,
            "serial": [f"S{number:010d}" for number in place],
            "feature": np.array(["dot", "edge", "bar", "hole"])[place % 4],
            "captured": captured,
            "accepted": captured,
            "judged": captured + ms / 1000,
            "verdict": verdict,
            "reason": "",
            "score": score,
            "ms": ms,
            "package": "20261126T101500-package-1a2b3c",
            "thresholds": 1,
            "config": "9f8e7d6c",
            "picture": "",
            "suspended": 0.0,
            "blind": 0.0,
            "brightness": dice.normal(120, 3, n),
            "sharpness": dice.normal(40, 2, n),
            "edge": 128.0,
        }
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
