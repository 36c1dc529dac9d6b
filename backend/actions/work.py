"""Changes to runs and to the storage folder: jobs, the trash, uploads, back-ups, the database."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from backend.actions import folders
from backend.core import (
    audit,
    comments,
    jobs,
    lineage,
    maintenance,
    naming,
    registry,
    runs,
    specs,
    uploads,
)
from backend.core.audit import Actor
from backend.core.desk import Desk, Owner
from backend.core.runs import Run
from backend.core.uploads import Dropped
from backend.experiments.plans import Plan
from backend.images import archives
from backend.records import UserError
from backend.release import change, place
from backend.settings import PROJECT, Settings
from backend.ways import way as ways
from backend.ways.way import Made, Step, Way


def submit(
    actor: Actor,
    desk: Desk,
    kind: str,
    values: Mapping[str, Any],
    *,
    name: str = "",
    parent: str = "",
) -> Run:
    """Ask for a run. Raises UserError where a setting or an input does not fit."""
    made_from = [run_id for _, run_id in lineage.ids(values)]
    with audit.noting(desk.settings.storage, actor, parent, *made_from) as note:
        folders.check(actor, desk.settings, kind, values)
        for p in specs.params(registry.get(kind).spec_type):
            if p.upload and values.get(p.name):
                archives.check(jobs.place(str(values[p.name])))
        run = desk.submit(kind, values, name, parent)
        note("submit", run.id, run.name)
    return run


def queue(actor: Actor, desk: Desk, plan: Plan) -> list[Run]:
    """Put every step of a plan into the queue; each waits for its inputs.

    Raises UserError where one is refused; those before it are then canceled.
    """
    made: dict[str, Run] = {}
    try:
        for step in plan.steps:
            ids = plan.given | {name: run.id for name, run in made.items()}
            name = plan.name_of(step)
            made[step.name] = submit(actor, desk, step.kind, step.values(ids), name=name)
    except UserError:
        for run in made.values():
            cancel(actor, desk, run.id)
        raise
    return list(made.values())


def take_step(actor: Actor, desk: Desk, way: Way, step: Step, made: Made) -> Run:
    """Ask for a step's run with the settings that follow from the runs before, and for those that
    go with it. made: key → run of the steps before. Raises UserError as `submit` does."""
    run = _submit_step(actor, desk, step, made)
    take_rest(actor, desk, way, step, {**made, step.key: run})
    return run


def take_rest(actor: Actor, desk: Desk, way: Way, step: Step, made: Made) -> None:
    """Queue what goes with a step whose run was asked for; each waits for its inputs."""
    found = dict(made)
    for key in step.together:
        found[key] = _submit_step(actor, desk, way.step(key), found)


def _submit_step(actor: Actor, desk: Desk, step: Step, made: Made) -> Run:
    values = ways.values(step, made)
    name = naming.proposed(step.kind, values, desk.settings.runs)
    return submit(actor, desk, step.kind, values, name=name)


def cancel(actor: Actor, desk: Desk, run_id: str) -> None:
    """Ask a run to stop; one that ended stays as it is."""
    with audit.noting(desk.settings.storage, actor, run_id) as note:
        if desk.cancel(run_id):
            note("cancel", run_id)


def resume(actor: Actor, desk: Desk, run_id: str) -> None:
    """Let a stopped run go on from its checkpoint. Raises UserError where it cannot."""
    with audit.noting(desk.settings.storage, actor, run_id) as note:
        desk.resume(run_id)
        note("resume", run_id)


def delete(actor: Actor, supervisor: Owner, run_id: str) -> None:
    """Move a run to the trash. Raises UserError where it is in use."""
    with audit.noting(supervisor.settings.storage, actor, run_id) as note:
        supervisor.delete(run_id)
        note("delete", run_id)


def restore(actor: Actor, supervisor: Owner, run_id: str) -> None:
    """Bring a run back from the trash. Raises UserError where it is not in there."""
    with audit.noting(supervisor.settings.storage, actor) as note:
        supervisor.restore(run_id)
        note("restore", run_id)


def empty_trash(actor: Actor, supervisor: Owner) -> None:
    """Delete for good what lies in the trash."""
    with audit.noting(supervisor.settings.storage, actor) as note:
        gone = supervisor.empty_trash()
        if gone:
            note("empty trash", detail=", ".join(gone))


def clear(actor: Actor, settings: Settings, name: str) -> None:
    """Delete all `uploads`, `exports` or `cached features` (maintenance.spare) for good."""
    with audit.noting(settings.storage, actor) as note:
        if maintenance.clear(settings, name):
            note("clear", name)


def keep_uploads(actor: Actor, settings: Settings, files: Sequence[Dropped]) -> Path:
    """Where files from the browser lie now. Raises UserError where they cannot be kept, or are a
    zip that no job could read; nothing of it stays then."""
    with audit.noting(settings.storage, actor) as note:
        kept = uploads.keep(settings.uploads, files)
        try:
            archives.check(kept)
        except UserError:
            shutil.rmtree(kept.parent, ignore_errors=True)
            raise
        note("keep uploads", str(kept), f"{len(files)} files")
    return kept


def comment(
    actor: Actor, settings: Settings, run_id: str, words: str, names: Sequence[str] = ()
) -> None:
    """Say something about a run. names: of all who may be spoken of, by @. Raises UserError where
    the run is gone or nothing is said."""
    with audit.noting(settings.storage, actor, run_id) as note:
        comments.add(runs.named(settings.runs, run_id), actor.words, words)
        note("comment", run_id, ", ".join(comments.mentioned(words, names)))


def back_up(actor: Actor, settings: Settings, target: Path | None = None) -> Path:
    """The file that holds every ended run. Raises UserError where the disk is too small."""
    with audit.noting(settings.storage, actor) as note:
        path = maintenance.backup(settings, target)
        note("back up", str(path))
    return path


def migrate(actor: Actor, settings: Settings) -> None:
    """Bring the database to this version's tables."""
    with audit.noting(settings.storage, actor) as note:
        maintenance.migrate(settings)
        note("migrate")


def reindex(actor: Actor, settings: Settings) -> list[str]:
    """Rebuild the database; one sentence per run folder that could not be read."""
    with audit.noting(settings.storage, actor) as note:
        problems = maintenance.reindex(settings)
        note("reindex", detail=" ".join(problems))
    return problems


def update(actor: Actor, settings: Settings, bundle: Path) -> None:
    """Put a bundle's release in the place of this one. Raises UserError where it is refused or not
    well; then this one runs as before."""
    with audit.noting(settings.storage, actor) as note:
        release = change.update(place.of_program(PROJECT), bundle)
        note("update", release.name, f"from {PROJECT.name}")


def roll_back(actor: Actor, settings: Settings) -> None:
    """Use the release before this one again; what was done since stays. Raises UserError where
    there is none."""
    with audit.noting(settings.storage, actor) as note:
        release = change.roll_back(place.of_program(PROJECT))
        note("roll back release", release.name, f"from {PROJECT.name}")
