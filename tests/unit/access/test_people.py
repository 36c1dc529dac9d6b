"""Accounts, sessions and one-time links, through the actions that change them."""

import sqlite3
import tarfile
import time
from datetime import UTC, datetime, timedelta

import pytest
from argon2 import PasswordHasher
from click.testing import CliRunner

from backend.__main__ import main
from backend.access import accounts, database, devices, known_as, links, passwords, sessions
from backend.access.elsewhere import Outsider
from backend.access.rights import Role
from backend.access.sessions import Lifetime
from backend.actions import people
from backend.core import audit, chain, maintenance
from backend.core.audit import Actor, Way
from backend.records import UserError
from backend.settings import settings

BOSS = Actor("Boss", Way.COMMAND_LINE, Role.ADMIN)
GOOD = "correct horse battery"
LASTING = Lifetime(idle=3600, whole=7200)


def newcomer(name):
    return Actor(name, Way.PAGE, Role.VIEWER, "10.0.0.7")


@pytest.fixture
def ada(storage):
    return people.add(BOSS, storage, "Ada", Role.ADMIN, GOOD)


def owner(storage, token, lifetime=LASTING):
    with database.reading(storage.storage) as db:
        return sessions.whose(db, token, lifetime)


def test_who_has_an_account_signs_in_and_out(storage, ada):
    token = people.sign_in(newcomer("ADA"), storage, "ADA", GOOD, "Firefox")
    assert owner(storage, token) == ada
    people.sign_out(Actor("Ada", Way.PAGE, Role.ADMIN), storage, token)
    assert owner(storage, token) is None
    done = [(line.action, line.actor, line.address) for line in audit.newest(storage.storage)]
    assert done[:2] == [("sign out", "Ada", ""), ("sign in", "Ada", "10.0.0.7")]


def test_the_file_holds_neither_password_nor_token_and_is_its_owner_s(storage, ada):
    token = people.sign_in(newcomer("Ada"), storage, "Ada", GOOD, "")
    path = storage.storage / database.NAME
    assert path.stat().st_mode & 0o777 == 0o600
    assert token.encode() not in path.read_bytes()
    assert GOOD.encode() not in path.read_bytes()
    assert b"$argon2id$" in path.read_bytes()


@pytest.mark.parametrize(("name", "password"), [("Ada", "wrong"), ("Eve", GOOD), ("Ada", "")])
def test_a_wrong_name_and_a_wrong_password_are_told_alike(storage, ada, name, password):
    with pytest.raises(UserError) as raised:
        people.sign_in(newcomer(name), storage, name, password, "")
    assert str(raised.value) == people.WRONG


def test_a_refused_sign_in_is_in_the_journal(storage, ada):
    with pytest.raises(UserError):
        people.sign_in(newcomer("Ada"), storage, "Ada", "wrong", "")
    [line, _] = audit.newest(storage.storage)
    assert (line.actor, line.action, line.address) == ("Ada", "was refused", "10.0.0.7")


@pytest.mark.parametrize("password", ["", "eleven char", "x" * 201])
def test_a_password_has_twelve_characters_at_least(storage, password):
    with pytest.raises(UserError, match="The password"):
        people.add(BOSS, storage, "Ada", Role.VIEWER, password)
    assert accounts.everybody(storage.storage) == []


@pytest.mark.parametrize("name", ["", " ", "a\r\nSet-Cookie: x=1", "<b>", "a/b", "a  b", "x" * 61])
def test_a_name_is_plain(storage, name):
    with pytest.raises(UserError, match="A name has letters"):
        people.add(BOSS, storage, name, Role.VIEWER, GOOD)


def test_a_name_is_taken_whatever_its_case(storage, ada):
    with pytest.raises(UserError, match="already"):
        people.add(BOSS, storage, "ａDA", Role.VIEWER, GOOD)


def test_disabling_ends_sessions_and_refuses_the_next(storage, ada):
    people.add(BOSS, storage, "Eve", Role.ENGINEER, GOOD)
    token = people.sign_in(newcomer("Eve"), storage, "Eve", GOOD, "")
    people.disable(BOSS, storage, "Eve")
    assert owner(storage, token) is None
    with pytest.raises(UserError):
        people.sign_in(newcomer("Eve"), storage, "Eve", GOOD, "")
    people.enable(BOSS, storage, "Eve")
    assert people.sign_in(newcomer("Eve"), storage, "Eve", GOOD, "")


