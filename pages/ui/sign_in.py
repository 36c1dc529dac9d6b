"""Signing in and out, joining, and one's own account: plain pages before and beside the dashboard.

Each change is an action of backend/actions/people.py, run in a thread, two passwords at a time.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qs

from anyio import CapacityLimiter, to_thread
from jinja2 import Environment, FileSystemLoader
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from backend.access import (
    accounts,
    database,
    devices,
    elsewhere,
    links,
    oidc,
    passwords,
    sessions,
)
from backend.access.elsewhere import Outsider
from backend.access.limits import Limits, Waits
from backend.access.links import Purpose
from backend.access.rights import PURPOSES, Role
from backend.actions import people
from backend.core.audit import Actor, Way
from backend.records import UserError
from backend.settings import settings

T = TypeVar("T")
LARGEST, MOST_FIELDS = 16 * 1024, 20  # bytes and fields of a form
POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
PAGES = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True)
LIMITS = Limits()
JOINING = {
    Purpose.SET_UP: ("Set up", "You become the first admin of this dashboard.", "Set up"),
    Purpose.JOIN: ("Welcome", "Choose a password, and this account is yours.", "Join"),
    Purpose.RESET: ("New password", "Choose a new password for this account.", "Save"),
}


def routes() -> list[Route]:
    joining = [
        Route(f"/{purpose}/{{token}}", handler, methods=[method])
        for purpose in Purpose
        for method, handler in (("GET", show_joining), ("POST", join))
    ]
    return [
        *joining,
        Route("/sign-in", show_sign_in, methods=["GET"]),
        Route("/sign-in", sign_in, methods=["POST"]),
        Route("/oidc/start", start_elsewhere, methods=["GET"]),
        Route("/oidc/back", come_back, methods=["GET"]),
        Route("/oidc/leave", leave_elsewhere, methods=["GET"]),
        Route("/oidc/log-out", log_out, methods=["POST"]),
        Route("/sign-out", sign_out, methods=["POST"]),
        Route("/alive", alive, methods=["GET"]),
        Route("/account", show_account, methods=["GET"]),
        Route("/account/password", change_password, methods=["POST"]),
        Route("/account/end-session", end_session, methods=["POST"]),
    ]


async def alive(request: Request) -> Response:
    """Open pages ask whether their session still holds; the guard refuses where it does not."""
    return Response(status_code=204)


async def show_sign_in(request: Request) -> Response:
    """The form; whom a proxy names is signed in at once, unless they just signed out."""
    after = _local(request.query_params.get("next", ""))
    left = "left" in request.query_params
    outsider = request.scope["outsider"]
    if outsider is None or left:
        return _sign_in_page(after, left=left)
    try:
        return await _let_in(request, outsider, after)
    except UserError as error:
        return _sign_in_page(after, problem=str(error), status=403)


async def sign_in(request: Request) -> Response:
    form = await _form(request)
    name, after = form.get("name", ""), _local(form.get("next", ""))
    actor = _stranger(request, name)
    keys = _keys(request, name, actor.address)
    browser = request.headers.get("user-agent", "")
    guess = partial(people.sign_in, actor, settings(), name, form.get("password", ""), browser)
    try:
        token = await _guessed(keys, guess)
    except Waits as error:
        return _sign_in_page(after, name, str(error), 429, {"Retry-After": f"{error.seconds:.0f}"})
    except UserError as error:
        return _sign_in_page(after, name, str(error), 403)
    LIMITS.succeeded(keys[0])
    response = _signed_in(request, token, after)
    mark = devices.mark(settings().storage, name)
    _set_cookie(request, response, devices.cookie(_cookie()), mark, devices.LASTS)
    return response


def _keys(request: Request, name: str, address: str) -> tuple[str, ...]:
    """What a failure counts for: this browser alone, where its owner signed in with it before."""
    mark = request.cookies.get(devices.cookie(_cookie()), "")
    if devices.is_marked(settings().storage, name, mark):
        return (f"device {sessions.kept_as(mark)}",)
    return f"name {accounts.key(name)[:99]} at {address}", f"address {address}"


async def start_elsewhere(request: Request) -> Response:
    """On to the plant's sign-in."""
    after = _local(request.query_params.get("next", ""))
    if (plant := _plant()) is None:
        return RedirectResponse("/sign-in", 303)
    browser = request.cookies.get(_begun_cookie(), "") or oidc.new_browser()
    try:
        address = await plant.begin(browser, _here(request, "/oidc/back"), after)
    except UserError as error:
        return _sign_in_page(after, problem=str(error), status=502)
    response = RedirectResponse(address, 303)
    _set_cookie(request, response, _begun_cookie(), browser, int(oidc.LASTS))
    return response


async def come_back(request: Request) -> Response:
    """Back from the plant's sign-in, with its answer in the address."""
    if (plant := _plant()) is None:
        return RedirectResponse("/sign-in", 303)
    browser = request.cookies.get(_begun_cookie(), "")
    try:
        outsider, after = await plant.end(browser, request.query_params)
        return await _let_in(request, outsider, after)
    except UserError as error:
        return _sign_in_page("/", problem=str(error), status=403)


