"""One colour a class, wherever the class is drawn: on pictures, in the box editor, in figures."""

from collections.abc import Iterable
from zlib import crc32

import pandas as pd

from backend.images.vocabulary import INTACT, KINDS, ONE_CLASS

COLOURS = (  # apart for every kind of colour vision, and visible on dark pictures
    *("#E69F00", "#56B4E9", "#009E73", "#F0E442"),
    *("#CC79A7", "#D55E00", "#3F6FE0", "#8F5A3C"),
)
NONE = "#8A949B"  # of what has no class
KNOWN = {name: place for place, name in enumerate((*KINDS, *ONE_CLASS))}


def colours(classes: Iterable[str]) -> dict[str, str]:
    """Class → its colour, in the order of the names.

    The same classes have the same colours everywhere; up to eight of them are all different.
    Classes of the vocabulary are served first, so that an unusual one never takes their colour.
    """
    different = classes.unique() if isinstance(classes, pd.Series) else classes
    names = sorted({str(name) for name in different} - {INTACT})
    taken: dict[str, int] = {}
    for name in sorted(names, key=lambda name: (KNOWN.get(name, len(KNOWN)), name)):
        wished = KNOWN.get(name, crc32(name.encode())) % len(COLOURS)
        slots = [(wished + step) % len(COLOURS) for step in range(len(COLOURS))]
        free = [slot for slot in slots if slot not in taken.values()]
        taken[name] = free[0] if free else wished
    return {name: COLOURS[taken[name]] for name in names}
