"""Pretrained weights for a detector to start from."""

from pathlib import Path

from backend.settings import settings

HELP = "pretrained weights to start from; empty: storage/weights/<model>.pt, else from scratch"


def pretrained(model: str, named: str) -> Path | None:
    """The file that the user named, else the one in storage/weights; None: from scratch.

    ultralytics calls its own YOLOv5 weights yolov5su.pt and the like.
    """
    if named:
        return Path(named).expanduser()
    found = (settings().weights / name for name in (f"{model}.pt", f"{model}u.pt"))
    return next((path for path in found if path.exists()), None)
