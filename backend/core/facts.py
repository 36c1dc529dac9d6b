"""A run's facts as rows: one Parquet file a table, written by the job, indexed by the store."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
from pyarrow import parquet

from backend.core import runs
from backend.core.migrations import FACTS, STEPS
from backend.records import UserError

KEPT_BYTES = 20 * 2**20  # of a file whose rows are kept in memory


@dataclass(frozen=True)
class Figure:
    """A row of the table `figures`: a value, its 95 % interval and its n; NaN: there is none."""

    value: float
    low: float
    high: float
    n: int


def by_name(figures: pd.DataFrame) -> dict[tuple[str, str], Figure]:
    """(subject, metric) → figure, of a run's table `figures`."""
    names = zip(figures["subject"], figures["metric"], strict=True)
    rows = figures[["value", "low", "high", "n"]].itertuples(index=False, name=None)
    return {name: Figure(*row) for name, row in zip(names, rows, strict=True)}


def records(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a table, each as column → value."""
    return [{str(name): value for name, value in row.items()} for row in rows.to_dict("records")]


def path(run_folder: Path, table: str) -> Path:
    """Where a run keeps its rows of a table. Raises KeyError for an unknown table."""
    if table not in FACTS:
        raise KeyError(table)
    return run_folder / "facts" / f"{table}.parquet"


@cache
def columns(table: str) -> tuple[str, ...]:
    """The columns of a table of facts, without `run_id`."""
    with duckdb.connect(":memory:") as database:
        for step in STEPS:
            database.execute(step)
        return tuple(row[0] for row in database.execute(f"DESCRIBE {table}").fetchall()[1:])


def write(run_folder: Path, table: str, rows: pd.DataFrame | Sequence[Mapping[str, Any]]) -> None:
    """Write a run's rows of one table, in place of earlier ones; no rows are a file too.

    Raises ValueError for a column the table lacks.
    """
    target = path(run_folder, table)
    frame = rows if isinstance(rows, pd.DataFrame) else pd.DataFrame(list(rows))
    if frame.empty:
        frame = pd.DataFrame(columns=columns(table))
    unknown = set(frame.columns) - set(columns(table))
    if unknown:
        raise ValueError(f"table '{table}' has no column '{min(unknown)}'")
    target.parent.mkdir(parents=True, exist_ok=True)
    frame.to_parquet(target, index=False)


def count(run_folder: Path, table: str) -> int:
    """Number of a run's rows of one table, 0 where it wrote none. Raises UserError if damaged."""
    file = path(run_folder, table)
    state = runs.state_of(file)
    try:
        return _rows(file, state) if state else 0
    except (OSError, ValueError) as error:
        raise _damaged(file) from error


@lru_cache(maxsize=4096)
def _rows(file: Path, state: runs.FileState) -> int:
    """Number of rows of a file, read once for each state of it."""
    return int(parquet.read_metadata(file).num_rows)


def read(run_folder: Path, table: str) -> pd.DataFrame:
    """A run's rows of one table, with every column of it: those not written are empty.

    Raises UserError where the file is missing or damaged.
    """
    file = path(run_folder, table)
    try:
        state = file.stat()
        if state.st_size > KEPT_BYTES:
            return _parquet(file, table)
        return _kept(file, table, state.st_mtime_ns, state.st_size).copy(deep=False)
    except (OSError, ValueError) as error:
        raise _damaged(file) from error


def _parquet(file: Path, table: str) -> pd.DataFrame:
    return pd.read_parquet(file).reindex(columns=list(columns(table)))


@lru_cache(maxsize=32)
def _kept(file: Path, table: str, changed: int, size: int) -> pd.DataFrame:
    """As `_parquet`, read once: a page asks for the same rows at each of its runs."""
    return _parquet(file, table)


def _damaged(file: Path) -> UserError:
    return UserError(f"Cannot read {file}. Restore it from a backup or run it again.")
