"""The real server on an address that is not localhost: nobody comes in by a side door."""

import re

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from backend.access import database, socket_watch
from backend.access.rights import Role
from backend.actions import people
from backend.core.audit import Actor, Way
from tests.jobs.visitor import PATIENCE, Visitor, rerun, routes, serving

BOSS = Actor("Boss", Way.COMMAND_LINE, Role.ADMIN)
GOOD = "correct horse battery"
HANDED_OVER = ("/sign-in", "/invitation/", "/new-password/", "/set-up/", "/_stcore/health")
ADMINS = ("/_stcore/metrics", "/_stcore/script-health-check")
NOBODY = ("/_stcore/agent", "/auth/", "/oauth2callback")


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """The server before anybody has an account: its address, its storage and its link."""
    with serving(tmp_path_factory.mktemp("guarded")) as started:
        yield started


@pytest.fixture(scope="module")
def admin(running):
    """Whoever took up the printed link; nothing else was served before."""
    address, _, link = running
    visitor = Visitor(address)
    for path in ("/", "/sign-in", "/_stcore/metrics", "/media/x", "/share/x", "/set-up"):
        assert visitor.ask(path)[0] == 403
    assert visitor.ask("/_stcore/health")[0] == 200
    with pytest.raises(InvalidStatus), visitor.websocket():
        pass
    assert visitor.ask(link)[0] == 200
    assert visitor.post("/set-up/wrong", name="Eve", password=GOOD, again=GOOD)[0] == 410
    status, headers, _ = visitor.post(link, name="Ada", password=GOOD, again=GOOD)
    assert status == 303
    replayed = Visitor(address).post(link, name="Eve", password=GOOD, again=GOOD)
    assert replayed[0] == 410
    assert "used already" in replayed[2]
    visitor.keep_cookie(headers)
    assert "HttpOnly" in headers["Set-Cookie"] and "SameSite=lax" in headers["Set-Cookie"]
    return visitor


@pytest.fixture(scope="module")
def visitors(running, admin):
    """Role → somebody who signed in with it, and "nobody"."""
    address, storage, _ = running
    found = {"nobody": Visitor(address), Role.ADMIN: admin}
    for role in (Role.VIEWER, Role.ENGINEER):
        people.add(BOSS, storage, role, role, GOOD)
        found[role] = Visitor(address)
        status, headers, _ = found[role].post("/sign-in", name=role, password=GOOD, next="/")
        assert status == 303
        found[role].keep_cookie(headers)
    return found


def right_answer(path, who):
    """Which statuses are right for a route that this visitor asks for."""
    if path.startswith(NOBODY):
        return {404}
    if path.startswith(HANDED_OVER):
        return {200, 410}
    if path.startswith("/oidc/"):  # nobody signs in elsewhere here
        return {303}
    if path.startswith("/share"):
        return {200, 403, 404, 410}
    if who == "nobody":
        return {303, 401}
    if path.startswith(ADMINS) and who is not Role.ADMIN:
        return {403}
    return {200, 204, 303, 400, 404, 405}  # handed over; whether there is such a thing or not


def test_every_route_answers_as_it_should(visitors):
    found = routes()
    kinds = {kind for _, _, kind in found}
    assert {"Route", "WebSocketRoute", "Mount"} <= kinds
    assert {"/_stcore/health", "/_stcore/metrics", "/alive", "/account"} <= {p for p, _, _ in found}
    for path, methods, kind in found:
        asked = re.sub(r"\{[^}]*\}", "x", path) or "/"
        for who, visitor in visitors.items():
            if kind == "WebSocketRoute":
                assert opens(visitor) is (who != "nobody")
            elif "GET" in methods or kind == "Mount":
                status = visitor.ask(asked)[0]
                assert status in right_answer(asked, who), (asked, who, status)
            elif who == "nobody" and not asked.startswith((*NOBODY, *HANDED_OVER)):
                for method in set(methods) - {"OPTIONS"}:
                    assert visitor.ask(asked, method)[0] in (401, 404), (asked, method)


def opens(visitor, **sent):
    try:
        with visitor.websocket(**sent):
            return True
    except InvalidStatus:
        return False


