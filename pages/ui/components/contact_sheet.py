"""The contact sheet: a grid of images to keep, reject and delete with keys, mouse or touch."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

from pages.ui.components import mounting
from pages.ui.components.mounting import Action


@dataclass(frozen=True)
class Item:
    """One image. src: a data URL. verdict: kept, rejected or "". flag: a remark on the picture."""

    id: str
    src: str
    caption: str
    verdict: str = ""
    flag: str = ""


@dataclass(frozen=True)
class Sheet:
    """What is shown. at: the image to begin at, "" for the first. undo: the words of the action to
    be undone, "" where there is none. classes: that boxes have here. known: others to choose from.
    """

    items: Sequence[Item]
    at: str
    undo: str
    classes: Sequence[str]
    known: Sequence[str]


def contact_sheet(sheet: Sheet, key: str, handle: Callable[[Action], None]) -> None:
    """Show the images.

    handle gets {action, ids}; action: kept, rejected, deleted, "" (no verdict), undo, open, tag
    with the `tag`, "" for none, or
    relabel with the classes `old` and `new`, "" to delete its boxes.
    """
    mounting.mount("contact_sheet", key, asdict(sheet), handle)
