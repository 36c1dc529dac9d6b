"""A folder with a `metadata.csv`, as FTI_Zer0P (Zenodo 11444566) has it, with a few more columns.

Needed: file_name, feature, label (1 GOOD, 0 BAD). Optional: group, defect, and x1, y1, x2, y2, the
box of the part in its picture in px. Where a detector finds the parts, `feature` may be left out.
"""

from collections import Counter
from pathlib import Path

from backend.images import tables, words
from backend.images.faults import Faults
from backend.images.folder import Folder, composed
from backend.images.masks import Masks
from backend.images.tables import Row, Table
from backend.inspection.parts.importers.listing import (
    Listed,
    Listing,
    about_masks,
    feature_of,
    refuse_useless,
)
from backend.records import Corners, Label, UserError
from backend.wording import counted

REQUIRED = (tables.FILE_NAME, "feature", "label")
BOX = ("x1", "y1", "x2", "y2")
NUMBERS = {"1": Label.GOOD, "0": Label.BAD}
FARTHEST = 1e6  # px


def fits(folder: Folder) -> bool:
    """Is there a metadata.csv?"""
    return bool(tables.metadata(folder))


def read(folder: Folder, with_features: bool = True) -> Listing:
    """The parts of metadata.csv in its order. with_features: must each row name its feature?

    Raises UserError naming the file and rows (counted as in a spreadsheet: the header is row 1).
    """
    path = _table(folder)
    table = tables.read(path)
    required = [name for name in REQUIRED if with_features or name != "feature"]
    table.require(required)
    if not table.rows:
        raise UserError(f"{path} lists no part. Add a row for each image.")
    _check_box_columns(table)
    masks = Masks(folder, twins=False)
    times: Counter[str] = Counter()
    seen: set[tuple[str, str | Corners | None]] = set()
    faults = Faults()
    entries = []
    for row in table.rows:
        with faults.collected():
            _refuse_blanks(table, row, required)
            one = _entry(folder, table, row, times, masks)
            _refuse_repeat(one, one.box if with_features else one.feature, seen)
            entries.append(one)
    faults.refuse()
    refuse_useless(entries, tables.METADATA)
    notes = (*about_masks(entries, masks.lone, folder), *_unlisted(entries, masks))
    return Listing(tuple(entries), "metadata", notes)


def _table(folder: Folder) -> Path:
    """The folder's metadata.csv. Raises UserError where there is none, or where two are as near."""
    found = tables.metadata(folder)
    if not found:
        raise UserError(
            f"{folder.root / tables.METADATA} is missing. Write one with the columns "
            f"{', '.join(REQUIRED)} (label 1 = GOOD, 0 = BAD) and a row for each image."
        )
    if len(found) > 1 and len(found[0].parts) == len(found[1].parts):
        raise UserError(f"{found[0]} and {found[1]} both list parts. Read one of their folders.")
    return found[0]


def _unlisted(entries: list[Listed], masks: Masks) -> list[str]:
    listed = {one.path for one in entries}
    left = sum(path not in listed for path in masks.chosen)
    return (
        [f"{counted(left, 'picture is', 'pictures are')} in no row of {tables.METADATA}: left out."]
        if left
        else []
    )


def _entry(folder: Folder, table: Table, row: Row, times: Counter[str], masks: Masks) -> Listed:
    """One row; a second part of the same picture is named `picture#2`."""
    image = composed(row.get(tables.FILE_NAME))
    where = f"{table.where(row)}: '{image}'"
    path = folder.one(image, folder.relative(table.path.parent), where)
    if path is None and (".." in image.split("/") or image.startswith("/")):
        raise UserError(f"{where} lies outside {folder.root}. Use a path inside the folder.")
    image = image if path is None else folder.relative(path)
    times[image] += 1
    return Listed(
        name=image if times[image] == 1 else f"{image}#{times[image]}",
        image=image,
        path=path or folder.root / image.replace("\0", " "),
        feature=feature_of(row.get("feature")),
        label=_label(table, row),
        group=row.get("group") or words.specimen_of(image) or image,
        defect=row.get("defect"),
        masks=tuple(masks.of.get(path, ())) if path else (),
        box=_box(table, row),
        where=where,
        split=row.get("split"),
    )


def _refuse_blanks(table: Table, row: Row, required: list[str]) -> None:
    for column in required:
        if not row.get(column):
            raise UserError(f"{table.path}, row {row.number}: '{column}' is empty. Fill it.")


def _check_box_columns(table: Table) -> None:
    found = [name for name in BOX if name in table.columns]
    if found and len(found) < len(BOX):
        missing = next(name for name in BOX if name not in table.columns)
        raise UserError(
            f"{table.path} has the column '{found[0]}' but lacks '{missing}'. A box needs all "
            f"of {', '.join(BOX)}, in px."
        )


def _refuse_repeat(
    one: Listed, what: str | Corners | None, seen: set[tuple[str, str | Corners | None]]
) -> None:
    """A picture may occur again with another box, or for a detector with another feature."""
    if (one.image, what) in seen:
        raise UserError(f"{one.where} is listed a second time. Remove one of the rows.")
    seen.add((one.image, what))


def _label(table: Table, row: Row) -> int:
    text = row.get("label")
    number = NUMBERS.get(text.removesuffix(".0").removesuffix(",0"))
    found = words.verdict_of(text) if number is None else number
    if found is None:
        raise UserError(
            f"{table.where(row)}: unknown label '{text}'. Write 1 or good for GOOD, 0 or bad for "
            "BAD."
        )
    return int(found)


def _box(table: Table, row: Row) -> Corners | None:
    texts = [row.get(name) for name in BOX]
    if not any(texts):
        return None
    try:
        x1, y1, x2, y2 = (tables.number(text) for text in texts)
    except ValueError as error:
        raise UserError(
            f"{table.where(row)}: the box {', '.join(texts)} is not four numbers. "
            "Give x1, y1, x2, y2 in px, or leave all four empty."
        ) from error
    if not (-FARTHEST < x1 < x2 < FARTHEST and -FARTHEST < y1 < y2 < FARTHEST):
        raise UserError(
            f"{table.where(row)}: the box {', '.join(texts)} is no box. x2 must be over x1, y2 "
            "over y1, in px."
        )
    return x1, y1, x2, y2
