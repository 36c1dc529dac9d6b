"""Images made elsewhere as a teacher: a folder or zip, with whatever labels it holds."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from backend.core.specs import param
from backend.images import archives
from backend.images.folder import SUFFIXES
from backend.images.imageset import Picture
from backend.images.vocabulary import LAYOUTS
from backend.records import Progress

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
        "auto", "how labels are stored; auto finds out", choices=LAYOUTS, when=IMPORTED
    )
    without_label: str = param(
        WITHOUT[0],
        "what an image without any label is; one that is not labelled is never trained on",
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
    make: Callable[[int], Picture]
    notes: tuple[str, ...]


def read(settings: ImportSettings, out_dir: Path, progress: Progress) -> Imported:
    """The images of the folder or zip. Raises UserError naming the file that does not fit."""
    from backend.images.formats import detect
    from backend.images.formats.image import Marks

    def reading_on(fraction: float, message: str = "", **_: object) -> None:
        progress(0.0, message)

    place = _place(Path(settings.folder).expanduser(), out_dir, reading_on)
    found = detect.read(place, settings.layout, reading_on)

    def make(index: int) -> Picture:
        image = found.images[index]
        unlabelled = image.marks is Marks.NONE and settings.without_label != WITHOUT[0]
        return Picture(
            image.read_rgb(),
            "imported",
            boxes=image.boxes,
            mask=image.read_mask(),
            group=image.group,
            labelled=image.marks is not Marks.UNREAD and not unlabelled,
            params={"file": image.name, "layout": found.layout},
        )

    without = sum(image.marks is Marks.NONE for image in found.images)
    told = f"{without} images have no label: taken as {settings.without_label}."
    return Imported(len(found.images), make, (*found.notes, *([told] if without else [])))


def _place(path: Path, out_dir: Path, progress: Progress) -> Path:
    """The folder to read; a zip is unpacked into the run's own checkpoint folder first."""
    if path.is_dir():
        return path
    into = out_dir / "checkpoint" / "unpacked"
    shutil.rmtree(into, ignore_errors=True)  # what an interrupted run left
    return archives.unpack(path, into, progress)
