"""The layout of MVTec AD (Bergmann et al., CVPR 2019): one category, or a folder of categories.

    <category>/train/good/*, <category>/test/good/*, <category>/test/<defect>/*
    <category>/ground_truth/<defect>/<name>_mask.png

MPDD and BTAD (`ok`, `ko`) have it too. The category is the feature type; masks are kept where they
are there, and train nothing.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from backend.images import words
from backend.images.folder import Folder
from backend.images.masks import Masks
from backend.inspection.parts.importers.listing import (
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
            split = words.split_named(name)
            if split == "train" and words.verdict_of(folders[place + 1]) is Label.GOOD:
                good.add("/".join(folders[:place]))
            if split == "test":
                tested.add("/".join(folders[:place]))
    return good & tested


def read(folder: Folder) -> Listing:
    """Every picture of every category. Raises UserError where none is GOOD."""
    masks = Masks(folder)
    features = _features(folder, _categories(folder))
    found = [_part(folder, path, masks, features) for path in masks.chosen]
    entries = [one for one in found if one is not None]
    refuse_useless(entries, str(folder.root))
    left = len(found) - len(entries)
    notes = [f"Pictures in no category's train or test folder, left out: {left}."] if left else []
    return Listing(tuple(entries), "mvtec", (*notes, *about_masks(entries, masks.lone, folder)))


def _part(folder: Folder, path: Path, masks: Masks, features: Mapping[str, str]) -> Listed | None:
    folders = folder.relative(path).split("/")[:-1]
    places = (n for n in range(len(folders) - 1) if "/".join(folders[:n]) in features)
    place = next((n for n in places if words.split_named(folders[n])), None)
    if place is None:
        return None
    feature, kind = features["/".join(folders[:place])], folders[place + 1]
    split, verdict = words.split_named(folders[place]), words.verdict_of(kind)
    if verdict is Label.GOOD:
        return entry(folder, path, feature, Label.GOOD, split=split)
    defect = "" if verdict is Label.BAD else kind.replace("_", " ")
    return entry(folder, path, feature, Label.BAD, defect, masks.of.get(path, ()), split)


def _features(folder: Folder, categories: set[str]) -> dict[str, str]:
    """Category → feature type: its folders below those that all categories lie in."""
    if len(categories) == 1:
        only = next(iter(categories))
        return {only: only.rpartition("/")[2] or folder.root.name}
    common = os.path.commonpath([f"/{category}" for category in categories])
    below = {category: f"/{category}"[len(common) :].strip("/") for category in categories}
    return {c: name.replace("/", "-") or folder.root.name for c, name in below.items()}
