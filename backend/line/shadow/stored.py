"""What shadows said, as Parquet files in each line's folder, which the database takes in."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from backend.line import segments
from backend.line.shadow import candidate

TABLE = "shadows"


def homes(storage: Path) -> list[Path]:
    """The folders of lines that had a shadow."""
    found = (storage / segments.LINES).glob(f"*/{candidate.FOLDER}/")
    return sorted(home.parent for home in found)


def fresh(storage: Path, upto: Mapping[str, int]) -> Iterator[tuple[str, int, Path]]:
    """The files that go beyond what is known of their line: line, last place, file."""
    for line in homes(storage):
        for path in segments.files(candidate.home_of(line)):
            last = segments.span(path)[1]
            if last > upto.get(line.name, 0):
                yield line.name, last, path


def kept(storage: Path) -> Iterator[Path]:
    """The files of all lines, for a backup."""
    for line in homes(storage):
        yield from segments.files(candidate.home_of(line))
