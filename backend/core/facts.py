"""A run's facts as rows: one Parquet file a table, written by the job, indexed by the store."""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
from pyarrow import parquet

from backend.core.migrations import FACTS, STEPS
from backend.records import UserError


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
    if not file.exists():
        return 0
    try:
        return int(parquet.read_metadata(file).num_rows)
    except (OSError, ValueError) as error:
        raise _damaged(file) from error


def read(run_folder: Path, table: str) -> pd.DataFrame:
    """A run's rows of one table, with every column of it: those not written are empty.

    Raises UserError where the file is missing or damaged.
    """
    file = path(run_folder, table)
    try:
        return pd.read_parquet(file).reindex(columns=list(columns(table)))
    except (OSError, ValueError) as error:
        raise _damaged(file) from error


def _damaged(file: Path) -> UserError:
    return UserError(f"Cannot read {file}. Restore it from a backup or run it again.")
