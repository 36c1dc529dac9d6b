"""Where a run's images come from: the teacher behind it, and under which licence."""

from pathlib import Path

from backend import runs
from backend.records import UserError
from backend.runs import Run

OURS = "made by this program: yours"
LINKS = ("student_run", "teacher_run", "source_run")  # spec fields that lead to what is behind


def chain(run_folder: Path) -> list[Run]:
    """The run and, one after the other, those it was made from; it ends where one is gone."""
    found = [runs.read(run_folder)]
    while True:
        behind = next((found[-1].spec[name] for name in LINKS if found[-1].spec.get(name)), "")
        if not behind:
            return found
        try:
            found.append(runs.read(runs.sibling(run_folder, behind)))
        except UserError:
            return found


def licence(run_folder: Path) -> str:
    """The licence of the images at the end of the chain, in words."""
    return licence_of(chain(run_folder)[-1])


def licence_of(origin: Run) -> str:
    """What a teacher run's settings say, else what follows from how it made its images."""
    if origin.spec.get("licence"):
        return str(origin.spec["licence"])
    own_model = origin.spec.get("teacher") == "diffusion" and not origin.spec.get("model_run")
    if origin.kind == "generate" and (origin.spec.get("teacher") == "renderer" or own_model):
        return OURS
    return f"that of the images and models of run {origin.id}; it was not stated"
