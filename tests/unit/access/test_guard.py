"""Who is let through to what."""

import pytest

from backend.access.rights import Role
from backend.actions import people
from tests.unit.access.asking import BOSS, GOOD, Asking

INSIDE = 299
PATHS = ("/", "/runs", "/media/a.png", "/_stcore/upload_file/a/b", "/static/a.js", "/sign-out")


@pytest.fixture
def ask(storage):
    return Asking(storage)


@pytest.mark.parametrize("path", [*PATHS, "/_stcore/metrics", "/sign-in", "/share/x"])
def test_without_accounts_this_computer_is_open(ask, path):
    assert ask.status(path) == INSIDE
    assert ask.get(path, kind="websocket") == ["websocket.accept"]


@pytest.mark.parametrize(
    "header",
    [
        *("forwarded", "x_forwarded_for", "x_forwarded_host", "x_forwarded_proto"),
        *("x_forwarded_port", "x_real_ip", "via"),
    ],
)
def test_without_accounts_nobody_comes_through_a_proxy(ask, header, storage):
    status, _, text = ask.get("/", **{header: "10.0.0.1"})
    assert status == 403
    assert text.startswith("Refused: this request came through a proxy")
    assert ask.get("/", kind="websocket", **{header: "x"}) == ["websocket.close"]
    assert Asking(storage, open=True).status("/", **{header: "x"}) == INSIDE
    cookie = ask.signed_in(Role.VIEWER)
    assert ask.status("/", cookie, **{header: "10.0.0.1"}) == INSIDE


def test_another_name_is_refused_with_and_without_accounts(ask, storage):
    """A page that gives its own name this server's address: DNS rebinding."""
    foreign = {"host": "evil.example:8501", "origin": "http://evil.example:8501"}
    status, _, text = ask.get("/", **foreign)
    assert status == 403
    assert "does not answer to the name 'evil.example'" in text
    assert ask.get("/", kind="websocket", **foreign) == ["websocket.close"]
    cookie = ask.signed_in(Role.ADMIN)
    for asked in (ask, Asking(storage, local=False), Asking(storage, open=True)):
        assert asked.status("/", cookie, **foreign) == 403
        assert asked.get("/", cookie, kind="websocket", **foreign) == ["websocket.close"]


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost:9999"])
def test_a_page_elsewhere_changes_nothing(ask, origin):
    cookie = ask.signed_in(Role.ADMIN)
    assert ask.status("/account/password", cookie, method="POST", origin=origin) == 403
    assert ask.get("/", cookie, kind="websocket", origin=origin) == ["websocket.close"]
    assert ask.status("/", cookie, method="POST", origin="http://localhost:8501") == INSIDE


@pytest.mark.parametrize(
    "path", ["/share/../_stcore/metrics", "/..", "//evil", "/media/..\\x", "/share/\0"]
)
def test_a_path_leads_nowhere_else(ask, path):
    assert ask.status(path) == 400
    assert ask.get(path, kind="websocket") == ["websocket.close"]


@pytest.mark.parametrize("path", PATHS)
def test_who_did_not_sign_in_sees_nothing(ask, path):
    ask.signed_in(Role.ADMIN)
    for cookie in ("", "distillery-0badcafe=x", "session=x", "\xff=;;", "distillery="):
        assert ask.status(path, cookie) in (303, 401)
        assert ask.get(path, cookie, kind="websocket") == ["websocket.close"]


def test_a_page_leads_to_the_sign_in_and_back(ask):
    ask.signed_in(Role.ADMIN)
    status, headers, _ = ask.get("/system-runs")
    assert (status, headers["location"]) == (303, "/sign-in?next=%2Fsystem-runs")
    assert ask.status("/system-runs", accept="*/*") == 401
    assert ask.status("/sign-in") == ask.status("/_stcore/health") == INSIDE


@pytest.mark.parametrize("role", list(Role))
def test_who_signed_in_sees_pages_and_only_admins_the_server_s_figures(ask, role):
    cookie = ask.signed_in(role)
    assert {ask.status(path, cookie) for path in PATHS} == {INSIDE}
    assert ask.get("/", cookie, kind="websocket") == ["websocket.accept"]
    figures = INSIDE if role is Role.ADMIN else 403
    assert ask.status("/_stcore/metrics", cookie) == figures
    assert ask.status("/_stcore/script-health-check", cookie) == figures
    for path in ("/_stcore/agent/openapi.json", "/auth/login", "/oauth2callback"):
        assert ask.status(path, cookie) == 404


def test_a_cookie_of_another_installation_is_nobody_s(ask, tmp_path):
    from backend.settings import Settings

    other = Asking(Settings(tmp_path / "other")).signed_in(Role.ADMIN)
    ask.signed_in(Role.ADMIN)
    assert ask.status("/", other) == 303


def test_elsewhere_without_accounts_only_the_set_up_is_served(storage):
    ask = Asking(storage, local=False)
    for path in (*PATHS, "/_stcore/metrics", "/sign-in", "/invitation/x", "/share/x"):
        assert ask.status(path) == 403
        assert ask.get(path, kind="websocket") == ["websocket.close"]
    assert ask.status("/set-up/x") == ask.status("/_stcore/health") == INSIDE
    people.add(BOSS, storage, "Ada", Role.ADMIN, GOOD)
    assert ask.status("/sign-in") == INSIDE
    assert ask.status("/") == 303


@pytest.mark.parametrize("place", ["share", "invitation", "new-password", "set-up"])
def test_nothing_lies_below_what_is_for_anybody(storage, place):
    """Streamlit would answer it with its own page."""
    ask = Asking(storage, local=False)
    assert ask.status(f"/{place}/x/_stcore/stream") == 403
    people.add(BOSS, storage, "Ada", Role.ADMIN, GOOD)
    assert ask.status(f"/{place}/x") == INSIDE
    for path in (f"/{place}/x/y", f"/{place}/_stcore/stream", f"/{place}/static/a.js"):
        assert ask.status(path) == 303
        assert ask.get(path, kind="websocket") == ["websocket.close"]


def test_open_to_all_means_all_until_somebody_has_an_account(storage):
    ask = Asking(storage, local=False, open=True)
    assert ask.status("/") == INSIDE
    people.add(BOSS, storage, "Ada", Role.ADMIN, GOOD)
    assert ask.status("/") == 303


def test_every_answer_tells_the_browser_what_it_may(ask):
    for answer in (ask.get("/"), ask.get("/", host="evil.example")):
        headers = answer[1]
        assert headers["x-content-type-options"] == "nosniff"
        assert "frame-ancestors 'self'" in headers["content-security-policy"]
        assert headers["referrer-policy"] == "same-origin"
        assert "microphone=()" in headers["permissions-policy"]


def test_a_name_given_is_answered_to_once_somebody_has_to_sign_in(storage):
    ask = Asking(storage, names=("inspect.plant.example",))
    assert ask.status("/", host="inspect.plant.example") == 403
    assert (
        Asking(storage, names=("inspect.plant.example",), open=True).status(
            "/", host="inspect.plant.example"
        )
        == INSIDE
    )
    cookie = ask.signed_in(Role.VIEWER)
    assert ask.status("/", cookie, host="inspect.plant.example") == INSIDE


def test_a_file_that_cannot_be_asked_closes_the_websocket(ask, monkeypatch):
    cookie = ask.signed_in(Role.VIEWER)
    assert ask.status("/", cookie) == INSIDE
    token = cookie.split("=")[1]
    before = ask.guard.caller(token)
    assert ask.guard._stays(token, before)
    ask.guard._database.close()
    assert not ask.guard._stays(token, before)
