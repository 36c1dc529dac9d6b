"""Label files that the layout at hand does not read: CVAT's XML, Label Studio's JSON, any CSV.

What they mark is not known, so nobody takes the images they speak of as intact.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from backend.images import tables
from backend.images.folder import SUFFIXES, Folder, composed, some
from backend.images.formats import files
from backend.images.formats.image import Labelled, Marks
from backend.images.formats.yolo_files import Labels, has_lines
from backend.images.pairs import Pairs
from backend.records import UserError

READ = {"yolo": (".txt",), "coco": (".json",), "voc": (".xml",), "labelme": (".json",)}
MARKS = (".json", ".xml", ".csv")
_ENDINGS = "|".join(re.escape(suffix) for suffix in SUFFIXES)
NAMED = re.compile(rf"([^\"'<>/\\\\,;=|\t\r\n]+(?:{_ENDINGS}))(?![\w.])", re.IGNORECASE)


def told(
    images: Sequence[Labelled], folder: Folder, layout: str
) -> tuple[tuple[Labelled, ...], list[str]]:
    """The images, those without a label of which an unread file speaks as not labelled; notes.

    A file that names images of which none is here may mean any of those without a label.
    """
    bare = {image.path for image in images if image.marks is Marks.NONE}
    spoken = _spoken_of(bare, folder, layout) if bare else {}
    if not spoken:
        return tuple(images), []
    names = some(folder.relative(path) for path in dict.fromkeys(spoken.values()))
    note = (
        f"{len(spoken)} images are marked in files that this layout does not read ({names}): not "
        "labelled. Export them in another layout, or choose layout = none where the files mean "
        "nothing."
    )
    marked = (replace(i, marks=Marks.UNREAD) if i.path in spoken else i for i in images)
    return tuple(marked), [note]


def _spoken_of(bare: set[Path], folder: Folder, layout: str) -> dict[Path, Path]:
    """Image → the file that speaks of it, of those images that have no label."""
    found: dict[Path, Path] = {}
    if layout != "yolo":
        labels = Labels(folder)
        texts = {path: label for path in bare if (label := labels.of(path)) is not None}
        found |= {path: label for path, label in texts.items() if has_lines(label)}
    others = [
        path for path in folder.ending(*MARKS) if path.suffix.lower() not in READ.get(layout, ())
    ]
    others = [path for path in others if path.name.lower() != tables.METADATA]
    pairs = Pairs(folder, others)
    found |= {path: beside[0] for path in bare if (beside := pairs.of(path))}
    for path in others:
        found |= dict.fromkeys(_named_in(path, bare, folder, layout), path)
    return found


def _named_in(path: Path, bare: set[Path], folder: Folder, layout: str) -> Iterable[Path]:
    try:
        text = files.text(path, files.MOST_JSON)
    except UserError:
        return ()
    names = {composed(name).casefold() for name in NAMED.findall(text)}
    here = [image for image in bare if composed(image.name).casefold() in names]
    known = names & set(folder.by_name)
    return bare if names and not known and layout == "none" else here
