"""Which images of a set were put aside for tests, so that nothing is trained on them."""

from collections.abc import Collection
from pathlib import Path

from backend.core import aside, facts, lineage, runs
from backend.images import duplicates, imagefiles

PICTURES = ("path", "background_path")


def left_out(run_folder: Path, by: Collection[str]) -> set[str]:
    """Names of a set's images that these runs put aside.

    By name where they took them from this very set; where they took them from one of the same
    origin, by pixels, of the image or of the photograph beneath its defect.
    """
    names: set[str] = set()
    digests: set[str] = set()
    for run_id in by:
        for source, mine in aside.rows(run_folder.parent, run_id).groupby("source_run"):
            if source == run_folder.name:
                names |= set(mine["image"])
            elif _origins(run_folder) & _origins(run_folder.parent / str(source)):
                digests |= set(mine["digest"])
    return names | (_showing(run_folder, digests) if digests else set())


def _origins(run_folder: Path) -> set[str]:
    """The run and all behind it; the run alone where it was deleted."""
    if not (run_folder / "spec.json").exists():
        return {run_folder.name}
    return {run_folder.name, *(one.id for one in lineage.ancestors(runs.asked_for(run_folder)))}


def _showing(run_folder: Path, digests: set[str]) -> set[str]:
    """Names of the images with one of these pictures in them."""
    rows = facts.read(run_folder, "images")
    return {
        str(name)
        for column in PICTURES
        for name, path in zip(rows["image"], rows[column], strict=True)
        if isinstance(path, str) and _digest(run_folder / path) in digests
    }


def _digest(path: Path) -> str:
    return duplicates.digest(imagefiles.read_rgb(path)) if runs.holds(path) else ""
