"""What people make of a finished run: verdicts, corrected boxes, a zip to take away, a threshold
put in force."""

from collections.abc import Sequence

from backend.core import audit
from backend.core.audit import Actor
from backend.core.runs import Run
from backend.images import curation, image_export
from backend.images.curation import Edit
from backend.inspection.threshold import active
from backend.settings import Settings


def curate(actor: Actor, settings: Settings, run: Run, words: str, edits: Sequence[Edit]) -> None:
    """Record decisions about a run's images; `words` name them when they are taken back.

    Raises UserError for a decision that cannot be.
    """
    with audit.noting(settings.storage, actor) as note:
        curation.record(run.folder, words, edits)
        note("curate", run.id, words)


def undo(actor: Actor, settings: Settings, run: Run) -> str:
    """Take back the newest decision that stands; its words, "" where there is none."""
    with audit.noting(settings.storage, actor) as note:
        words = curation.undo(run.folder)
        if words:
            note("undo", run.id, words)
    return words


def put_in_force(
    actor: Actor, settings: Settings, run: Run, why: str, accept_misses: bool = False
) -> None:
    """Put a version of the thresholds in force. Raises UserError where it cannot be, and where
    nobody gave a name."""
    with audit.noting(settings.storage, actor) as note:
        active.activate(settings.storage, run.folder, actor.name, why, accept_misses)
        note("put in force", run.id, why.strip())


def export_images(actor: Actor, settings: Settings, run: Run, layout: str) -> None:
    """Write the zip of a run's kept images. Raises UserError where there is none."""
    with audit.noting(settings.storage, actor) as note:
        target = image_export.target(settings.exports, run, layout)
        image_export.write(run, target, layout)
        note("export images", run.id, target.name)
