"""Scores of a fold as a file, so that an interrupted run keeps the folds that it has done."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from backend.inspection.model.folds import Fold, Scored


def write(file: Path, scored: Scored) -> None:
    """Every array under its own name; rows in their order."""
    tables: dict[str, Mapping[str, object]] = {
        "scores": scored.scores,
        "maps": scored.maps,
        "limits": scored.limits,
    }
    found = {
        f"{table}/{name}": np.asarray(value)
        for table, rows in tables.items()
        for name, value in rows.items()
    }
    if scored.under is not None:
        found["under"] = scored.under
    with file.open("wb") as stream:
        np.savez(stream, allow_pickle=False, **found)


def read(file: Path, fold: Fold) -> Scored:
    """As it was written, to the last bit."""
    with np.load(file) as kept:
        tables: dict[str, dict[str, np.ndarray]] = {"scores": {}, "maps": {}, "limits": {}}
        for key in (key for key in kept.files if key != "under"):
            table, _, name = key.partition("/")
            tables[table][name] = kept[key]
        under = kept["under"] if "under" in kept.files else None
    limits = {
        name: value if value.ndim else value.item() for name, value in tables["limits"].items()
    }
    return Scored(fold, tables["scores"], tables["maps"], limits, under)
