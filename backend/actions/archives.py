"""Finished runs put away to a network folder or an object store, and fetched back."""

from collections.abc import Callable
from contextlib import suppress

from backend.core import archive as archives
from backend.core import audit, jobs, maintenance, runs
from backend.core.archive import Archived, Tick
from backend.core.audit import Actor
from backend.records import UserError
from backend.settings import Settings


def archive(actor: Actor, settings: Settings, run_id: str, url: str, tick: Tick) -> Archived:
    """Move a completed run's artifacts there. Raises UserError where it is in use, or the copy
    cannot be made; nothing is deleted then."""
    with audit.noting(settings.storage, actor, run_id) as note:
        folder = runs.named(settings.runs, run_id)
        _unused(settings)(run_id)
        made = archives.put(folder, url, actor.words, tick, still=lambda: _unused(settings)(run_id))
        note("archive", run_id, f"{made.size / 2**20:.1f} MB to {url}")
    return made


def fetch(actor: Actor, settings: Settings, run_id: str, tick: Tick) -> int:
    """Bring an archived run's artifacts back; bytes. Raises UserError where they are gone, damaged,
    or the disk is too small."""
    with audit.noting(settings.storage, actor, run_id) as note:
        folder = runs.named(settings.runs, run_id)
        record = archives.of(folder)
        if record:
            maintenance.refuse_full_disk(record.size, folder)
        size = archives.fetch(folder, tick)
        note("fetch", run_id, f"{size / 2**20:.1f} MB")
    return size


def movable(settings: Settings, days: int) -> list[str]:
    """Ids of completed runs of so many days ago or before whose files are here and not in use."""
    found, look = [], _unused(settings)
    for run_id in archives.older(settings.runs, days):
        with suppress(UserError):
            look(run_id)
            found.append(run_id)
    return found


def _unused(settings: Settings) -> Callable[[str], None]:
    """Raises UserError where a run's files are needed here: by what is in force, by a run that is
    under way, or by what a line judges with just now."""
    active = jobs.active(runs.folders(settings.runs))
    return lambda run_id: jobs.refuse_in_use(settings.storage, run_id, active)