async def leave_elsewhere(request: Request) -> Response:
    """On to where the session at the plant's sign-in ends too."""
    plant = _plant()
    try:
        address = await plant.leave(_here(request, "/sign-in")) if plant else ""
    except UserError as error:
        return _sign_in_page("/", problem=str(error), status=502)
    return RedirectResponse(address or "/sign-in", 303)


async def log_out(request: Request) -> Response:
    """The plant's sign-in, not a browser, says that somebody signed out there."""
    kept = {"Cache-Control": "no-store"}
    actor = _stranger(request, "")
    if (plant := _plant()) is None:
        return PlainTextResponse("There is no sign-in elsewhere.", 404, kept)
    key = f"log-out {actor.address}"
    if wait := LIMITS.wait(key):
        return PlainTextResponse(str(Waits(wait)), 429, kept | {"Retry-After": f"{wait:.0f}"})
    try:
        heard = await plant.logged_out((await _form(request)).get("logout_token", ""))
    except UserError as error:
        LIMITS.failed(key)
        return PlainTextResponse(str(error), 400, kept)
    await to_thread.run_sync(partial(people.sign_out_elsewhere, actor, settings(), heard.who))
    plant.used(heard)
    return Response(status_code=200, headers=kept)


async def _let_in(request: Request, outsider: Outsider, after: str) -> Response:
    """A session for somebody known elsewhere. Raises UserError where they may not come in."""
    known = elsewhere.of(settings())
    groups = known.roles if known else ()
    browser = request.headers.get("user-agent", "")
    actor = _stranger(request, outsider.name)
    token = await to_thread.run_sync(
        partial(people.sign_in_elsewhere, actor, settings(), outsider, groups, browser)
    )
    return _signed_in(request, token, after)


@cache
def _sign_in_of(path: Path) -> oidc.SignIn | None:
    """One for each file, for it remembers what was begun."""
    return oidc.made(elsewhere.read(path))


def _plant() -> oidc.SignIn | None:
    """The plant's sign-in, where there is one."""
    path = settings().sign_in
    return _sign_in_of(path) if path else None


def _here(request: Request, path: str) -> str:
    """An address of this server, as the browser knows it."""
    scheme = "https" if _is_https(request) else "http"
    return f"{scheme}://{request.headers['host']}{path}"


def _begun_cookie() -> str:
    return f"{_cookie()}-oidc"


async def sign_out(request: Request) -> Response:
    account = request.scope["caller"].account
    if account:
        await _in_thread(partial(people.sign_out, _actor(request), settings(), _token(request)))
    response = RedirectResponse("/sign-in?left=1", 303)
    if cookie := _cookie():
        response.delete_cookie(cookie, path="/")
    return response


async def show_joining(request: Request) -> Response:
    try:
        link = links.look_up(settings().storage, request.path_params["token"])
    except UserError as error:
        return _joining_page(_purpose(request), "", str(error), gone=True)
    return _joining_page(link.purpose, link.name)


async def join(request: Request) -> Response:
    form = await _form(request)
    purpose, token = _purpose(request), request.path_params["token"]
    name, password = form.get("name", ""), form.get("password", "")
    if password != form.get("again"):
        return _joining_page(purpose, name, "The two passwords differ.")
    actor = _stranger(request, name)
    browser = request.headers.get("user-agent", "")
    try:
        account = await _in_thread(partial(people.join, actor, settings(), token, password))
        session = await _in_thread(
            partial(people.sign_in, actor, settings(), account.name, password, browser)
        )
    except UserError as error:
        return _joining_page(purpose, name, str(error), gone=str(error) == links.GONE)
    return _signed_in(request, session, "/")


async def show_account(request: Request) -> Response:
    return _account_page(request)


async def change_password(request: Request) -> Response:
    if request.scope["caller"].account is None:
        return RedirectResponse("/", 303)
    form = await _form(request)
    if form.get("password") != form.get("again"):
        return _account_page(request, "The two passwords differ. Nothing was changed.")
    here = sessions.kept_as(_token(request))
    old, new = form.get("old", ""), form.get("password", "")
    key = f"device {here}"
    guess = partial(people.change_password, _actor(request), settings(), old, new, here)
    try:
        await _guessed((key,), guess)
    except UserError as error:
        return _account_page(request, str(error))
    return _account_page(request, done="Your password was changed.")


async def end_session(request: Request) -> Response:
    if request.scope["caller"].account is None:
        return RedirectResponse("/", 303)
    form = await _form(request)
    await _in_thread(
        partial(people.end_session, _actor(request), settings(), form.get("session", ""))
    )
    return _account_page(request, done="The session was ended.")


