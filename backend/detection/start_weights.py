"""What the training of a detector starts from. Light: no torch."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backend.core.specs import param
from backend.settings import settings

SHIPPED = Path(__file__).with_name("pretrained") / "detector.safetensors"
SHIPPED_MODEL = "yolov8n"
STARTS = ("best", "rendered", "random")


@dataclass(frozen=True)
class Start:
    """file: an Ultralytics .pt, the program's own .safetensors, or None for random weights.
    words: what that is, as a page says it after "from"."""

    file: Path | None
    words: str

    @property
    def pretrained(self) -> bool:
        """Were the weights brought by the user, from photographs as a rule?"""
        return self.file is not None and self.file != SHIPPED


RANDOM = Start(None, "random weights")
RENDERED = Start(SHIPPED, "the program's own weights, taught on rendered images alone")


def start_param() -> Any:
    """The field of a spec that says which weights are wanted, one of STARTS."""
    return param(
        "best",
        "best: the file named, else storage/weights/<model>.pt, else the program's own weights "
        "(yolov8n, taught on rendered images alone), else random ones",
        choices=STARTS,
        advanced=True,
    )


def file_param() -> Any:
    """The field of the same spec that names a file; it counts where `start` is best."""
    return param(
        "",
        "pretrained weights to start from, an Ultralytics .pt file",
        path="file",
        optional=True,
        advanced=True,
        when=("start", ("best",)),
    )


def find(model: str, named: str, wanted: str = "best") -> Start:
    """Where a training of `model` starts. named: the file that the user named, "" for none.

    ultralytics calls its own YOLOv5 weights yolov5su.pt and the like.
    """
    if wanted == "random":
        return RANDOM
    if wanted == "best" and (file := Path(named).expanduser() if named else _at_hand(model)):
        return Start(file, f"pretrained weights ({file.name})")
    return RENDERED if model == SHIPPED_MODEL else RANDOM


def _at_hand(model: str) -> Path | None:
    places = (settings().weights / name for name in (f"{model}.pt", f"{model}u.pt"))
    return next((path for path in places if path.exists()), None)


def said(words: str, pretrained: bool) -> str:
    """What a result started from; one of an older version tells only whether it was pretrained."""
    return words or ("pretrained weights" if pretrained else RANDOM.words)
