"""The one store and supervisor of this server process."""

from functools import cache

from backend.jobs import Supervisor
from backend.settings import settings
from backend.store import Store


@cache
def supervisor() -> Supervisor:
    """Opens the database and starts the supervisor's thread on the first call.

    Raises UserError where another process holds the database.
    """
    made = Supervisor(settings(), Store(settings().database))
    made.start()
    return made


def store() -> Store:
    return supervisor().store
