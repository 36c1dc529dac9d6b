"""The layout of VisA as it is given out (Zou et al., ECCV 2022): a table says what is trained on.

split_csv/1cls.csv     object,split,label,image,mask
<object>/Data/Images/Normal/*, <object>/Data/Images/Anomaly/*, <object>/Data/Masks/Anomaly/*
"""

from pathlib import Path

from backend.images import tables, words
from backend.images.folder import Folder
from backend.images.tables import Row, Table
from backend.inspection.parts.importers.listing import Listed, Listing, about_masks, entry
from backend.records import UserError

TABLE = "1cls.csv"  # GOOD parts alone are trained on
COLUMNS = ("object", "split", "label", "image", "mask")


def fits(folder: Folder) -> bool:
    """Is the table there?"""
    return bool(_tables(folder))


def read(folder: Folder) -> Listing:
    """Every row of the table. Raises UserError naming the row that does not fit."""
    found = _tables(folder)
    if not found:
        raise UserError(f"'{folder.root}' holds no split_csv/{TABLE}, the table that VisA has.")
    table = tables.read(found[0])
    table.require(COLUMNS[:4])
    entries = tuple(_entry(folder, table, row) for row in table.rows)
    return Listing(entries, "visa", tuple(about_masks(entries, (), folder)))


def _tables(folder: Folder) -> list[Path]:
    found = [path for path in folder.ending(".csv") if path.name.casefold() == TABLE]
    return sorted(found, key=lambda path: len(path.parts))


def _entry(folder: Folder, table: Table, row: Row) -> Listed:
    where = table.where(row)
    label = words.verdict_of(row.get("label"))
    if label is None or not row.get("object") or not row.get("image"):
        raise UserError(f"{where}: 'object', 'label' (normal or anomaly) and 'image' are needed.")
    path, mask = _file(folder, row, "image", where), _file(folder, row, "mask", where)
    masks = (mask,) if mask is not None and mask.is_file() else ()
    assert path is not None
    return entry(
        folder, path, row.get("object"), label, masks=masks, split=row.get("split"), where=where
    )


def _file(folder: Folder, row: Row, column: str, where: str) -> Path | None:
    """What a cell names, also where it is not there; None: the cell is empty."""
    name = row.get(column)
    if not name:
        return None
    if name.startswith("/") or ".." in name.replace("\\", "/").split("/"):
        raise UserError(f"{where}: '{name}' lies outside {folder.root}. Name a file inside it.")
    return folder.one(name, where=where) or folder.root / name
