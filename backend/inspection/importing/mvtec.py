"""The layout of MVTec AD (Bergmann et al., CVPR 2019): one category, or a folder of categories.

    <category>/train/good/*, <category>/test/good/*, <category>/test/<defect>/*
    <category>/ground_truth/<defect>/<name>_mask.png

MPDD and BTAD (`ok`, `ko`) have it too. The category is the feature type; masks are kept where they
are there, and train nothing.
"""

from pathlib import Path

from backend.images import words
from backend.images.folder import Folder
from backend.images.masks import Masks
from backend.inspection.importing.listing import (
    Listed,
    Listing,
    about_masks,
    entry,
    refuse_useless,
)
from backend.records import Label


def fits(folder: Folder) -> bool:
    """Is there a category with train/good and test?"""
    return bool(_categories(folder))


def _categories(folder: Folder) -> set[str]:
    """Paths of categories in the folder, "" where it is one itself."""
    good, tested = set(), set()
    for path in folder.images:
        folders = folder.relative(path).split("/")[:-1]
        for place, name in enumerate(folders[:-1]):
            category = "/".join(folders[:place])
            split = words.SPLITS.get(name.casefold())
            if split == "train" and words.verdict_of(folders[place + 1]) is Label.GOOD:
                good.add(category)
            if split == "test":
                tested.add(category)
    return {category for category in good & tested if category.count("/") == 0}


def read(folder: Folder) -> Listing:
    """Every picture of every category. Raises UserError where none is GOOD."""
    masks = Masks(folder)
    categories = _categories(folder)
    found = [_part(folder, path, masks, categories) for path in masks.chosen]
    entries = [one for one in found if one is not None]
    refuse_useless(entries, str(folder.root))
    left = len(found) - len(entries)
    notes = [f"Pictures in no category's train or test folder, left out: {left}."] if left else []
    return Listing(tuple(entries), "mvtec", (*notes, *about_masks(entries, masks.lone, folder)))


def _part(folder: Folder, path: Path, masks: Masks, categories: set[str]) -> Listed | None:
    folders = folder.relative(path).split("/")[:-1]
    category = "" if "" in categories else next(iter(folders), "")
    inside = folders[1:] if category else folders
    in_split = len(inside) > 1 and inside[0].casefold() in words.SPLITS
    if category not in categories or not in_split:
        return None
    feature, kind = category or folder.root.name, inside[1]
    verdict = words.verdict_of(kind)
    if verdict is Label.GOOD:
        return entry(folder, path, feature, Label.GOOD)
    defect = "" if verdict is Label.BAD else kind.replace("_", " ")
    return entry(folder, path, feature, Label.BAD, defect, masks.of.get(path, ()))
