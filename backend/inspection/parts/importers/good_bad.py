"""Plain folders: <type>/good/*, <type>/bad/*, with the usual words for both; one type needs none.

`bad/<defect>/*` names the defect. Folders that say nothing of the type (`train`, `test`, `images`,
`Data`) and those of a specimen's views (`S0000`) do not count. So VisA's own layout, Real-IAD's,
BTAD's and anomalib's Folder are read too; masks are found where each of them has them.
"""

from pathlib import Path

from backend.images import words
from backend.images.folder import Folder, some
from backend.images.masks import Masks
from backend.inspection.parts.importers.listing import (
    Listed,
    Listing,
    about_masks,
    entry,
    refuse_useless,
)
from backend.records import Label, UserError


def fits(folder: Folder) -> bool:
    """Does a folder say GOOD or BAD?"""
    return any(words.verdict_of(name) is not None for name in folder.folder_names)


def read(folder: Folder) -> Listing:
    """The pictures below a GOOD or BAD folder; others are left out and counted.

    Raises UserError where no folder says GOOD or BAD, and where no picture is GOOD.
    """
    masks = Masks(folder)
    found = {path: _part(folder, path, masks) for path in masks.chosen}
    entries = [one for one in found.values() if one is not None]
    if not entries:
        raise UserError(
            f"No folder below '{folder.root}' is called one of "
            f"{', '.join(words.GOOD_WORDS[:4])} … or {', '.join(words.BAD_WORDS[:4])} …. Put GOOD "
            "pictures into <type>/good, BAD ones into <type>/bad."
        )
    refuse_useless(entries, str(folder.root))
    others = [folder.relative(path) for path, one in found.items() if one is None]
    note = f"Pictures in no GOOD or BAD folder, left out: {len(others)} ({some(others, 5)})."
    notes = [note] if others else []
    return Listing(tuple(entries), "good-bad", (*notes, *about_masks(entries, masks.lone, folder)))


def _part(folder: Folder, path: Path, masks: Masks) -> Listed | None:
    """The picture with the verdict of the nearest folder that has one."""
    folders = folder.relative(path).split("/")[:-1]
    place, verdict = words.nearest_verdict(folders)
    if verdict is None:
        return None
    above = [name for name in folders[:place] if not words.says_nothing(name)]
    below = [n for n in folders[place + 1 :] if not words.is_specimen(n)]
    defect = " ".join(n for n in below if not words.says_nothing(n)) if verdict is Label.BAD else ""
    feature = "-".join(above) or folder.root.name
    return entry(folder, path, feature, verdict, defect, masks.of.get(path, ()))
