"""Waits between failures: they grow, they end, nobody is locked out, least of all by others."""

import pytest

from backend.access import devices, limits
from backend.access.limits import Limits
from backend.access.rights import Role
from backend.actions import people
from backend.core.audit import Actor, Way
from pages.ui import sign_in
from tests.unit.access.browsing import Browser, guarded

GOOD = "correct horse battery"


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def test_waits_grow_to_a_minute_and_end():
    clock = Clock()
    tries = Limits(clock)
    for _ in range(limits.FREE["name"]):
        tries.failed("name ada at 1", "address 1")
    assert tries.wait("name ada at 1") == 0
    tries.failed("name ada at 1")
    assert tries.wait("name ada at 1", "address 2") == 2
    for _ in range(20):
        tries.failed("name ada at 1")
    assert tries.wait("name ada at 1") == limits.LONGEST
    clock.now = limits.LONGEST
    assert tries.wait("name ada at 1") == 0
    tries.failed("name ada at 1")
    assert tries.wait("name ada at 1") == limits.LONGEST
    clock.now += limits.REMEMBERED + 1
    tries.failed("name ada at 1")
    assert tries.wait("name ada at 1") == 0


def test_success_forgets_and_memory_is_bounded(monkeypatch):
    monkeypatch.setattr(limits, "MOST", 3)
    tries = Limits(Clock())
    for _ in range(9):
        tries.failed("name a at 1")
    tries.succeeded("name a at 1")
    assert tries.wait("name a at 1") == 0
    for k in range(10):
        tries.failed(f"name {k} at 1")
    assert len(tries._failed) == 3


@pytest.fixture
def ada(storage, monkeypatch):
    """`ada(browser, password)`: the status of a sign-in as Ada."""
    monkeypatch.setattr(sign_in, "settings", lambda: storage)
    monkeypatch.setattr(sign_in, "LIMITS", Limits(Clock()))
    monkeypatch.setattr(people.passwords, "fits", lambda given, kept: given == GOOD)
    people.add(Actor("", Way.COMMAND_LINE, Role.ADMIN), storage, "Ada", Role.ADMIN, GOOD)

    def tried(browser, password):
        monkeypatch.setattr(sign_in, "_LIMITERS", [])  # each request has a loop of its own
        return browser.ask("/sign-in", {"name": "Ada", "password": password}).status_code

    return tried


@pytest.fixture
def at(storage, monkeypatch):
    """`at(address)`: a browser at that address."""
    app = guarded(storage)

    def made(address):
        browser = Browser(app)

        def ask(*words, **named):
            monkeypatch.setattr(sign_in, "_address", lambda request: address)
            return Browser.ask(browser, *words, **named)

        monkeypatch.setattr(browser, "ask", ask)
        return browser

    return made


def guessed(ada, stranger):
    """A stranger who guesses until they have to wait."""
    assert [ada(stranger, "wrong") for _ in range(7)][-1] == 429


def test_a_stranger_who_guesses_makes_nobody_elsewhere_wait(ada, at):
    guessed(ada, at("10.0.0.1"))
    assert ada(at("10.0.0.1"), GOOD) == 429
    assert ada(at("10.0.0.2"), GOOD) == 303


def test_a_known_browser_does_not_wait_for_a_stranger_at_its_address(ada, at):
    known = at("10.0.0.1")
    assert ada(known, GOOD) == 303
    guessed(ada, at("10.0.0.1"))
    assert ada(known, GOOD) == 303
    guessed(ada, known)
    assert ada(known, GOOD) == 429, "its own guesses count"


def test_a_mark_is_for_one_name_and_cannot_be_made_up(ada, at, storage):
    home = storage.storage
    mark = devices.mark(home, "Ada")
    assert devices.is_marked(home, "ADA", mark)
    chance, _, signed = mark.partition(".")
    for forged in ("", ".", mark + "0", f"{chance}x.{signed}", f"{chance}.", "é.é"):
        assert not devices.is_marked(home, "Ada", forged)
    assert not devices.is_marked(home, "Eve", mark)