def test_the_last_admin_stays(storage, ada):
    with pytest.raises(UserError, match="last admin"):
        people.disable(BOSS, storage, "Ada")
    with pytest.raises(UserError, match="last admin"):
        people.set_role(BOSS, storage, "Ada", Role.VIEWER)
    people.add(BOSS, storage, "Eve", Role.ADMIN, GOOD)
    people.set_role(BOSS, storage, "Ada", Role.VIEWER)
    assert {one.name: one.role for one in accounts.everybody(storage.storage)} == {
        "Ada": Role.VIEWER,
        "Eve": Role.ADMIN,
    }


def test_an_invitation_is_used_once(storage, ada):
    token = people.invite(BOSS, storage, "Eve", Role.ENGINEER).split("/")[-1]
    with pytest.raises(UserError, match="at least 12"):
        people.join(newcomer("Eve"), storage, token, "short")
    assert people.join(newcomer("Eve"), storage, token, GOOD).role is Role.ENGINEER
    with pytest.raises(UserError, match="used already"):
        people.join(newcomer("Mallory"), storage, token, GOOD)
    assert len(accounts.everybody(storage.storage)) == 2


def test_a_reset_ends_the_password_and_its_link_sets_another(storage, ada):
    old = people.sign_in(newcomer("Ada"), storage, "Ada", GOOD, "")
    token = people.reset(BOSS, storage, "Ada").split("/")[-1]
    assert owner(storage, old) is None
    with pytest.raises(UserError):
        people.sign_in(newcomer("Ada"), storage, "Ada", GOOD, "")
    people.join(newcomer("somebody else"), storage, token, "another long one")
    assert people.sign_in(newcomer("Ada"), storage, "Ada", "another long one", "")
    assert len(accounts.everybody(storage.storage)) == 1


def test_nobody_loses_the_page_that_shows_the_link_to_their_own_password(storage, ada):
    with pytest.raises(UserError, match="Change your own password"):
        people.reset(Actor("Ada", Way.PAGE, Role.ADMIN), storage, "Ada")
    assert people.sign_in(newcomer("Ada"), storage, "Ada", GOOD, "")


def test_the_journal_names_whose_password_it_was_whatever_was_typed(storage, ada):
    token = people.reset(BOSS, storage, "Ada").split("/")[-1]
    people.join(newcomer("Somebody Else"), storage, token, "another long one")
    assert audit.newest(storage.storage)[0].actor == "Ada"


@pytest.mark.parametrize("end", ["disable", "set_password"])
def test_a_link_to_a_new_password_ends_with_what_it_was_for(storage, ada, end):
    people.add(BOSS, storage, "Eve", Role.ENGINEER, GOOD)
    token = people.reset(BOSS, storage, "Eve").split("/")[-1]
    if end == "disable":
        people.disable(BOSS, storage, "Eve")
    else:
        people.set_password(BOSS, storage, "Eve", "another long one")
    with pytest.raises(UserError, match="used already"):
        people.join(newcomer("Eve"), storage, token, GOOD)


def test_a_second_invitation_makes_the_first_void(storage, ada):
    first = people.invite(BOSS, storage, "Eve", Role.ADMIN).split("/")[-1]
    second = people.invite(BOSS, storage, "Eve", Role.VIEWER).split("/")[-1]
    with pytest.raises(UserError, match="used already"):
        people.join(newcomer("Mallory"), storage, first, GOOD)
    assert people.join(newcomer("Eve"), storage, second, GOOD).role is Role.VIEWER


