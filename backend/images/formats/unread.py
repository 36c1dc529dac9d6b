"""Label files that the layout at hand does not read: CVAT's XML, Label Studio's JSON, any CSV.

What they mark is not known, so nobody takes the images they speak of as intact.
"""

import re
from collections.abc import Iterable
from pathlib import Path

from backend.images import tables
from backend.images.folder import SUFFIXES, Folder, composed
from backend.images.formats import files
from backend.images.formats.yolo_files import Labels, has_lines
from backend.images.pairs import Pairs
from backend.records import UserError

READ = {"yolo": (".txt",), "coco": (".json",), "voc": (".xml",), "labelme": (".json",)}
MARKS = (".json", ".xml", ".csv")
_ENDINGS = "|".join(re.escape(suffix) for suffix in SUFFIXES)
NAMED = re.compile(rf"([^\"'<>/\\\\,;=|\t\r\n]+(?:{_ENDINGS}))(?![\w.])", re.IGNORECASE)


def spoken_of(bare: set[Path], folder: Folder, layout: str) -> dict[Path, Path]:
    """Image → the file that speaks of it, of those images that have no label. A file that names
    images of which none is here may mean any of them."""
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
