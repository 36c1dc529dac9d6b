"""The plain pages of signing in, asked as a browser or a stranger's program asks."""

import asyncio

import httpx
import pytest
from starlette.applications import Starlette

from backend.access import limits
from backend.access.guard import Guard, Rules
from backend.access.limits import Limits
from backend.access.rights import Role
from backend.access.sessions import Lifetime
from backend.actions import people
from backend.core.audit import Actor, Way
from pages.ui import sign_in

GOOD = "correct horse battery"


@pytest.fixture
def ask(storage, monkeypatch):
    """Posts forms to the server, all at once; the statuses of the answers."""
    monkeypatch.setattr(sign_in, "settings", lambda: storage)
    monkeypatch.setattr(sign_in, "LIMITS", Limits())
    monkeypatch.setattr(sign_in, "_LIMITERS", [])
    rules = Rules(storage.storage, Lifetime(3600, 7200), local=True)
    app = Guard(Starlette(routes=sign_in.routes()), rules)

    async def posted(path, forms):
        where = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=where, base_url="http://localhost:8501") as client:
            return await asyncio.gather(*(client.post(path, data=form) for form in forms))

    return lambda path, *forms: [one.status_code for one in asyncio.run(posted(path, forms))]


def test_guesses_sent_at_once_wait_as_those_sent_one_by_one(ask, storage, monkeypatch):
    people.add(Actor("", Way.COMMAND_LINE, Role.ADMIN), storage, "Ada", Role.ADMIN, GOOD)
    tried = []
    monkeypatch.setattr(people.passwords, "fits", lambda password, kept: bool(tried.append(1)))
    found = ask("/sign-in", *({"name": "Ada", "password": f"guess {k}"} for k in range(30)))
    assert set(found) == {403, 429}
    assert len(tried) <= limits.FREE["name"] + 2


@pytest.mark.parametrize("path", ["/sign-in", "/invitation/x", "/set-up/x"])
def test_a_form_with_too_much_in_it_is_refused(ask, path):
    assert ask(path, {f"field-{k}": "x" for k in range(50)})[0] in (400, 403, 410)
    assert ask(path, {"password": "x" * 2 * sign_in.LARGEST})[0] in (400, 403, 410)


@pytest.mark.parametrize("path", ["/account/password", "/account/end-session"])
def test_where_nobody_has_an_account_there_is_none_to_change(ask, path):
    assert ask(path, {"password": GOOD}) == [303]
