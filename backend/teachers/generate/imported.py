"""Images made elsewhere as a teacher: a folder or zip, with whatever labels it holds."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from backend.core.specs import param
from backend.images import archives, words
from backend.images.folder import SUFFIXES
from backend.images.labelled_image import FILE, LabelledImage, Marks, Origin
from backend.images.vocabulary import IMPORTED as SOURCE
from backend.images.vocabulary import LAYOUTS
from backend.records import Label, Progress
from backend.wording import counted

IMPORTED = ("teacher", ("folder",))
WITHOUT = ("intact", "not labelled yet")


@dataclass(frozen=True)
class ImportSettings:
    """Where the images lie and how they are labelled; the fields of a spec with this teacher."""

    folder: str = param(
        "",
        "folder or zip with the images",
        path="folder",
        upload=(".zip", *SUFFIXES),
        when=IMPORTED,
    )
    layout: str = param(
        "auto",
        "how labels are stored; auto finds out",
        choices=("auto", *LAYOUTS),
        when=IMPORTED,
    )
    without_label: str = param(
        WITHOUT[0],
        "what an image without any label is, in no folder of good ones; one that is not labelled "
        "is never trained on",
        choices=WITHOUT,
        when=IMPORTED,
    )
    licence: str = param(
        "", "whose the images are and what may be done with them, for exports", when=IMPORTED
    )


@dataclass(frozen=True)
class Imported:
    """How many images there are, each by its number, and what was noticed while reading."""

    count: int
    make: Callable[[int], LabelledImage]
    notes: tuple[str, ...]


def read(settings: ImportSettings, out_dir: Path, progress: Progress) -> Imported:
    """The images of the folder or zip. Raises UserError naming the file that does not fit."""
    from backend.images.formats import detect

    def reading_on(fraction: float, message: str = "", **_: object) -> None:
        progress(0.0, message)

    path = Path(settings.folder).expanduser()
    place = archives.opened(path, out_dir / "checkpoint" / "unpacked", reading_on)
    found = detect.read(place, settings.layout, reading_on)

    bare = [image.marks is Marks.NONE and not _lies_with_good(image.name) for image in found.images]

    def make(index: int) -> LabelledImage:
        image = found.images[index]
        unlabelled = bare[index] and settings.without_label != WITHOUT[0]
        return replace(
            image,
            source=SOURCE,
            marks=Marks.UNKNOWN if unlabelled else image.marks,
            origin=Origin(params={FILE: image.name, "layout": found.layout}),
        )

    without = sum(bare)
    told = counted(without, "image has", "images have")
    told += f" no label: taken as {settings.without_label}."
    return Imported(len(found.images), make, (*found.notes, *([told] if without else [])))


def _lies_with_good(name: str) -> bool:
    """Does the nearest folder that says anything say that its images are good?"""
    return words.nearest_verdict(name.split("/")[:-1])[1] is Label.GOOD
