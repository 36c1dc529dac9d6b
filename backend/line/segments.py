"""Verdicts cut to Parquet: `segments/<first>-<last>.parquet`, by places in the outbox.

A file appears whole or not at all, so the files alone say how far was cut. Many small ones are
melted into one now and then; those that it holds are passed over until they are gone.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import pandas as pd
from pyarrow import parquet

from backend.line.outbox import Outbox
from backend.line.rabbits import journal as rabbits
from backend.line.recorder import recording

TABLE = "verdicts"  # of the dashboard's database, which takes the files in
LINES = "lines"  # in the storage folder: a folder a line
FOLDER = "segments"
NAME = re.compile(r"(\d+)-(\d+)\.parquet")
ROWS = 5_000  # of a segment, and those that make one due at once
SECONDS = 600.0  # after which fewer rows are cut too
MOST_FILES = 100  # before they are melted
MELTED_ROWS = 1_000_000
TYPES = {
    "id": "int64",
    "epoch": "int32",
    "sequence": "int64",
    "score": "float64",
    "ms": "float64",
    "thresholds": "int32",
    "captured": "float64",
    "accepted": "float64",
    "judged": "float64",
    **dict.fromkeys(("suspended", "blind", "brightness", "sharpness", "edge"), "float64"),
}


def files(home: Path) -> list[Path]:
    """The segments of a line, oldest first, without those that another one holds."""
    found: list[tuple[int, int, Path]] = []
    for path in sorted((home / FOLDER).glob("*.parquet"), key=span):
        first, last = span(path)
        if found and last <= found[-1][1]:
            continue
        while found and found[-1][0] >= first:
            found.pop()
        found.append((first, last, path))
    return [path for _, _, path in found]


def span(path: Path) -> tuple[int, int]:
    """The places of its first and last row; -1 for another file."""
    named = NAME.fullmatch(path.name)
    return (int(named[1]), int(named[2])) if named else (-1, -1)


def fresh(storage: Path, upto: Mapping[str, int]) -> Iterator[tuple[str, int, Path]]:
    """The segments that go beyond what is known of their line: line, last place, file."""
    for home in sorted((storage / LINES).glob("*/")):
        for path in files(home):
            last = span(path)[1]
            if last > upto.get(home.name, 0):
                yield home.name, last, path


def read(path: Path) -> pd.DataFrame | None:
    """The rows of a segment, None where it is damaged or gone."""
    try:
        return pd.read_parquet(path)
    except (OSError, ValueError):
        return None


def holds(path: Path, epoch: int, sequence: int) -> bool:
    """Is this part in a segment? False where that is damaged or gone."""
    key = [("epoch", "==", epoch), ("sequence", "==", sequence)]
    try:
        return bool(parquet.read_table(path, columns=["epoch"], filters=key).num_rows)
    except (OSError, ValueError):
        return False


def damaged(home: Path) -> list[Path]:
    """The segments that cannot be read, by their footers."""
    found = []
    for path in files(home):
        try:
            parquet.read_metadata(path)
        except FileNotFoundError:
            continue  # it was melted just now
        except (OSError, ValueError):
            found.append(path)
    return found


def epoch(home: Path) -> int:
    """The newest that is cut, 0 before the first."""
    for path in reversed(files(home)):
        rows = read(path)
        if rows is not None and len(rows):
            return int(rows["epoch"].max())
    return 0


def kept(storage: Path) -> Iterator[Path]:
    """The segments of all lines, what was recorded around alarms, and what was said of red rabbits,
    for a backup."""
    for home in sorted((storage / LINES).glob("*/")):
        yield from files(home)
        yield from recording.kept(home)
        yield from rabbits.kept(home)


def cut_upto(home: Path) -> int:
    """The place up to which verdicts are cut; 0 before the first."""
    return max((span(path)[1] for path in files(home)), default=0)


def cut(home: Path, outbox: Outbox, least: int = 1) -> int:
    """Cut what is judged, where there are at least that many rows; the number of rows."""
    count = 0
    while len(rows := outbox.judged_after(cut_upto(home), ROWS)) >= max(1, least):
        write(home, pd.DataFrame([asdict(row) for row in rows]))
        count += len(rows)
    return count


def write(home: Path, rows: pd.DataFrame) -> None:
    """A segment of these rows, which have at least an `id`, in its order."""
    first, last = int(rows["id"].iloc[0]), int(rows["id"].iloc[-1])
    target = home / FOLDER / f"{first}-{last}.parquet"
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_suffix(".partial")
    types = {name: kind for name, kind in TYPES.items() if name in rows}
    rows.astype(types).to_parquet(partial, index=False)
    partial.replace(target)


def melt(home: Path) -> None:
    """Make one file of many small ones."""
    found = files(home)
    if len(found) < MOST_FILES:
        return
    batch: list[pd.DataFrame] = []
    held: list[Path] = []
    for path in found:
        rows = read(path)
        if rows is None and len(held) > 1:
            break  # no file may seem to hold what a damaged one beside it holds
        if rows is None:
            batch, held = [], []
            continue
        if len(rows) >= MELTED_ROWS / 2 and not batch:
            continue
        batch.append(rows)
        held.append(path)
        if sum(map(len, batch)) >= MELTED_ROWS:
            break
    if len(held) > 1:
        write(home, pd.concat(batch))
        _remove(held)


def _remove(held: Sequence[Path]) -> None:
    for path in held:
        path.unlink(missing_ok=True)


def leftovers(home: Path) -> None:
    """Delete what a crash left: half-written files, and segments that another one holds."""
    for path in (home / FOLDER).glob("*.partial"):
        path.unlink(missing_ok=True)
    kept = set(files(home))
    _remove([path for path in (home / FOLDER).glob("*.parquet") if path not in kept])
