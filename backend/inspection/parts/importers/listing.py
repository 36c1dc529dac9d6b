"""What an import lists before any picture is read: one entry a part, or a picture full of parts."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from backend.images import words
from backend.images.folder import Folder
from backend.records import Corners, Label, UserError

MOST_PARTS = 100_000
FEATURE_NAMES = {  # spelling of FTI_Zer0P -> that of source B
    "dist.1": "dist1",
    "dist.6": "dist6",
    **{f"e.{word}{k}": f"edge{k}" for word in ("rought", "rough") for k in range(1, 5)},
}


@dataclass(frozen=True)
class Listed:
    """One part as its source names it.

    name: unique in the import, for people. image: the file's name inside the folder.
    feature: "" where a detector is to find the parts in the picture and name their types.
    box: where the part lies in the picture; None: the whole picture is the part.
    masks: pictures that show the defect, where there are any. where: the place, for messages.
    split: what the source says of it (train, test, …), "" where it says nothing.
    """

    name: str
    image: str
    path: Path
    feature: str
    label: int
    group: str
    defect: str = ""
    masks: tuple[Path, ...] = ()
    box: Corners | None = None
    where: str = ""
    split: str = ""


@dataclass(frozen=True)
class Listing:
    """The entries of a folder, how they were laid out, and what was noticed."""

    entries: tuple[Listed, ...]
    layout: str
    notes: tuple[str, ...] = ()


def feature_of(name: str) -> str:
    """The feature type in source B's spelling."""
    return FEATURE_NAMES.get(name, name)


def entry(
    folder: Folder,
    path: Path,
    feature: str,
    label: Label,
    defect: str = "",
    masks: Sequence[Path] = (),
    split: str = "",
    where: str = "",
) -> Listed:
    """A whole picture of the folder as one part; the views of one specimen are a group."""
    name = folder.relative(path)
    group = words.specimen_of(name) or name
    where = f"{where}: '{name}'" if where else f"'{name}'"
    return Listed(
        *(name, name, path, feature_of(feature), int(label), group, defect, tuple(masks)),
        where=where,
        split=split,
    )


def about_masks(entries: Sequence[Listed], lone: Sequence[Path], folder: Folder) -> list[str]:
    """Notes on masks: how many BAD parts have one, and how many lack it."""
    bad = [one for one in entries if one.label == Label.BAD]
    masked = sum(bool(one.masks) for one in bad)
    notes = []
    if masked:
        told = f"{masked} of {len(bad)} BAD parts have a mask of the defect; "
        notes.append(told + "it is kept, and nothing is trained on it.")
    if masked and masked < len(bad):
        first = next(one.name for one in bad if not one.masks)
        notes.append(f"{len(bad) - masked} BAD parts have no mask, the first is {first}.")
    if lone:
        first = folder.relative(lone[0])
        notes.append(f"{len(lone)} masks belong to no part: left out, the first is {first}.")
    return notes


def refuse_useless(entries: Sequence[Listed], place: str) -> None:
    """Raises UserError for too many entries, and where none is GOOD."""
    if len(entries) > MOST_PARTS:
        raise UserError(f"{place} lists {len(entries)} parts; {MOST_PARTS} are the most.")
    if not any(one.label == Label.GOOD for one in entries):
        raise UserError(f"{place} lists no GOOD part (label 1). The model learns from GOOD parts.")
