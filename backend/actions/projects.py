"""Changes to projects: made, named, opened to some people alone, archived; runs moved into them."""

from collections.abc import Sequence

from backend.core import audit, jobs, projects
from backend.core.audit import Actor
from backend.core.desk import Desk
from backend.core.projects import Project
from backend.settings import Settings


def add(actor: Actor, settings: Settings, name: str) -> Project:
    """A new project. Raises UserError for a name that is taken or none."""
    with audit.noting(settings.storage, actor) as note:
        made = projects.add(settings.storage, name)
        note("add project", made.name)
    return made


def rename(actor: Actor, settings: Settings, project: str, name: str) -> None:
    """Give a project another name. Raises UserError for one that is taken or none."""
    with audit.noting(settings.storage, actor) as note:
        projects.check_seen(settings.storage, actor.name, actor.role, project)
        before = projects.find(settings.storage, project)
        note("rename project", before.name, projects.rename(settings.storage, project, name).name)


def set_members(actor: Actor, settings: Settings, project: str, names: Sequence[str]) -> None:
    """Let these people alone see a project, beside admins; everybody where there is none. Raises
    UserError for a name that nobody has."""
    with audit.noting(settings.storage, actor) as note:
        changed = projects.set_members(settings.storage, project, names)
        note("change members", changed.name, ", ".join(changed.members) or "everybody")


def archive(actor: Actor, settings: Settings, project: str) -> None:
    """Offer a project no more. Raises UserError where something is under way in it."""
    with audit.noting(settings.storage, actor) as note:
        jobs.check_idle(settings, project)
        note("archive project", projects.set_archived(settings.storage, project, True).name)


def bring_back(actor: Actor, settings: Settings, project: str) -> None:
    """Offer an archived project again."""
    with audit.noting(settings.storage, actor) as note:
        note("bring back project", projects.set_archived(settings.storage, project, False).name)


def move(actor: Actor, desk: Desk, run_ids: Sequence[str], project: str) -> list[str]:
    """Let ended runs belong to another project; the ids of those that did not before. Raises
    UserError where one may not be moved; then none is."""
    storage = desk.settings.storage
    with audit.noting(storage, actor, *run_ids) as note:
        projects.check_seen(storage, actor.name, actor.role, project)
        moved = desk.move(run_ids, project)
        for run_id in moved:
            note("move to project", run_id, projects.find(storage, project).name)
    return moved
