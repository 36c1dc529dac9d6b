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


def contact_sheet(
    items: Sequence[Item], at: str, undo: str, key: str, handle: Callable[[Action], None]
) -> None:
    """Show the images.

    at: the image to begin at, "" for the first. undo: the words of the action to be undone, ""
    where there is none.
    handle gets {action, ids}; action: kept, rejected, deleted, "" (no verdict), undo or open.
    """
    data = {"items": [asdict(item) for item in items], "at": at, "undo": undo}
    mounting.mount("contact_sheet", key, data, handle)
