"""The web server: `streamlit run pages/ui/server.py`, as `python -m backend serve` does.

The supervisor lives as long as the server, not as long as a visit: the queue moves and ended
runs are taken in whether or not anybody looks.
"""

import asyncio
import contextlib
import sys
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(PROJECT))

import streamlit as st  # noqa: E402

from pages.ui import owner  # noqa: E402


async def _warm_up() -> None:
    """Run the script once before anybody comes: until then Streamlit knows no page but the first,
    and would call a deep link not found."""
    address = st.get_option("server.address") or "127.0.0.1"
    host = "127.0.0.1" if address == "0.0.0.0" else address
    url = f"http://{host}:{st.get_option('server.port')}/_stcore/script-health-check"
    for _ in range(40):
        await asyncio.sleep(0.25)
        with contextlib.suppress(OSError):
            await asyncio.to_thread(urllib.request.urlopen, url, None, 30)
            return


@asynccontextmanager
async def lifespan(app: st.App) -> AsyncIterator[None]:
    supervisor = owner.supervisor()
    warming = asyncio.create_task(_warm_up())
    yield
    warming.cancel()
    supervisor.stop()
    supervisor.store.close()


app = st.App(PROJECT / "app.py", lifespan=lifespan)
