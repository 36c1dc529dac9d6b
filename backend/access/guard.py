"""The guard before the server: every request and every message of a websocket passes here.

Pure ASGI: Starlette's BaseHTTPMiddleware would see no websocket. Whether somebody is let in is
asked of the file for each request and each message, and now and then of a websocket that is silent,
so that it closes soon after its session ended.
"""

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from backend.access import (
    accounts,
    database,
    headers,
    hosts,
    known_as,
    proxy,
    sessions,
    socket_watch,
)
from backend.access.accounts import Account
from backend.access.elsewhere import Elsewhere, Outsider
from backend.access.rights import Role
from backend.access.sessions import Lifetime
from backend.records import UserError

SIGN_IN = "/sign-in"
ALIVE = "/alive"  # asked by open pages now and then; no sign of a person
HEALTH = "/_stcore/health"
SET_UP = "/set-up/"
FOR_ANYBODY = ("/share/", "/invitation/", "/new-password/", "/oidc/", SET_UP)
FOR_ADMINS = ("/_stcore/metrics", "/_stcore/script-health-check")
FOR_NOBODY = ("/_stcore/agent", "/auth/", "/oauth2callback")
NOT_PAGES = ("/_stcore", "/media", "/static", "/component", ALIVE)
CHANGING = ("POST", "PUT", "PATCH", "DELETE")
FOREIGN = (
    "Refused: this server does not answer to the name '{name}'. Its owner names it in "
    "DISTILLERY_HOSTS, or opens http://localhost on the server itself."
)
BEHIND_PROXY = (
    "Refused: this request came through a proxy, and nobody has an account here. Add one with "
    "`python -m backend user add NAME --role admin`, or start with --open to let everybody in."
)
OTHER_PAGE = "Refused: a page of another address sent this. Open the dashboard itself."
NOT_SET_UP = (
    "This dashboard is not set up yet. Open the link that the server printed when it started, "
    "or add an account with `python -m backend user add NAME --role admin`."
)


@dataclass(frozen=True)
class Rules:
    """local: listens for this computer alone. open: everybody is let in. names: by which it is
    known, beside its own. elsewhere: who knows people, beside the accounts; they have to sign in
    then, whether or not anybody has an account."""

    storage: Path
    lifetime: Lifetime
    local: bool
    open: bool = False
    names: tuple[str, ...] = ()
    elsewhere: Elsewhere | None = None


@dataclass(frozen=True)
class Caller:
    """account: who signed in, None where nobody has to. may: what they may do, None for nothing."""

    account: Account | None
    may: Role | None