def test_the_pages_themselves_lead_to_the_sign_in(visitors):
    for path in ("/", "/system-runs", "/access-people", "/no-such-page"):
        status, headers, _ = visitors["nobody"].ask(path)
        assert (status, headers["Location"].split("?")[0]) == (303, "/sign-in")
        assert visitors[Role.VIEWER].ask(path)[0] == 200


def test_a_foreign_name_or_page_is_refused_by_http_and_websocket(visitors):
    foreign = {"Host": "evil.example", "Origin": "http://evil.example"}
    assert visitors[Role.ADMIN].ask("/", **foreign)[0] == 403
    assert not opens(visitors[Role.ADMIN], Origin="http://evil.example")
    assert opens(visitors[Role.ADMIN], Origin=visitors[Role.ADMIN].address)


@pytest.mark.parametrize(
    "path", ["/share/../_stcore/metrics", "/share/%2e%2e/account", "/sign-in/..%5c", "//evil"]
)
def test_a_path_leads_nowhere_else(visitors, path):
    assert visitors["nobody"].ask(path)[0] == 400


@pytest.mark.parametrize("after", ["//evil.example", "/\\evil", "http://evil", "/a\r\nX-Bad: 1"])
def test_the_way_back_stays_here_and_adds_no_header(visitors, after):
    who = Visitor(visitors["nobody"].address)
    status, headers, _ = who.post("/sign-in", name="viewer", password=GOOD, next=after)
    assert (status, headers["Location"], headers["X-Bad"]) == (303, "/", None)


def test_what_is_typed_is_shown_as_text(visitors):
    _, _, text = visitors["nobody"].post("/sign-in", name='"><script>', password="x", next="/")
    assert "<script" not in text


def test_a_forged_message_of_a_viewer_changes_nothing(visitors, running):
    """The button of a page that is an admin's: the same message is obeyed from one alone."""
    backups = running[1].backups
    with visitors[Role.ADMIN].websocket() as opened:
        pages, _ = rerun(opened)
        page = pages["system-storage"]
        _, buttons = rerun(opened, page)
    press = buttons["Back up now"]
    with visitors[Role.VIEWER].websocket() as opened:
        rerun(opened, page)
        rerun(opened, page, press)
    assert not backups.exists()
    with visitors[Role.ADMIN].websocket() as opened:
        rerun(opened, page)
        rerun(opened, page, press)
    assert len(list(backups.iterdir())) == 1


def test_a_viewer_sees_no_page_of_people(visitors):
    with visitors[Role.VIEWER].websocket() as opened:
        pages, _ = rerun(opened)
        _, buttons = rerun(opened, pages["access-people"])
    assert "Make an invitation link" not in buttons


@pytest.mark.parametrize("how", ["disabled", "another role", "signed out", "new password"])
def test_an_open_websocket_closes_with_its_session(running, visitors, how):
    address, storage, _ = running
    assert socket_watch.EVERY <= 2.5, "it closes within 5 s"
    name = f"Eve {how}"
    people.add(BOSS, storage, name, Role.ENGINEER, GOOD)
    eve = Visitor(address)
    eve.keep_cookie(eve.post("/sign-in", name=name, password=GOOD, next="/")[1])
    with eve.websocket() as opened:
        rerun(opened)
        if how == "disabled":
            people.disable(BOSS, storage, name)
        elif how == "another role":
            people.set_role(BOSS, storage, name, Role.VIEWER)
        elif how == "new password":
            people.set_password(BOSS, storage, name, GOOD + GOOD)
        else:
            assert eve.post("/sign-out")[0] == 303
        with pytest.raises(ConnectionClosed) as closed:
            while True:
                opened.recv(timeout=PATIENCE)
    assert closed.value.rcvd.code == socket_watch.ENDED
    assert opens(eve) is (how == "another role")


def test_guessing_is_slowed_down_and_nobody_is_locked_out(visitors, running):
    people.add(BOSS, running[1], "Guessed", Role.VIEWER, GOOD)
    who = Visitor(visitors["nobody"].address)
    answers = [who.post("/sign-in", name="Guessed", password="wrong", next="/") for _ in range(7)]
    assert [status for status, _, _ in answers][-1] == 429
    assert int(answers[-1][1]["Retry-After"]) <= 60


def test_the_file_of_accounts_is_in_the_storage_folder(running, admin):
    assert (running[1].storage / database.NAME).exists()
