"""Whom a proxy names: believed with the shared secret, else refused."""

from dataclasses import replace

import pytest

from backend.access import accounts, elsewhere
from backend.access.rights import Role
from backend.actions import people
from backend.core.audit import Actor, Way
from pages.ui import sign_in
from tests.unit.access.browsing import Browser, guarded

BOSS = Actor("Boss", Way.COMMAND_LINE, Role.ADMIN)
GOOD = "correct horse battery"
SECRET = "0123456789abcdef0123456789abcdef"
ROLES = '[roles]\nquality = "engineer"\nvisitors = "viewer"\n'
ADA = {"x-remote-user": "ada", "x-remote-groups": "canteen, quality"}
TRUSTED = {"x-distillery-secret": SECRET}


@pytest.fixture
def behind(storage, tmp_path, monkeypatch):
    """`behind(more)`: the settings and the pages of a server behind a proxy."""

    def made(more=""):
        path = tmp_path / "sign-in.toml"
        path.write_text(f'[proxy]\nsecret = "{SECRET}"\n{more}\n{ROLES}')
        chosen = replace(storage, sign_in=path)
        monkeypatch.setattr(sign_in, "settings", lambda: chosen)
        return chosen, guarded(chosen, elsewhere=elsewhere.of(chosen))

    return made


def enter(browser, path="/alive"):
    """Follow the sign-in as a browser does; the status of what was asked for at last."""
    answer = browser.ask(path)
    if answer.status_code == 401:
        answer = browser.ask("/sign-in?next=/alive")
        answer = browser.ask("/alive") if answer.status_code == 303 else answer
    return answer.status_code


def everybody(settings):
    return {one.name: one.role for one in accounts.everybody(settings.storage)}


def test_who_is_named_comes_in_by_their_groups(behind):
    chosen, app = behind()
    browser = Browser(app, **ADA, **TRUSTED)
    assert enter(browser) == 204
    assert everybody(chosen) == {"ada": Role.ENGINEER}
    assert "ada" in browser.ask("/account").text


@pytest.mark.parametrize(
    "sent",
    [
        ADA,
        ADA | {"x-distillery-secret": ""},
        ADA | {"x-distillery-secret": SECRET[:-1]},
        ADA | {"x-distillery-secret": SECRET + "x"},
        ADA | {"x-distillery-secret": "é" * 32},
        {"x-remote-groups": "quality"},
    ],
    ids=str,
)
def test_nobody_else_names_a_person(behind, sent):
    chosen, app = behind()
    browser = Browser(app)
    raw = {name: value.encode() for name, value in sent.items()}
    for path in ("/", "/sign-in", "/alive", "/_stcore/health"):
        answer = browser.ask(path, **raw)
        assert answer.status_code == 403 and "as only the plant's proxy may" in answer.text
    assert everybody(chosen) == {}


def test_a_name_sent_twice_is_refused(behind):
    _, app = behind()
    twice = [("x-remote-user", "ada"), ("x-remote-user", "root"), ("x-distillery-secret", SECRET)]
    asked = [("host", "localhost:8501"), *twice]
    pairs = [(name.encode(), value.encode()) for name, value in asked]
    scope = {"type": "http", "path": "/alive", "query_string": b"", "headers": pairs}
    refusal = app._refusal(scope | {"scheme": "http", "method": "GET"})
    assert refusal.status_code == 403


def test_the_secret_goes_no_further(behind):
    _, app = behind()
    pairs = [(b"host", b"localhost:8501"), (b"x-distillery-secret", SECRET.encode())]
    scope = {"type": "http", "path": "/sign-in", "query_string": b"", "headers": pairs}
    scope |= {"scheme": "http", "method": "GET"}
    assert app._refusal(scope) is None
    assert scope["headers"] == pairs[:1]


def test_another_person_or_role_at_the_proxy_ends_the_session(behind):
    chosen, app = behind()
    browser = Browser(app, **ADA, **TRUSTED)
    assert enter(browser) == 204
    browser.sent |= {"x-remote-user": "eve"}
    assert browser.ask("/alive").status_code == 401
    assert enter(browser) == 204
    assert everybody(chosen) == {"ada": Role.ENGINEER, "eve": Role.ENGINEER}
    browser.sent |= {"x-remote-groups": "visitors"}
    assert browser.ask("/alive").status_code == 401
    assert enter(browser) == 204
    assert everybody(chosen)["eve"] is Role.VIEWER
    browser.sent |= {"x-remote-groups": ""}
    assert enter(browser) == 403
    people.disable(BOSS, chosen, "ada")
    assert enter(Browser(app, **ADA, **TRUSTED)) == 403


def test_names_and_headers_are_the_proxy_s_own(behind):
    more = 'user_header = "Remote-User"\ngroups_header = "Remote-Groups"\nseparator = "|"'
    chosen, app = behind(more=more)
    sent = {"remote-user": "Jürgen Groß".encode(), "remote-groups": b"a|visitors"}
    assert enter(Browser(app, **sent, **TRUSTED)) == 204
    assert everybody(chosen) == {"Jürgen Groß": Role.VIEWER}


def test_who_the_proxy_does_not_name_signs_in_by_password(behind):
    chosen, app = behind()
    people.add(BOSS, chosen, "Bo", Role.ADMIN, GOOD)
    browser = Browser(app, **TRUSTED)
    assert browser.ask("/alive").status_code == 401
    assert browser.ask("/sign-in", {"name": "Bo", "password": GOOD}).status_code == 303
    assert browser.ask("/alive").status_code == 204


def test_after_signing_out_nobody_is_signed_in_again_unasked(behind):
    _, app = behind()
    browser = Browser(app, **ADA, **TRUSTED)
    enter(browser)
    left = browser.ask("/sign-out", {"x": "1"}).headers["location"]
    page = browser.ask(left)
    assert page.status_code == 200 and "You are signed out here" in page.text
    assert browser.ask("/alive").status_code == 401


def test_where_no_proxy_is_trusted_such_headers_mean_nothing(storage, monkeypatch):
    monkeypatch.setattr(sign_in, "settings", lambda: storage)
    people.add(BOSS, storage, "Bo", Role.ADMIN, GOOD)
    browser = Browser(guarded(storage), **ADA, **TRUSTED)
    assert browser.ask("/alive").status_code == 401
    assert browser.ask("/sign-in").status_code == 200
