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
from starlette.middleware import Middleware  # noqa: E402
from streamlit.runtime.pages_manager import PagesManager  # noqa: E402

from backend.access import accounts, elsewhere, hosts, sessions  # noqa: E402
from backend.access.guard import Guard, Rules  # noqa: E402
from backend.access.rights import Role  # noqa: E402
from backend.actions import people  # noqa: E402
from backend.core.audit import Actor, Way  # noqa: E402
from backend.notices.postman import Postman  # noqa: E402
from backend.settings import settings  # noqa: E402
from pages.ui import resources, share_route, sign_in  # noqa: E402
from pages.ui.inflow import FRAMING, Inflow  # noqa: E402

# Streamlit takes a folder `pages` for its older kind of pages until app.py has run once, and would
# tell the first visitor that the page of his address does not exist.
PagesManager.uses_pages_directory = False


def rules() -> Rules:
    """Whom the guard lets in."""
    chosen = settings()
    return Rules(
        storage=chosen.storage,
        lifetime=sessions.lifetime(chosen),
        local=st.get_option("server.address") in hosts.LOCAL,
        open=chosen.open,
        names=chosen.hosts,
        elsewhere=elsewhere.of(chosen),
    )


@asynccontextmanager
async def lifespan(app: st.App) -> AsyncIterator[None]:
    """The supervisor's life, and the link for the first admin where nobody may come in yet."""
    supervisor = resources.owner()
    known = rules()
    if not (known.local or known.open or accounts.asked_for(settings())):
        link = people.set_up_link(Actor("", Way.COMMAND_LINE, Role.ADMIN), settings())
        port = st.get_option("server.port")
        print(
            "Nobody has an account yet, so nobody is let in. Become the first admin here, once:\n"
            f"  http://localhost:{port}{link}\n"
            "(from elsewhere: the same with this server's name in place of localhost)",
            flush=True,
        )
    postman = Postman(settings().storage, supervisor.store)
    if settings().max_jobs:
        postman.start()
    if settings().names_days:
        people.forget_names(Actor("", Way.COMMAND_LINE, Role.ADMIN), settings())
    yield
    postman.stop()
    supervisor.stop()
    supervisor.store.close()


app = st.App(
    PROJECT / "app.py",
    lifespan=lifespan,
    routes=[*sign_in.routes(), *share_route.routes()],
    middleware=[
        Middleware(Guard, rules=rules()),
        Middleware(Inflow, most=settings().upload_megabytes * 2**20 + FRAMING),
    ],
)
