"""What people make of a finished run: verdicts, corrected boxes, a zip to take away, a threshold
put in force."""

from collections.abc import Sequence

from backend.core import audit, projects
from backend.core.audit import Actor
from backend.core.runs import Run
from backend.deployment import in_force
from backend.images import curation, image_export
from backend.images.curation import Edit
from backend.inspection.parts import relabelling
from backend.inspection.threshold import active
from backend.settings import Settings


def curate(actor: Actor, settings: Settings, run: Run, words: str, edits: Sequence[Edit]) -> None:
    """Record decisions about a run's images; `words` name them when they are taken back.

    Raises UserError for a decision that cannot be.
    """
    with audit.noting(settings.storage, actor, run.id) as note:
        curation.record(run.folder, words, edits)
        note("curate", run.id, words)


def relabel(
    actor: Actor, settings: Settings, run: Run, images: Sequence[str], old: str, new: str
) -> str:
    """Give the boxes of a class in these images another one, or delete them where `new` is ""; the
    words by which it is taken back. Raises UserError where no box is of it."""
    edits = curation.relabelled(run.folder, images, old, new)
    count = f"{len(edits)} image{'' if len(edits) == 1 else 's'}"
    words = f"{old} {f'became {new}' if new else 'deleted'} in {count}"
    curate(actor, settings, run, words, edits)
    return words


def relabel_part(actor: Actor, settings: Settings, run: Run, part: str, verdict: str) -> None:
    """Give a part another label, or leave it out. Raises UserError for an unknown one."""
    with audit.noting(settings.storage, actor, run.id) as note:
        note("curate", run.id, relabelling.record(run.folder, part, verdict))


def undo(actor: Actor, settings: Settings, run: Run) -> str:
    """Take back the newest decision that stands; its words, "" where there is none."""
    with audit.noting(settings.storage, actor, run.id) as note:
        words = curation.undo(run.folder)
        if words:
            note("undo", run.id, words)
    return words


def put_in_force(
    actor: Actor, settings: Settings, run: Run, why: str, accept_misses: bool = False
) -> None:
    """Put a version of the thresholds in force. Raises UserError where it cannot be, and where
    nobody gave a name."""
    with audit.noting(settings.storage, actor, run.id) as note:
        active.activate(settings.storage, run.folder, actor.name, why, accept_misses)
        note("put in force", run.id, why.strip())


def put_package_in_force(
    actor: Actor, settings: Settings, run: Run, variant: str, why: str
) -> None:
    """Put a variant that passed the gate `run` in force. Raises UserError where it may not be, and
    where nobody gave a name."""
    with audit.noting(settings.storage, actor, run.id) as note:
        in_force.activate(settings.storage, run.folder, variant, actor.name, why)
        note("put in force", run.id, f"{variant}. {why.strip()}".strip())


def roll_back_package(
    actor: Actor, settings: Settings, kind: str, why: str, project: str = ""
) -> None:
    """Put the package of this kind in force again that was there before in a project. Raises
    UserError where there was none, or it may not be."""
    with audit.noting(settings.storage, actor) as note:
        projects.check_seen(settings.storage, actor.name, actor.role, project)
        chosen = in_force.roll_back(settings.storage, kind, actor.name, why, project)
        note("roll back", chosen.gate_run, f"{chosen.variant}. {why.strip()}".strip())


def export_images(actor: Actor, settings: Settings, run: Run, layout: str) -> None:
    """Write the zip of a run's kept images. Raises UserError where there is none."""
    with audit.noting(settings.storage, actor, run.id) as note:
        target = image_export.target(settings.exports, run, layout)
        image_export.write(run, target, layout)
        note("export images", run.id, target.name)