def test_an_invitation_is_listed_until_it_is_taken_up_or_back(storage, ada):
    assert links.invitations(storage.storage) == []
    tokens = {
        name: people.invite(BOSS, storage, name, Role.VIEWER).split("/")[-1]
        for name in ("Bo", "Eve")
    }
    waiting = links.invitations(storage.storage)
    assert [(one.name, one.role) for one in waiting] == [("Bo", Role.VIEWER), ("Eve", Role.VIEWER)]
    people.take_back(BOSS, storage, "Eve")
    with pytest.raises(UserError, match="used already"):
        people.join(newcomer("Eve"), storage, tokens["Eve"], GOOD)
    with pytest.raises(UserError, match="Nobody is invited as 'Eve'"):
        people.take_back(BOSS, storage, "Eve")
    people.join(newcomer("Bo"), storage, tokens["Bo"], GOOD)
    assert links.invitations(storage.storage) == []
    assert audit.newest(storage.storage)[1].action == "take back invitation"


def test_the_command_line_lists_who_is_invited_and_takes_it_back(storage, ada, monkeypatch):
    monkeypatch.setenv("DISTILLERY_STORAGE", str(storage.storage))
    settings.cache_clear()
    people.invite(BOSS, storage, "Eve", Role.VIEWER)
    who = Outsider("https://plant", "s-1", "bo", Role.VIEWER)
    people.sign_in_elsewhere(newcomer("bo"), storage, who, (), "Firefox")
    listed = CliRunner().invoke(main, ["user", "list"]).output.splitlines()
    assert [line.split()[:2] for line in listed] == [
        ["Ada", "admin"],
        ["bo", "viewer"],
        ["Eve", "viewer"],
    ]
    assert listed[1].endswith("signs in elsewhere") and "invited until" in listed[2]
    assert CliRunner().invoke(main, ["user", "uninvite", "Eve"]).exit_code == 0
    assert links.invitations(storage.storage) == []
    assert CliRunner().invoke(main, ["user", "uninvite", "Eve"]).exit_code == 2


def test_an_invitation_that_ran_out_is_not_listed(storage, ada, monkeypatch):
    people.invite(BOSS, storage, "Bo", Role.VIEWER)
    later = time.time() + links.LASTS + 1
    monkeypatch.setattr(links.time, "time", lambda: later)
    assert links.invitations(storage.storage) == []


def test_a_hash_of_other_settings_is_made_anew_at_the_next_sign_in(storage, ada):
    old = PasswordHasher(time_cost=1, memory_cost=8 * 1024, parallelism=1).hash(GOOD)
    with database.writing(storage.storage) as db:
        accounts.set_password(db, ada.id, old)
    people.sign_in(newcomer("Ada"), storage, "Ada", GOOD, "")
    kept = accounts.row_at(storage.storage, "Ada")["password"]
    assert kept != old and passwords.fits(GOOD, kept)
    people.sign_in(newcomer("Ada"), storage, "Ada", GOOD, "")
    assert accounts.row_at(storage.storage, "Ada")["password"] == kept


def test_a_file_of_the_version_before_gets_what_is_new(storage, ada):
    with sqlite3.connect(storage.storage / database.NAME) as db:
        db.execute("DROP TABLE known_as")
        db.execute("DROP TABLE device_key")
    assert known_as.everybody(storage.storage) == set()
    people.sign_in(newcomer("Ada"), storage, "Ada", GOOD, "")
    assert devices.is_marked(storage.storage, "Ada", devices.mark(storage.storage, "Ada"))
    assert accounts.everybody(storage.storage) == [ada]


def test_a_set_up_link_is_void_once_somebody_is_there(storage):
    first = people.set_up_link(BOSS, storage).split("/")[-1]
    second = people.set_up_link(BOSS, storage).split("/")[-1]
    with pytest.raises(UserError, match="used already"):
        people.join(newcomer("Eve"), storage, first, GOOD)
    people.add(BOSS, storage, "Ada", Role.ADMIN, GOOD)
    with pytest.raises(UserError, match="used already"):
        people.join(newcomer("Eve"), storage, second, GOOD)


def test_a_changed_password_ends_the_other_sessions(storage, ada):
    here, there = (people.sign_in(newcomer("Ada"), storage, "Ada", GOOD, "") for _ in "ab")
    me = Actor("Ada", Way.PAGE, Role.ADMIN)
    with pytest.raises(UserError, match="old password is wrong"):
        people.change_password(me, storage, "wrong", "another long one", sessions.kept_as(here))
    people.change_password(me, storage, GOOD, "another long one", sessions.kept_as(here))
    assert owner(storage, here) == owner(storage, here) is not None
    assert owner(storage, there) is None