class Guard:
    """Around an ASGI application. Routes find the caller under `caller` in their scope, and whom a
    proxy names under `outsider`."""

    def __init__(self, app: ASGIApp, rules: Rules):
        self.app = app
        self.rules = rules
        self._database: sqlite3.Connection | None = None
        self._cookie = ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        if scope["type"] == "http":
            send = headers.adding(send)
            await (refusal or self.app)(scope, receive, send)
        elif refusal:
            await send({"type": "websocket.close", "code": 4401, "reason": ""})
        else:
            token = self.token(scope)
            before = scope["caller"]
            watch = socket_watch.Watch(
                send,
                stays=lambda: self._stays(token, before),
                used=lambda: self._note_use(token),
            )
            await watch.around(self.app, scope, receive)

    def token(self, scope: Scope) -> str:
        """What the browser's cookie holds, "" where there is none."""
        if not self._accounts():
            return ""
        return HTTPConnection(scope).cookies.get(self._cookie, "")

    def caller(self, token: str) -> Caller:
        """Who comes with this token."""
        found = self._accounts()
        if found is None:
            free = self.rules.local or self.rules.open
            return Caller(None, Role.ADMIN if free else None)
        account = sessions.whose(found, token, self.rules.lifetime) if token else None
        return Caller(account, account.role if account else None)

    def _stays(self, token: str, before: Caller) -> bool:
        """Whether who opened a websocket may still do what they might then; not where the file
        cannot be asked."""
        try:
            return self.caller(token) == before
        except sqlite3.Error:
            return False

    def _refusal(self, scope: Scope) -> Response | None:
        """None where the request may pass; `caller` is in the scope then."""
        sent = Headers(scope=scope)
        path = scope["path"]
        if sentence := self._foreign(scope, sent):
            return PlainTextResponse(sentence, 403)
        if ".." in path or "\\" in path or "//" in path or "\0" in path:
            return PlainTextResponse("Refused: no such path.", 400)
        if path.startswith(FOR_NOBODY):
            return PlainTextResponse("Not found.", 404)
        try:
            scope["outsider"] = self._outsider(scope, sent)
        except UserError as error:
            return PlainTextResponse(str(error), 403)
        token = self.token(scope)
        scope["caller"] = caller = self._agreed(self.caller(token), scope["outsider"])
        if path == HEALTH:
            return None
        set_up = self._accounts() is not None or self.rules.local or self.rules.open
        if not set_up:
            return None if _is_one_below(path, (SET_UP,)) else PlainTextResponse(NOT_SET_UP, 403)
        if path == SIGN_IN or _is_one_below(path, FOR_ANYBODY):
            return None
        if caller.may is None:
            return _to_sign_in(scope, sent)
        if path.startswith(FOR_ADMINS) and caller.may is not Role.ADMIN:
            return PlainTextResponse("Refused: this is for admins.", 403)
        if path != ALIVE:
            self._note_use(token)
        return None

    def _foreign(self, scope: Scope, sent: Headers) -> str:
        """Why a request is refused for where it came from, "" where it is not."""
        host, origin = sent.get("host", ""), sent.get("origin")
        for_one = self.rules.local and not self.rules.open and self._accounts() is None
        names = () if for_one else self.rules.names
        if len(sent.getlist("host")) != 1 or not hosts.is_ours(host, names, self.rules.local):
            return FOREIGN.format(name=hosts.name_of(host))
        forwarded = any(name.startswith(hosts.FORWARDED) for name in sent)
        if forwarded and not self.rules.open and self._accounts() is None:
            return BEHIND_PROXY
        changes = scope["type"] == "websocket" or scope["method"] in CHANGING
        if changes and origin is not None and not hosts.is_same(origin, host, scope["scheme"]):
            return OTHER_PAGE
        return ""

    def _outsider(self, scope: Scope, sent: Headers) -> Outsider | None:
        """Whom the proxy names; its secret goes no further. Raises UserError for one that is
        forged."""
        if self.rules.elsewhere is None:
            return None
        found = proxy.outsider(sent, self.rules.elsewhere)
        secret = proxy.SECRET.lower().encode()
        scope["headers"] = [pair for pair in scope["headers"] if pair[0] != secret]
        return found

    def _agreed(self, caller: Caller, outsider: Outsider | None) -> Caller:
        """The caller; nobody where the proxy names somebody else, or another role of theirs."""
        if outsider is None or caller.account is None or self._database is None:
            return caller
        known = known_as.find(self._database, outsider)
        same = known == caller.account and outsider.role is caller.may
        return caller if same else Caller(None, None)

    def _note_use(self, token: str) -> None:
        if token and self._database is not None:
            sessions.note_use(self._database, token)

    def _accounts(self) -> sqlite3.Connection | None:
        """The file, where people have to sign in."""
        always = self.rules.elsewhere is not None
        if self._database is None and (always or database.there(self.rules.storage)):
            self._database = database.connect(self.rules.storage)
            self._cookie = sessions.cookie(database.installation(self.rules.storage))
        if self._database is None or not (always or accounts.any_in(self._database)):
            return None
        return self._database


def _is_one_below(path: str, places: tuple[str, ...]) -> bool:
    """Whether it is a single name in one of these places: what lies deeper is no route there, and
    Streamlit would answer it with its own page."""
    return any(path.startswith(one) and "/" not in path.removeprefix(one) for one in places)


def _to_sign_in(scope: Scope, sent: Headers) -> Response:
    page = scope["type"] == "http" and scope["method"] == "GET"
    if page and not scope["path"].startswith(NOT_PAGES) and "html" in sent.get("accept", ""):
        query = scope["query_string"].decode("latin-1")
        after = quote(scope["path"] + (f"?{query}" if query else ""), safe="")
        return RedirectResponse(f"{SIGN_IN}?next={after}", 303)
    return PlainTextResponse("Sign in first.", 401)
