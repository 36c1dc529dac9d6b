"""What an import lists before any picture is read: one entry a part, or a picture full of parts."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from backend.imagefiles import SUFFIXES
from backend.records import Label, UserError

Corners = tuple[float, float, float, float]  # left, top, right, bottom in px of the image
MOST_PARTS = 100_000
GOOD_WORDS = ("good", "ok", "okay", "io", "normal", "intact", "pass", "passed", "defectfree")
BAD_WORDS = (
    *("bad", "nok", "notok", "ng", "nogood", "nio", "defect", "defects", "defective"),
    *("anomaly", "anomalous", "abnormal", "fail", "failed", "reject", "rejected", "scrap"),
)
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
    mask: a picture that shows the defect, where there is one. where: the place, for messages.
    """

    name: str
    image: str
    path: Path
    feature: str
    label: int
    group: str
    defect: str = ""
    mask: Path | None = None
    box: Corners | None = None
    where: str = ""


@dataclass(frozen=True)
class Listing:
    """The entries of a folder, how they were laid out, and what was noticed."""

    entries: tuple[Listed, ...]
    layout: str
    notes: tuple[str, ...] = ()


def verdict_of(word: str) -> Label | None:
    """GOOD or BAD where a folder's name is one of the usual words for it."""
    plain = re.sub(r"[^a-z]", "", word.lower())
    if plain in GOOD_WORDS:
        return Label.GOOD
    return Label.BAD if plain in BAD_WORDS else None


def feature_of(name: str) -> str:
    """The feature type in source B's spelling."""
    return FEATURE_NAMES.get(name, name)


def entry(root: Path, path: Path, feature: str, label: Label, **known: str | Path | None) -> Listed:
    """A whole picture below `root` as one part, a group of its own."""
    name = path.relative_to(root).as_posix()
    return Listed(
        name,
        name,
        path,
        feature_of(feature),
        int(label),
        name,
        str(known.get("defect") or ""),
        _path(known.get("mask")),
        where=f"'{name}'",
    )


def _path(value: str | Path | None) -> Path | None:
    return None if value is None else Path(value)


def images_below(root: Path) -> list[Path]:
    """Image files below a folder, sorted, hidden ones left out.

    Raises UserError where there is none, for a link that leads out of the folder, and for a name
    that no database can keep.
    """
    found = []
    for path in sorted(root.rglob("*")):
        inner = path.relative_to(root)
        if path.suffix.lower() not in SUFFIXES or any(p.startswith(".") for p in inner.parts):
            continue
        if path.is_file():
            refuse_outside(root, inner.as_posix(), f"'{inner.as_posix()}'")
            found.append(path)
    if not found:
        raise UserError(f"'{root}' holds no image ({', '.join(SUFFIXES)}).")
    return found


def refuse_outside(root: Path, name: str, where: str) -> None:
    """Raises UserError for a name that leaves the folder or that cannot be stored."""
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise UserError(f"{where!a} is no file name in UTF-8. Rename the file.") from error
    inside = "\0" not in name and not Path(name).is_absolute() and ".." not in Path(name).parts
    if not inside or not (root / name).resolve().is_relative_to(root.resolve()):
        raise UserError(f"{where} lies outside {root}. Use a path inside the folder.")


def refuse_useless(entries: Sequence[Listed], place: str) -> None:
    """Raises UserError for too many entries, and where none is GOOD."""
    if len(entries) > MOST_PARTS:
        raise UserError(f"{place} lists {len(entries)} parts; {MOST_PARTS} are the most.")
    if not any(one.label == Label.GOOD for one in entries):
        raise UserError(f"{place} lists no GOOD part (label 1). The model learns from GOOD parts.")


def some(names: Iterable[str], most: int = 5) -> str:
    """The first few names, and how many more there are."""
    found = list(names)
    more = f" and {len(found) - most} more" if len(found) > most else ""
    return ", ".join(found[:most]) + more