def test_one_ends_no_session_of_somebody_else(storage, ada):
    people.add(BOSS, storage, "Eve", Role.VIEWER, GOOD)
    token = people.sign_in(newcomer("Ada"), storage, "Ada", GOOD, "")
    people.end_session(newcomer("Eve"), storage, sessions.kept_as(token))
    assert owner(storage, token) == ada


def test_a_session_ends_by_itself(storage, ada, monkeypatch):
    token = people.sign_in(newcomer("Ada"), storage, "Ada", GOOD, "")
    now = sessions.time.time()
    for later, use, alive in ((3500, True, True), (7000, True, True), (7300, True, False)):
        monkeypatch.setattr(sessions.time, "time", lambda moment=now + later: moment)
        assert (owner(storage, token) is not None) is alive
        with database.writing(storage.storage) as db:
            sessions.note_use(db, token) if use else None
    monkeypatch.setattr(sessions.time, "time", lambda: now + 3700)
    other = people.sign_in(newcomer("Ada"), storage, "Ada", GOOD, "")
    monkeypatch.setattr(sessions.time, "time", lambda: now + 7301)
    assert owner(storage, other) is None


def test_an_unknown_token_is_nobody_s(storage, ada):
    for token in ("", "x", "é" * 40):
        assert owner(storage, token) is None


def test_what_fails_is_not_half_written(storage, ada):
    with pytest.raises(sqlite3.OperationalError), database.writing(storage.storage) as db:
        accounts.set_password(db, ada.id, "")
        db.execute("SELECT nothing FROM nowhere")
    assert people.sign_in(newcomer("Ada"), storage, "Ada", GOOD, "")


def test_passwords_are_the_same_however_they_are_typed():
    kept = passwords.hashed("ｐässword-ä-long".replace("ｐ", "p"))
    assert passwords.fits("pa\u0308ssword-a\u0308-long", kept)
    assert not passwords.fits("passwort-a-long", kept)
    assert not passwords.fits("", "")


def test_accounts_are_in_a_backup_that_its_owner_alone_reads(storage, ada, tmp_path):
    path = maintenance.backup(storage, tmp_path / "all.tar")
    assert path.stat().st_mode & 0o777 == 0o600
    with tarfile.open(path) as kept:
        kept.extractall(tmp_path / "restored", filter="data")
    assert accounts.everybody(tmp_path / "restored") == [ada]
    maintenance.reindex(storage)
    assert accounts.everybody(storage.storage) == [ada]


def test_names_of_long_ago_are_forgotten_and_the_chain_still_holds(storage, ada, monkeypatch):
    old = datetime.now(UTC) - timedelta(days=400)
    monkeypatch.setattr(audit.runs, "now", lambda: old)
    people.change_password(Actor("Ada", Way.PAGE), storage, GOOD, "another long one", "")
    monkeypatch.undo()
    people.disable(BOSS, storage, people.add(BOSS, storage, "Eve", Role.VIEWER, GOOD).name)
    path = storage.storage / audit.JOURNAL
    assert audit.forget_names(storage.storage, days=365) == 1
    assert audit.forget_names(storage.storage, days=365) == 0
    assert "Ada" not in [line.actor for line in audit.newest(storage.storage)]
    assert {line.actor for line in audit.newest(storage.storage)} == {chain.FORGOTTEN, "Boss"}
    assert chain.verify(path).problems == ()
    people.enable(BOSS, storage, "Eve")
    assert chain.verify(path).problems == ()
    path.write_text(path.read_text().replace('"change password"', '"disable account"'))
    assert chain.verify(path).problems


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:1) Gecko/2 Firefox/140.0", "Firefox on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/1 Safari/537.36 Edg/1", "Edge on Windows"),
        ("Mozilla/5.0 (iPhone; like Mac OS X) Version/18 Safari/604.1", "Safari on iPhone"),
        ("curl/8.1", "curl"),
        ("", "an unknown browser"),
    ],
)
def test_a_browser_is_told_in_words(agent, words):
    assert sessions.browser_words(agent) == words
