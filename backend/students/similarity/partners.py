"""Which teacher image each of a student's latents stands for, by name and content."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from backend.core import runs
from backend.core.aside import finished
from backend.core.runs import Run
from backend.images.aside import left_out
from backend.records import UserError
from backend.students.sampler import Noted
from backend.teachers.generate.job import Loaded


@dataclass(frozen=True)
class Partners:
    """latents [n], places [n]: of one image each, among the student's and among those loaded.

    gone: images that are no longer among the teacher's; changed: whose pixels or mask are others.
    """

    latents: NDArray[np.intp]
    places: NDArray[np.intp]
    gone: int = 0
    changed: int = 0

    def __len__(self) -> int:
        return len(self.latents)


def of(noted: Noted, shown: Loaded) -> Partners:
    """The images a student noted that are still there and still the same."""
    place = {name: k for k, name in enumerate(shown.names)}
    there = [(k, place[name]) for k, name in enumerate(noted.names) if name in place]
    same = [(k, at) for k, at in there if noted.hashes[k] == shown.hashes[at]]
    pairs = np.array(same, np.intp).reshape(-1, 2)
    gone, changed = len(noted.names) - len(there), len(there) - len(same)
    return Partners(pairs[:, 0], pairs[:, 1], gone, changed)


def named(noted: Noted, student: Run, source: Path, shown: Loaded) -> Noted:
    """What a student noted, with names. One of an earlier version noted places alone, which hold
    where the teacher run is byte for byte as it was then; raises UserError where it is not."""
    if len(noted.names) or not len(noted.rows):
        return noted
    if noted.rows.max() >= len(shown.names) or not _as_it_was(student, source):
        raise UserError(
            f"This student was distilled by an earlier version, which noted only the places of its "
            f"images, and the images of run {source.name} were rejected, labelled or changed "
            "since. Which of them is which cannot be told, so nothing is compared. Distil it again."
        )
    return Noted(shown.names[noted.rows], shown.hashes[noted.rows])


def _as_it_was(student: Run, source: Path) -> bool:
    """Is the teacher run what the student's provenance says it was when that began, with no image
    put aside since?"""
    if left_out(source, finished(source.parent)):
        return False
    try:
        inputs = runs.read_json(student.folder / "provenance.json")["inputs"]
        then = inputs[f"teacher_run:{source.name}"]
    except (UserError, KeyError, TypeError):
        return False
    return bool(then == runs.fingerprint(*(source / part for part in runs.PRODUCTS)))
