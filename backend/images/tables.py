"""CSV files as spreadsheets write them: the one reader of both flows.

Comma, semicolon, tab or bar between the cells; UTF-8 with or without a mark at its start, or the
UTF-16 of "Unicode text"; a line `sep=;` before the header; decimal commas; empty rows and cells at
the end.
"""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from backend.images import words
from backend.images.folder import Folder, some
from backend.records import UserError
from backend.wording import counted

METADATA = "metadata.csv"
FILE_NAME = "file_name"
MOST_BYTES = 200_000_000
DELIMITERS = ",;\t|"


@dataclass(frozen=True)
class Row:
    """One row. number: as a spreadsheet counts, the header being 1. cells: column → text."""

    number: int
    cells: Mapping[str, str]

    def get(self, column: str) -> str:
        return self.cells.get(column, "")


@dataclass(frozen=True)
class Table:
    """columns: in small letters, in their order."""

    path: Path
    columns: tuple[str, ...]
    rows: tuple[Row, ...]

    def require(self, columns: Iterable[str]) -> None:
        """Raises UserError for the first column that is missing."""
        needed = list(columns)
        missing = [name for name in needed if name not in self.columns]
        if missing:
            raise UserError(
                f"{self.path} lacks the column '{missing[0]}'; it has "
                f"{', '.join(self.columns)}. Needed are {', '.join(needed)}."
            )

    def where(self, row: Row) -> str:
        return f"{self.path.name}, row {row.number}"


def read(path: Path) -> Table:
    """The table in a CSV file. Raises UserError naming the file and the row that does not fit."""
    text = _text(path)
    lines = text.splitlines()
    first = next((line for line in lines if line.strip()), "")
    if not first:
        raise UserError(f"{path} is empty. It needs a row with the names of its columns.")
    told = first.strip().lower().removeprefix("sep=") if first.lower().startswith("sep=") else ""
    if told:
        text = text[text.index(first) + len(first) :].lstrip("\r\n")
        first = text.partition("\n")[0]
    delimiter = told[:1] or max(DELIMITERS, key=first.count)
    return _parsed(path, text, delimiter, 2 if told else 1)


def _parsed(path: Path, text: str, delimiter: str, first_row: int) -> Table:
    header: list[str] = []
    rows: list[Row] = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        for number, cells in enumerate(reader, start=first_row):
            found = [cell.strip() for cell in cells]
            if not any(found):
                continue
            if not header:
                header = _header(path, found)
            else:
                rows.append(Row(number, _cells(path, number, found, header)))
    except csv.Error as error:
        line = reader.line_num
        raise UserError(f"{path}, line {line}: {error}. Save it as CSV again.") from error
    return Table(path, tuple(name for name in header if name), tuple(rows))


def _header(path: Path, cells: list[str]) -> list[str]:
    names = [cell.lower() for cell in cells]
    twice = [name for name in names if name and names.count(name) > 1]
    if twice:
        raise UserError(f"{path} has the column '{twice[0]}' twice. Remove one.")
    while names and not names[-1]:
        names.pop()
    return names


def _cells(path: Path, number: int, found: list[str], header: list[str]) -> dict[str, str]:
    """Empty cells behind the header's last are a spreadsheet's; full ones, or too few, are not."""
    if len(found) < len(header) or any(found[len(header) :]):
        raise UserError(
            f"{path}, row {number} has {len(found)} cells, the header {len(header)}. Correct it."
        )
    return {name: cell for name, cell in zip(header, found, strict=False) if name}


def _text(path: Path) -> str:
    try:
        content = path.read_bytes() if path.stat().st_size <= MOST_BYTES else None
    except OSError as error:
        raise UserError(f"Cannot read {path}: {error.strerror}. Look at the file.") from error
    if content is None:
        raise UserError(f"{path} is larger than {MOST_BYTES // 1_000_000} MB. Split it up.")
    wide = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    try:
        text = content.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not UTF-8 text. Save it as 'CSV UTF-8'.") from error
    if "\0" in text:
        raise UserError(f"{path} is no text. Save it as 'CSV UTF-8'.")
    return text


def written(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table as such a file holds it."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([columns, *rows])
    return text.getvalue()


def split_of(text: str, where: str) -> str:
    """The split a cell names, "" where it is empty. Raises UserError for another word."""
    if text and text.lower() not in words.SPLITS:
        raise UserError(f"{where}: split must be train, val or test; got '{text}'.")
    return words.SPLITS.get(text.lower(), "")


def number(text: str) -> float:
    """A number with a decimal point or comma. Raises ValueError where it is none."""
    return float(text.replace(",", ".") if "." not in text else text)


@dataclass(frozen=True)
class About:
    """What a table says about the images of a folder, by image. notes: rows that fit nothing."""

    rows: Mapping[Path, Row]
    notes: tuple[str, ...]

    def of(self, path: Path, column: str) -> str:
        row = self.rows.get(path)
        return row.get(column) if row else ""


def metadata(folder: Folder) -> list[Path]:
    """The folder's files `metadata.csv`, capitals or not, the one nearest to its root first."""
    found = [path for path in folder.ending(".csv") if path.name.lower() == METADATA]
    return sorted(found, key=lambda path: len(path.parts))


def about(folder: Folder, paths: Iterable[Path]) -> About:
    """Some tables' rows by the image each means, by its path first, then by its name alone.

    Raises UserError where a table lacks `file_name`, and for an image listed twice with another
    group or split.
    """
    rows: dict[Path, Row] = {}
    notes: list[str] = []
    for path in paths:
        found = _about(folder, path)
        rows, notes = {**found.rows, **rows}, [*notes, *found.notes]
    return About(rows, tuple(notes))


def _about(folder: Folder, path: Path) -> About:
    table = read(path)
    if table.rows:
        table.require((FILE_NAME,))
    near = folder.relative(path.parent) if path.is_relative_to(folder.root) else ""
    found: dict[Path, Row] = {}
    gone: list[str] = []
    several: list[str] = []
    for row in table.rows:
        meant = folder.meant(row.get(FILE_NAME), near)
        if len(meant) != 1:
            (several if meant else gone).append(row.get(FILE_NAME))
            continue
        before = found.setdefault(meant[0], row)
        if any(before.get(column) != row.get(column) for column in ("group", "split")):
            raise UserError(
                f"{path}: rows {before.number} and {row.number} are both about "
                f"{folder.relative(meant[0])}, and differ. Remove one."
            )
    notes = []
    if gone:
        told = counted(len(gone), "image that is", "images that are")
        notes.append(f"{path.name} names {told} not there ({some(gone)}).")
    if several:
        what = f"{path.name} names {counted(len(several), 'file')} of which there are several"
        notes.append(f"{what} ({some(several)}): name them with their folders.")
    return About(found, tuple(notes))
