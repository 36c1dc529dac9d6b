"""The one store and supervisor of this server process, and what this visitor sees of them."""

from datetime import datetime
from functools import cache, lru_cache

import pandas as pd

from backend.core import runs
from backend.core.jobs import Supervisor
from backend.core.runs import Run
from backend.core.store import OfProject, Store
from backend.core.window import Window
from backend.settings import settings
from pages.ui import project

MANY_ROWS = 200_000
State = tuple[str, str, datetime | None, runs.FileState, bool]


@cache
def owner() -> Supervisor:
    """Opens the database and starts the supervisor's thread on the first call.

    Raises UserError where another process holds the database.
    """
    made = Supervisor(settings(), Store(settings().database))
    made.start()
    return made


def supervisor() -> Window:
    """The supervisor as who is at this browser sees it, in the project chosen there."""
    return Window(owner(), project.who(), project.chosen())


def take_in(run: Run) -> None:
    """Make sure that the store knows how a run ended before its page reads it."""
    if run.state.ended and not owner().knows(run):
        owner().take_in(run.id)


@lru_cache(maxsize=100)
def _small(storage: str, table: str, run_id: str, finished: datetime | None) -> pd.DataFrame | None:
    """None where there are so many rows that few such tables may stay in memory."""
    if owner().store.count(table, run_id) > MANY_ROWS:
        return None
    return owner().store.facts(table, run_id)


@lru_cache(maxsize=2)
def _large(storage: str, table: str, run_id: str, finished: datetime | None) -> pd.DataFrame:
    return owner().store.facts(table, run_id)


def facts(table: str, run: Run) -> pd.DataFrame:
    """A finished run's rows of one table; read once, for they no longer change. Those of one that
    the store does not know as its folder is now are not kept."""
    take_in(run)
    if not owner().knows(run):
        return owner().store.facts(table, run.id)
    asked = str(settings().storage), table, run.id, run.finished
    found = _small(*asked)
    return (_large(*asked) if found is None else found).copy(deep=False)


def state(run: Run) -> State:
    """What a page that keeps something of a run keeps it under: another one once the run ran again,
    people decided on its rows, or its folder, which was damaged, could be taken in."""
    edits = runs.state_of(run.folder / runs.EDITS)
    return str(settings().storage), run.id, run.finished, edits, owner().knows(run)


def store() -> OfProject:
    """The database with the runs of the chosen project."""
    return supervisor().store
