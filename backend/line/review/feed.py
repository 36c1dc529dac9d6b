"""Decisions on their way into the dashboard's database: the journal as a Parquet file, which is
written anew when there are more."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path

import pandas as pd

from backend.line import segments
from backend.line.review import decisions

TABLE = "reviews"
FILE = "reviews.parquet"  # in the line's folder


def fresh(storage: Path, upto: Mapping[str, int]) -> Iterator[tuple[str, int, Path]]:
    """Lines with more decisions than known: line, number of the last, file."""
    for home in sorted((storage / segments.LINES).glob("*/")):
        found = decisions.history(home)
        last = max((one.number for one in found), default=0)
        if last > upto.get(home.name, 0):
            rows = pd.DataFrame([asdict(one) for one in found])
            partial = (home / FILE).with_suffix(".partial")
            rows.assign(id=rows["number"]).to_parquet(partial, index=False)
            partial.replace(home / FILE)
            yield home.name, last, home / FILE


def kept(storage: Path) -> Iterator[Path]:
    """The journals, for a backup."""
    yield from sorted((storage / segments.LINES).glob(f"*/{decisions.JOURNAL}"))
