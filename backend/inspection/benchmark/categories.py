"""The categories of a public set, or of a plant's own tree, with the split that it brings."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from backend.images import tables
from backend.images.folder import Folder, scan
from backend.inspection.model.folds import MIN_FIT
from backend.inspection.parts.importers import metadata_csv, mvtec, real_iad, visa
from backend.inspection.parts.importers.crop_reader import LeftOut
from backend.inspection.parts.importers.listing import Listed, Listing
from backend.records import Label, UserError
from backend.wording import counted

READERS: dict[str, tuple[Callable[[Folder], bool], Callable[[Folder], Listing]]] = {
    "visa": (visa.fits, visa.read),
    "real-iad": (real_iad.fits, real_iad.read),
    "metadata": (metadata_csv.fits, metadata_csv.read),
    "mvtec": (mvtec.fits, mvtec.read),
}


@dataclass(frozen=True)
class Category:
    """train: GOOD parts to learn from. test: what is judged, GOOD and BAD."""

    name: str
    train: tuple[Listed, ...]
    test: tuple[Listed, ...]

    @property
    def parts(self) -> tuple[Listed, ...]:
        return (*self.train, *self.test)


@dataclass(frozen=True)
class Found:
    """left_out: categories that cannot be judged, and why. notes: what else was noticed."""

    categories: tuple[Category, ...]
    layout: str
    left_out: tuple[LeftOut, ...]
    notes: tuple[str, ...]


def read(root: Path, layout: str, wanted: Iterable[str] = ()) -> Found:
    """The categories of a folder, all or those wanted, by name.

    Raises UserError where the layout does not fit, a wanted one is not there, or none is of use.
    """
    folder = scan(root)
    chosen = _detected(folder) if layout == "auto" else layout
    fits, reader = READERS[chosen]
    if not fits(folder):
        raise UserError(f"'{root}' is not laid out as '{chosen}'. {_cure(chosen)}")
    listing = reader(folder)
    by_name = _by_name(listing.entries, tuple(wanted))
    reasons = {name: _why_not(entries) for name, entries in by_name.items()}
    left_out = tuple(LeftOut(name, why, name) for name, why in reasons.items() if why)
    made = tuple(_category(n, entries) for n, entries in by_name.items() if not reasons[n])
    if not made:
        told = "; ".join(f"{one.file}: {one.reason}" for one in left_out[:5])
        raise UserError(f"No category of '{root}' can be judged ({told}). {_cure(chosen)}")
    notes = (*listing.notes, *folder.left_out(), *_notes(listing.entries))
    return Found(made, listing.layout, left_out, notes)


def _detected(folder: Folder) -> str:
    for name, (fits, _) in READERS.items():
        if fits(folder):
            return name
    raise UserError(f"'{folder.root}' has no split that is known here. {_cure('mvtec')}")


def _cure(layout: str) -> str:
    if layout == "metadata":
        return "metadata.csv needs a column split: train for GOOD parts to learn from, test else."
    if layout == "visa":
        return f"It needs split_csv/{visa.TABLE} beside the objects' folders."
    if layout == "real-iad":
        return f"It needs the folder {real_iad.WHOLE} beside the folders of pictures."
    return "It needs <category>/train/good, <category>/test/good and <category>/test/<defect>."


def _by_name(entries: Iterable[Listed], wanted: tuple[str, ...]) -> dict[str, list[Listed]]:
    found: dict[str, list[Listed]] = {}
    for one in entries:
        found.setdefault(one.feature, []).append(one)
    for name in wanted:
        if name not in found:
            raise UserError(f"Categories: there is no '{name}', only {', '.join(sorted(found))}.")
    return {name: found[name] for name in sorted(wanted or found)}


def split_of(one: Listed) -> str:
    """train, val, test or "". Raises UserError for another word."""
    return tables.split_of(one.split, one.where) if one.split else ""


def _category(name: str, entries: Iterable[Listed]) -> Category:
    train, test = [], []
    for one in entries:
        split = split_of(one)
        if split == "train" and one.label == Label.GOOD:
            train.append(one)
        elif split == "test":
            test.append(one)
    return Category(name, tuple(train), tuple(test))


def _why_not(entries: list[Listed]) -> str:
    """Why a category cannot be judged, "" where it can."""
    made = _category("", entries)
    labels = {one.label for one in made.test}
    if len(made.train) < MIN_FIT:
        return f"has {counted(len(made.train), 'GOOD part')} to learn from; {MIN_FIT} are needed"
    if Label.BAD not in labels or Label.GOOD not in labels:
        missing = "GOOD" if Label.GOOD not in labels else "BAD"
        return f"has no {missing} part to be judged on" if made.test else "has no test pictures"
    return ""


def _notes(entries: Iterable[Listed]) -> Iterator[str]:
    """Parts that take no part: in no split, for validation, or BAD ones to be trained on."""
    counts = Counter((split_of(one), one.label) for one in entries)
    for split, told in (("", "in no split"), ("val", "for validation")):
        if n := sum(counts[split, label] for label in Label):
            yield f"{counted(n, 'part')} {told}: neither learned from nor judged."
    if n := counts["train", Label.BAD]:
        yield f"{counted(n, 'BAD part')} for training: nothing is learned from BAD parts here."
