"""Requests put to the guard around an application that lets everything through."""

import asyncio
from dataclasses import replace

from backend.access import database, sessions
from backend.access.guard import Guard, Rules
from backend.access.rights import Role
from backend.access.sessions import Lifetime
from backend.actions import people
from backend.core.audit import Actor, Way

BOSS = Actor("Boss", Way.COMMAND_LINE, Role.ADMIN)
GOOD = "correct horse battery"


async def inner(scope, receive, send):
    """Answers 299 to every request, so that none of the guard's own answers is taken for it."""
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 299, "headers": []})
        await send({"type": "http.response.body", "body": b"inside"})
    else:
        await receive()
        await send({"type": "websocket.accept"})


class Asking:
    """A guard over a storage folder."""

    def __init__(self, settings, **rules):
        self.settings = settings
        chosen = Rules(settings.storage, Lifetime(3600, 7200), local=True)
        self.guard = Guard(inner, replace(chosen, **rules))

    def signed_in(self, role):
        """The cookie of a new account with this role."""
        name = f"a {role}"
        people.add(BOSS, self.settings, name, role, GOOD)
        token = people.sign_in(
            Actor(name, Way.PAGE, Role.VIEWER), self.settings, name, GOOD, "Firefox"
        )
        return f"{sessions.cookie(database.installation(self.settings.storage))}={token}"

    def get(self, path="/", cookie="", kind="http", method="GET", **sent):
        """Status, headers and text of the answer; of a websocket the messages to it."""
        given = {"host": "localhost:8501", "cookie": cookie, "accept": "text/html"} | sent
        pairs = [(k.replace("_", "-").encode(), v.encode("latin-1")) for k, v in given.items()]
        scope = {"type": kind, "path": path, "query_string": b"", "headers": pairs}
        scope |= {"scheme": kind.replace("websocket", "ws"), "method": method}
        said = []

        async def receive():
            return {"type": "websocket.connect"}

        async def send(message):
            said.append(message)

        asyncio.run(self.guard(scope, receive, send))
        if kind == "websocket":
            return [message["type"] for message in said]
        start = {k.decode(): v.decode() for k, v in said[0]["headers"]}
        return said[0]["status"], start, said[1].get("body", b"").decode()

    def status(self, path="/", cookie="", **sent):
        return self.get(path, cookie, **sent)[0]
