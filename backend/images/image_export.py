"""A run's kept images as a zip to take away, with the licences of all that it was made from."""

from pathlib import Path

from backend.core import places
from backend.core.runs import Run
from backend.images import curation, imageset, licences
from backend.images.formats import export
from backend.records import UserError


def target(exports: Path, run: Run, layout: str) -> Path:
    """Where the run's zip in this layout lies, once made."""
    return exports / f"{run.id}-{layout}.zip"


def write(run: Run, target: Path, layout: str) -> None:
    """Write the zip. Raises UserError where no image is kept, and as `export.export` does."""
    images = imageset.from_rows(run.folder, *curation.kept(run.folder))
    if not images:
        raise UserError("Every image is rejected or deleted. Keep at least one.")
    target.parent.mkdir(parents=True, exist_ok=True)
    licence = licences.licence(run.folder)
    origin = {
        "run": run.id,
        "kind": run.kind,
        "spec": places.values(run.spec),
        "behind": licences.behind(run),
    }
    export.export(images, target, layout, licence=licence, origin=origin)
