"""The web server: `streamlit run pages/ui/server.py`, as `python -m backend serve` does.

The supervisor lives as long as the server, not as long as a visit: the queue moves and ended
runs are taken in whether or not anybody looks.
"""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(PROJECT))

import streamlit as st  # noqa: E402
from streamlit.runtime.pages_manager import PagesManager  # noqa: E402

from pages.ui import resources  # noqa: E402

# Streamlit takes a folder `pages` for its older kind of pages until app.py has run once, and would
# tell the first visitor that the page of his address does not exist.
PagesManager.uses_pages_directory = False


@asynccontextmanager
async def lifespan(app: st.App) -> AsyncIterator[None]:
    supervisor = resources.supervisor()
    yield
    supervisor.stop()
    supervisor.store.close()


app = st.App(PROJECT / "app.py", lifespan=lifespan)
