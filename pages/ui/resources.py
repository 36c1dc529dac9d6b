"""The one store and supervisor of this server process."""

from datetime import datetime
from functools import cache

import pandas as pd
import streamlit as st

from backend.core.jobs import Supervisor
from backend.core.runs import Run
from backend.core.store import Store
from backend.settings import settings


@cache
def supervisor() -> Supervisor:
    """Opens the database and starts the supervisor's thread on the first call.

    Raises UserError where another process holds the database.
    """
    made = Supervisor(settings(), Store(settings().database))
    made.start()
    return made


def take_in(run: Run) -> None:
    """Make sure that the store knows how a run ended before its page reads it."""
    if run.state.ended and not supervisor().knows(run):
        supervisor().tick()


@st.cache_data(ttl=3600, max_entries=100, show_spinner=False)
def _facts(table: str, run_id: str, finished: datetime | None) -> pd.DataFrame:
    return store().facts(table, run_id)


def facts(table: str, run: Run) -> pd.DataFrame:
    """A finished run's rows of one table; read once, for they no longer change."""
    return _facts(table, run.id, run.finished)


def store() -> Store:
    return supervisor().store
