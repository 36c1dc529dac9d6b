"""A run's facts as rows: one Parquet file a table, written by the job, indexed by the store."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from backend.migrations import FACTS
from backend.records import UserError


def path(run_folder: Path, table: str) -> Path:
    """Where a run keeps its rows of a table. Raises KeyError for an unknown table."""
    if table not in FACTS:
        raise KeyError(table)
    return run_folder / "facts" / f"{table}.parquet"


def write(run_folder: Path, table: str, rows: pd.DataFrame | Sequence[Mapping[str, Any]]) -> None:
    """Write a run's rows of one table, in place of earlier ones."""
    frame = rows if isinstance(rows, pd.DataFrame) else pd.DataFrame(list(rows))
    target = path(run_folder, table)
    target.parent.mkdir(parents=True, exist_ok=True)
    if len(frame.columns):
        frame.to_parquet(target, index=False)


def read(run_folder: Path, table: str) -> pd.DataFrame:
    """A run's rows of one table. Raises UserError where the file is missing or damaged."""
    file = path(run_folder, table)
    try:
        return pd.read_parquet(file)
    except (OSError, ValueError) as error:
        raise UserError(f"Cannot read {file}. Restore it from a backup or run it again.") from error
