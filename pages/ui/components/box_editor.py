"""The box editor: draw, move, resize, name and delete the boxes of one image in the browser."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from backend.records import Box
from pages.ui.components import mounting
from pages.ui.components.mounting import Action


@dataclass(frozen=True)
class Sight:
    """An image as the editor shows it. src: a data URL, of any size. width, height: its own, px.

    position: where it stands among the others, "12 of 40"; "" for an image that stands alone.
    shown: what people call it.
    """

    image: str
    src: str
    width: int
    height: int
    position: str
    shown: str = ""


def box_editor(
    sight: Sight,
    boxes: Sequence[Box],
    classes: Sequence[str],
    colours: Mapping[str, str],
    key: str,
    handle: Callable[[Action], None],
) -> None:
    """Show the editor; the first nine classes have number keys. colours: class → colour.

    handle gets {action, image, shown, boxes}; action: save, next, previous or close; boxes: as
    `boxes_of` reads them, None where nothing changed.
    """
    rows = [
        dict(zip(("x1", "y1", "x2", "y2"), box.xyxy, strict=True))
        | {"class_name": box.class_name, "confidence": box.confidence, "source": box.source}
        for box in boxes
    ]
    data = {
        "image": sight.image,
        "shown": sight.shown or sight.image,
        "src": sight.src,
        "width": sight.width,
        "height": sight.height,
        "position": sight.position,
        "boxes": rows,
        "classes": list(classes),
        "colours": dict(colours),
    }
    mounting.mount("box_editor", key, data, handle)


def boxes_of(rows: Sequence[Mapping[str, Any]]) -> tuple[Box, ...]:
    """The boxes of an action."""
    return tuple(
        Box(
            str(row["class_name"]),
            (float(row["x1"]), float(row["y1"]), float(row["x2"]), float(row["y2"])),
            float(row["confidence"]),
            str(row["source"]),
        )
        for row in rows
    )
