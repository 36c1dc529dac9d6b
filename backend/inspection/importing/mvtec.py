"""The layout of MVTec AD (Bergmann et al., CVPR 2019): one category, or a folder of categories.

    <category>/train/good/*, <category>/test/good/*, <category>/test/<defect>/*
    <category>/ground_truth/<defect>/<name>_mask.png

The category is the feature type; masks are kept where they are there, and train nothing.
"""

from pathlib import Path

from backend.inspection.importing.listing import (
    Listed,
    Listing,
    entry,
    images_below,
    refuse_useless,
    verdict_of,
)
from backend.records import Label

SPLITS = ("train", "validation", "test")
MASKS = "ground_truth"


def fits(folder: Path) -> bool:
    """Is there a category with train/good and test?"""
    return bool(_categories(folder))


def _categories(folder: Path) -> list[Path]:
    candidates = [folder, *sorted(p for p in folder.iterdir() if p.is_dir())]
    return [p for p in candidates if (p / "train" / "good").is_dir() and (p / "test").is_dir()]


def read(folder: Path) -> Listing:
    """Every picture of every category. Raises UserError where none is GOOD."""
    entries = []
    for category in _categories(folder):
        for split in SPLITS:
            if (category / split).is_dir():
                entries += _split(folder, category, split)
    refuse_useless(entries, str(folder))
    masks = sum(one.mask is not None for one in entries)
    note = f"{masks} defect masks from '{MASKS}' are kept; nothing is trained on them."
    return Listing(tuple(entries), "mvtec", (note,) if masks else ())


def _split(root: Path, category: Path, split: str) -> list[Listed]:
    return [
        _part(root, category, path)
        for path in images_below(category / split)
        if len(path.relative_to(category).parts) > 2
    ]


def _part(root: Path, category: Path, path: Path) -> Listed:
    kind = path.relative_to(category).parts[1]
    if verdict_of(kind) is Label.GOOD:
        return entry(root, path, category.name, Label.GOOD)
    mask = category / MASKS / kind / f"{path.stem}_mask.png"
    return entry(
        root,
        path,
        category.name,
        Label.BAD,
        defect=kind.replace("_", " "),
        mask=mask if mask.is_file() else None,
    )
