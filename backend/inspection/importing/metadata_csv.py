"""A folder with a `metadata.csv`, as FTI_Zer0P (Zenodo 11444566) has it, with a few more columns.

Needed: file_name, feature, label (1 GOOD, 0 BAD). Optional: group, defect, and x1, y1, x2, y2, the
box of the part in its picture in px. Where a detector finds the parts, `feature` may be left out.
"""

import csv
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from backend.inspection.importing.listing import (
    Corners,
    Listed,
    Listing,
    feature_of,
    refuse_outside,
    refuse_useless,
)
from backend.records import Label, UserError

NAME = "metadata.csv"
REQUIRED = ("file_name", "feature", "label")
BOX = ("x1", "y1", "x2", "y2")
LABELS = {"1": Label.GOOD, "good": Label.GOOD, "0": Label.BAD, "bad": Label.BAD}


def fits(folder: Path) -> bool:
    """Is there a metadata.csv?"""
    return (folder / NAME).is_file()


def read(folder: Path, with_features: bool = True) -> Listing:
    """The parts of metadata.csv in its order. with_features: must each row name its feature?

    Raises UserError naming the file and row (counted as in a spreadsheet: the header is row 1).
    """
    table = _read_csv(folder)
    required = [name for name in REQUIRED if with_features or name != "feature"]
    missing = [name for name in required if name not in table]
    if missing:
        raise UserError(
            f"{folder / NAME} lacks the column '{missing[0]}'; it has "
            f"{', '.join(table.columns)}. Needed are {', '.join(required)}."
        )
    if table.empty:
        raise UserError(f"{folder / NAME} lists no part. Add a row for each image.")
    _refuse_blanks(table, required, folder)
    _check_box_columns(table, folder)
    times: Counter[str] = Counter()
    entries = [
        _entry(folder, number, row, times)
        for number, row in enumerate(table.to_dict("records"), start=2)
    ]
    _refuse_repeats(entries, with_features)
    refuse_useless(entries, NAME)
    return Listing(tuple(entries), "metadata")


def _entry(folder: Path, number: int, row: Mapping[Any, str], times: Counter[str]) -> Listed:
    """One row; a second part of the same picture is named `picture#2`."""
    image = row["file_name"]
    where = f"{NAME}, row {number}: '{image}'"
    refuse_outside(folder, image, where)
    times[image] += 1
    return Listed(
        name=image if times[image] == 1 else f"{image}#{times[image]}",
        image=image,
        path=folder / image,
        feature=feature_of(row.get("feature", "")),
        label=_label(row["label"], number),
        group=row.get("group") or image,
        defect=row.get("defect", ""),
        box=_box(row, number),
        where=where,
    )


def _read_csv(folder: Path) -> pd.DataFrame:
    path = folder / NAME
    if not folder.is_dir():
        raise UserError(f"{folder} is no folder on this computer. Correct the path.")
    if not path.is_file():
        raise UserError(
            f"{path} is missing. Write one with the columns {', '.join(REQUIRED)} "
            "(label 1 = GOOD, 0 = BAD) and a row for each image."
        )
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not UTF-8 text. Save it as 'CSV UTF-8'.") from error
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        raise UserError(f"{path} is empty. It needs the columns {', '.join(REQUIRED)}.")
    delimiter = max(",;\t|", key=lines[0].count)
    rows = [[cell.strip() for cell in row] for row in csv.reader(lines, delimiter=delimiter)]
    header = [name.lower() for name in rows[0]]
    for number, row in enumerate(rows[1:], start=2):
        if len(row) != len(header):
            raise UserError(
                f"{path}, row {number} has {len(row)} cells, the header {len(header)}. Correct it."
            )
    return pd.DataFrame(rows[1:], columns=header, dtype=str)


def _refuse_blanks(table: pd.DataFrame, required: list[str], folder: Path) -> None:
    for column in required:
        blank = (table[column] == "").to_numpy()
        if blank.any():
            row = int(blank.argmax()) + 2
            raise UserError(f"{folder / NAME}, row {row}: '{column}' is empty. Fill it.")


def _check_box_columns(table: pd.DataFrame, folder: Path) -> None:
    found = [name for name in BOX if name in table]
    if found and len(found) < len(BOX):
        missing = next(name for name in BOX if name not in table)
        raise UserError(
            f"{folder / NAME} has the column '{found[0]}' but lacks '{missing}'. A box needs all "
            f"of {', '.join(BOX)}, in px."
        )


def _refuse_repeats(entries: list[Listed], with_features: bool) -> None:
    """A picture may occur again with another box, or for a detector with another feature."""
    seen: set[tuple[str, str | Corners | None]] = set()
    for row, one in enumerate(entries, start=2):
        key = one.image, one.box if with_features else one.feature
        if key in seen:
            raise UserError(
                f"{NAME}, row {row}: '{one.image}' is listed a second time. Remove one of the rows."
            )
        seen.add(key)


def _label(text: str, row: int) -> int:
    key = text.lower().removesuffix(".0")
    if key not in LABELS:
        raise UserError(
            f"{NAME}, row {row}: unknown label '{text}'. Write 1 for GOOD and 0 for BAD."
        )
    return int(LABELS[key])


def _box(row: Mapping[Any, str], number: int) -> Corners | None:
    texts = [row.get(name, "") for name in BOX]
    if not any(texts):
        return None
    try:
        x1, y1, x2, y2 = (float(text) for text in texts)
    except ValueError as error:
        raise UserError(
            f"{NAME}, row {number}: the box {', '.join(texts)} is not four numbers. "
            "Give x1, y1, x2, y2 in px, or leave all four empty."
        ) from error
    if not (0 <= x1 < x2 < 1e6 and 0 <= y1 < y2 < 1e6):
        raise UserError(
            f"{NAME}, row {number}: the box {', '.join(texts)} is no box. x2 must be over x1, y2 "
            "over y1, none below 0, in px."
        )
    return x1, y1, x2, y2
