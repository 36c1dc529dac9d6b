"""A stopped run goes on only with the images it began with.

People go on rejecting and labelling while it stands still, and what a checkpoint holds of image 7
says nothing about the image that is now the seventh.
"""

import hashlib
import shutil
from collections.abc import Iterable
from pathlib import Path

NOTE = "images.txt"
WORDS = "the images changed since this run was stopped; beginning again"


def version(parts: Iterable[object]) -> str:
    """A hash over what a job reads of its images: names, hashes, labels, or pixels as bytes."""
    told = hashlib.sha256()
    for part in parts:
        told.update(part if isinstance(part, bytes) else repr(part).encode())
        told.update(b"\0")
    return told.hexdigest()


def begins_again(out_dir: Path, images: str) -> bool:
    """Throw away what was done where it was done with images of another version, or of one that
    nobody noted; True where there was something."""
    note = out_dir / "checkpoint" / NOTE
    stale = note.parent.is_dir() and any(note.parent.iterdir()) and _noted(note) != images
    if stale:
        for folder in (note.parent, out_dir / "artifacts"):
            shutil.rmtree(folder, ignore_errors=True)
    for folder in (note.parent, out_dir / "artifacts"):
        folder.mkdir(parents=True, exist_ok=True)
    note.write_text(images, encoding="utf-8")
    return stale


def _noted(note: Path) -> str:
    return note.read_text(encoding="utf-8") if note.exists() else ""
