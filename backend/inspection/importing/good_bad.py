"""Plain folders: <type>/good/*, <type>/bad/*, with the usual words for both; one type needs none.

`bad/<defect>/*` names the defect. A folder `train`, `val` or `test` in between says nothing.
"""

from pathlib import Path

from backend.inspection.importing.listing import (
    BAD_WORDS,
    GOOD_WORDS,
    Listed,
    Listing,
    entry,
    images_below,
    refuse_useless,
    some,
    verdict_of,
)
from backend.records import Label, UserError

SPLITS = ("train", "val", "valid", "validation", "test")


def fits(folder: Path) -> bool:
    """Does a folder below say GOOD or BAD?"""
    return any(path.is_dir() and verdict_of(path.name) is not None for path in folder.rglob("*"))


def read(folder: Path) -> Listing:
    """The pictures below a GOOD or BAD folder; others are left out and counted.

    Raises UserError where no folder says GOOD or BAD, and where no picture is GOOD.
    """
    found = {path: _part(folder, path) for path in images_below(folder)}
    entries = [one for one in found.values() if one is not None]
    if not entries:
        raise UserError(
            f"No folder below '{folder}' is called one of {', '.join(GOOD_WORDS[:4])} … or "
            f"{', '.join(BAD_WORDS[:4])} …. Put GOOD pictures into <type>/good, BAD ones into "
            "<type>/bad."
        )
    refuse_useless(entries, str(folder))
    others = [path.relative_to(folder).as_posix() for path, one in found.items() if one is None]
    note = f"Pictures in no GOOD or BAD folder, left out: {len(others)} ({some(others)})."
    return Listing(tuple(entries), "good-bad", (note,) if others else ())


def _part(root: Path, path: Path) -> Listed | None:
    """The picture with the verdict of the nearest folder that has one."""
    folders = path.relative_to(root).parts[:-1]
    for place in range(len(folders) - 1, -1, -1):
        verdict = verdict_of(folders[place])
        if verdict is not None:
            above = [word for word in folders[:place] if word.lower() not in SPLITS]
            below = " ".join(folders[place + 1 :]) if verdict is Label.BAD else ""
            return entry(root, path, "-".join(above) or root.name, verdict, defect=below)
    return None