async def _guessed(keys: Sequence[str], work: Callable[[], T]) -> T:
    """A password tried. Whether it may be is asked once its turn comes: of many sent at once, all
    but the first wait for what those came to. Raises Waits, and UserError as `work` does."""
    async with _limiter():
        if wait := LIMITS.wait(*keys):
            raise Waits(wait)
        try:
            return await to_thread.run_sync(work)
        except UserError:
            LIMITS.failed(*keys)
            raise


async def _in_thread(work: Callable[[], T]) -> T:
    """Two passwords at a time: each takes 19 MB and a core for a while."""
    return await to_thread.run_sync(work, limiter=_limiter())


def _limiter() -> CapacityLimiter:
    if not _LIMITERS:
        _LIMITERS.append(CapacityLimiter(2))
    return _LIMITERS[0]


_LIMITERS: list[CapacityLimiter] = []


async def _form(request: Request) -> dict[str, str]:
    """The fields of a form; {} for one that is too large or none."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > LARGEST:
            return {}
    try:
        fields = parse_qs(body.decode("utf-8", "replace"), True, max_num_fields=MOST_FIELDS)
    except ValueError:
        return {}
    return {name: values[-1] for name, values in fields.items()}


def _local(address: str) -> str:
    """A path of this server; the overview in place of anything else."""
    fine = address.startswith("/") and not address.startswith(("//", "/\\"))
    return address if fine and address.isprintable() else "/"


def _stranger(request: Request, name: str) -> Actor:
    """Who has yet to say who they are."""
    return Actor(name, Way.PAGE, Role.VIEWER, _address(request))


def _actor(request: Request) -> Actor:
    account = request.scope["caller"].account
    if account is None:
        raise UserError("Nobody has to sign in here.")
    return Actor(account.name, Way.PAGE, account.role, _address(request))


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


def _cookie() -> str:
    """Its name here, "" where nobody has an account."""
    storage = settings().storage
    return sessions.cookie(database.installation(storage)) if database.there(storage) else ""


def _token(request: Request) -> str:
    cookie = _cookie()
    return request.cookies.get(cookie, "") if cookie else ""


def _purpose(request: Request) -> Purpose:
    return Purpose(request.url.path.split("/")[1])


def _signed_in(request: Request, token: str, after: str) -> Response:
    response = RedirectResponse(after, 303)
    _set_cookie(request, response, _cookie(), token, settings().session_days * 86400)
    return response


def _set_cookie(request: Request, response: Response, name: str, value: str, seconds: int) -> None:
    """One that scripts cannot read, and other pages cannot send along with a form."""
    response.set_cookie(
        name,
        value,
        max_age=seconds,
        httponly=True,
        samesite="lax",
        secure=_is_https(request),
    )


def _is_https(request: Request) -> bool:
    return "https" in (request.url.scheme, request.headers.get("x-forwarded-proto", ""))


def _sign_in_page(
    after: str,
    name: str = "",
    problem: str = "",
    status: int = 200,
    more: dict[str, str] | None = None,
    left: bool = False,
) -> Response:
    """left: they just signed out here, not yet elsewhere."""
    known = elsewhere.of(settings())
    plant = known.provider.name if known and known.provider else ""
    values: dict[str, Any] = {"view": "sign-in", "title": "Sign in", "next": after}
    values |= {
        "name": name[:60],
        "plant": plant,
        "proxy": bool(known and known.proxy),
        "left": left,
    }
    return _page(values | {"problem": problem}, status, more)


def _joining_page(purpose: Purpose, name: str, problem: str = "", gone: bool = False) -> Response:
    title, words, button = JOINING[purpose]
    values = {"view": "join", "title": title, "words": "" if gone else words, "button": button}
    values |= {"name": name[:60], "problem": problem}
    fixed = purpose is Purpose.RESET
    return _page(values | {"gone": gone, "fixed": fixed}, 410 if gone else 400 if problem else 200)


def _account_page(request: Request, problem: str = "", done: str = "") -> Response:
    account = request.scope["caller"].account
    if account is None:
        return RedirectResponse("/", 303)
    here = sessions.kept_as(_token(request))
    with database.reading(settings().storage) as db:
        found = sessions.of_account(db, account.id, sessions.lifetime(settings()))
    rows = [
        {
            "id": one.id,
            "here": one.id == here,
            "address": one.address or "an unknown address",
            "browser": sessions.browser_words(one.browser),
            "since": _minute(one.created),
            "seen": _minute(one.seen),
        }
        for one in found
    ]
    values = {"view": "account", "title": "Your account", "account": account, "sessions": rows}
    values |= {"purpose": PURPOSES[account.role], "width": "40rem"}
    return _page(values | {"problem": problem, "done": done}, 400 if problem else 200)


def _minute(moment: float) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%d %H:%M}"


def _page(
    values: dict[str, Any], status: int = 200, more: dict[str, str] | None = None
) -> Response:
    limits = {"shortest": passwords.SHORTEST, "longest": passwords.LONGEST}
    text = PAGES.get_template("sign_in.html").render(limits | values)
    told = {"Content-Security-Policy": POLICY, "Cache-Control": "no-store"} | (more or {})
    return HTMLResponse(text, status, told)
