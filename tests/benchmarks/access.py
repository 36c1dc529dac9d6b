"""What signing in and the guard cost."""

import asyncio
import time
from pathlib import Path
from typing import Any

from backend.access import database, passwords, sessions
from backend.access.guard import Guard, Rules
from backend.access.rights import Role
from backend.access.sessions import Lifetime
from backend.actions import people
from backend.core.audit import Actor, Way
from backend.settings import Settings

PASSWORD = "correct horse battery"
REQUESTS = 2000


def access(folder: Path) -> None:
    """Signing in: a password's check, and what the guard adds to a request."""
    kept = passwords.hashed(PASSWORD)
    started, worked = time.perf_counter(), time.process_time()
    for _ in range(5):
        assert passwords.fits(PASSWORD, kept)
    took, busy = (time.perf_counter() - started) / 5, (time.process_time() - worked) / 5
    print(f"  password's check {took * 1e3:6.0f} ms, of the processor {busy * 1e3:.0f} ms  (n = 5)")
    plain, guarded = asyncio.run(_requests(folder / "access"))
    print(f"  request without guard {plain * 1e3:8.4f} ms  (n = {REQUESTS})")
    print(f"  request with guard    {guarded * 1e3:8.4f} ms  (n = {REQUESTS})")


async def _requests(storage: Path) -> tuple[float, float]:
    """Mean processor seconds of a request without and with the guard."""

    async def inner(scope, receive, send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def nothing(message=None):
        return {"type": "http.disconnect"}

    settings = Settings(storage)
    people.add(Actor("", Way.COMMAND_LINE), settings, "Ada", Role.ADMIN, PASSWORD)
    token = people.sign_in(Actor("Ada", Way.PAGE), settings, "Ada", PASSWORD, "")
    cookie = f"{sessions.cookie(database.installation(storage))}={token}"
    headers = [(b"host", b"localhost"), (b"cookie", cookie.encode())]
    scope: dict[str, Any] = {
        "type": "http",
        "path": "/media/x",
        "headers": headers,
        "method": "GET",
    }
    scope |= {"scheme": "http", "query_string": b""}
    found = []
    for app in (inner, Guard(inner, Rules(storage, Lifetime(3600, 7200), local=False))):
        await app(dict(scope), nothing, nothing)
        started = time.process_time()
        for _ in range(REQUESTS):
            await app(dict(scope), nothing, nothing)
        found.append((time.process_time() - started) / REQUESTS)
    return found[0], found[1]
