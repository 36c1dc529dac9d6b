"""Notices: told once, sent for certain, given up at last, and no secret among them."""

import json
import shutil
import socket
import time
from collections import namedtuple
from datetime import UTC, datetime

import pytest

from backend.access.rights import Role
from backend.actions import notices as actions
from backend.core import audit, runs
from backend.core.audit import Actor, Way
from backend.core.store import signature
from backend.line.promise import standing
from backend.line.promise.reference import SCORE
from backend.line.promise.standing import Standing, Stream
from backend.notices import box, channels, config, events, postman
from backend.notices.box import GIVEN_UP, SENT, WAITING, Notice
from backend.notices.config import NONE, STARTTLS, TLS, Config, Mail
from backend.notices.postman import Postman
from backend.numeric.drift import Wealth
from backend.records import RunState, UserError
from tests.mail_server import HOST, MailServer, certificate, mail_server, web_server
from tests.sharing_runs import CLAIM, made

ADMIN = Actor("Ada", Way.PAGE, Role.ADMIN)
NOW = time.time()
Usage = namedtuple("Usage", "total used free")
HELLO = Notice("hello 1", NOW, "test", "Hello\nBcc: all@plant.example", run="r1")


@pytest.fixture
def home(storage):
    return storage.storage


@pytest.fixture
def round_(home, store):
    """A round of the postman, at that time."""
    return lambda now=NOW: Postman(home, store).round(now)


def mail_of(server, security=NONE, **more):
    return Mail(HOST, server.port, security, "distillery@plant", ("qa@plant", "eve@plant"), **more)


def told(home):
    return [one.words for one in box.newest(home)]


def states(home):
    return [(one.channel, one.state, one.tries) for one in box.deliveries(home)]


def ended(home, store, minutes, state=RunState.COMPLETED, **more):
    """A run that took so long until now, known to the database."""
    run = made(home, "latency", {}, state=state, **more)
    begun = datetime.fromtimestamp(time.time() - minutes * 60, UTC).isoformat()
    runs.write_json(run.folder / "process.json", CLAIM | {"started": begun})
    store.ingest(runs.read(run.folder), signature(run.folder))
    return run


def test_a_long_job_is_told_of_once(home, store, round_):
    before = ended(home, store, 60, name="before anybody looked")
    runs_before = box.newest(home)
    round_(time.time() + 1)
    assert runs_before == box.newest(home) == [], before.id
    long = ended(home, store, 20, name="glass", project="1234abcd")
    ended(home, store, 1, name="short")
    ended(home, store, 20, RunState.CANCELED, name="canceled by somebody")
    box.set_mark(home, events.BEGAN, str(NOW - 60))
    for _ in range(2):
        round_(time.time())
    [one, *rest] = [n for n in box.newest(home) if "before" not in n.words]
    assert rest == [] and one.words == "Latency “glass” is completed after 20 min."
    assert (one.kind, one.run, one.project) == ("job", long.id, "1234abcd")


def test_a_promise_is_told_of_as_often_as_it_is_suspended(home, round_):
    line = home / "lines" / "press-3"
    line.mkdir(parents=True)
    for since in (NOW - 50, NOW - 50, NOW):
        streams = {"dots": {SCORE: Stream(Wealth(), alarmed=since)}}
        standing.write(line, Standing(streams=streams))
        round_()
    assert [(one.kind, one.line) for one in box.newest(home)] == [("promise", "press-3")] * 2
    assert "promise of the limits for dots is suspended" in told(home)[0]


def test_a_full_disk_is_told_of_until_there_is_room_again(home, round_, monkeypatch):
    for second, free in enumerate((4, 3, 5.5, 4, 7, 4)):
        usage = Usage(0, 0, free * 2**30)
        monkeypatch.setattr(shutil, "disk_usage", lambda _, usage=usage: usage)
        round_(NOW + second)
    assert [words[:22] for words in told(home)] == ["Only 4.0 GB of disk ar"] * 2


def test_a_notice_goes_by_mail_and_to_a_web_server(home, round_):
    with mail_server(MailServer()) as server, web_server() as (address, taken):
        kept = Config(mail=mail_of(server), webhook=f"{address}/hook?token=xyz")
        config.save(home, kept)
        box.add(home, HELLO, kept.channels)
        round_()
        round_()
    [mail], [posted] = server.mails, taken
    assert mail["Subject"] == "Defect Distillery: Hello Bcc: all@plant.example"
    assert (mail["From"], mail["To"], mail["Bcc"]) == (
        "distillery@plant",
        "qa@plant, eve@plant",
        None,
    )
    assert posted["words"] == HELLO.words and posted["run"] == "r1"
    assert states(home) == [("mail", SENT, 1), ("webhook", SENT, 1)]


@pytest.mark.parametrize("security", [STARTTLS, TLS])
def test_mail_is_secured_and_signed_in(home, tmp_path, monkeypatch, security):
    server = MailServer(certificate(tmp_path), "distillery", "pass word")
    with mail_server(server, tls=security == TLS):
        chosen = Config(mail=mail_of(server, security, user="distillery", password="pass word"))
        with pytest.raises(channels.NotSent, match="certificate is not trusted"):
            channels.send(chosen, "mail", HELLO)
        monkeypatch.setenv("DISTILLERY_SMTP_CA", str(server.certificate))
        channels.send(chosen, "mail", HELLO)
        server.password = "another"
        with pytest.raises(channels.NotSent, match="does not take this user") as caught:
            channels.send(chosen, "mail", HELLO)
    assert server.secured == [security] and "pass word" not in str(caught.value)


def test_a_redirect_is_not_followed_and_no_secret_is_told(home):
    with web_server() as (goal, taken), web_server(307, goal) as (address, _):
        with pytest.raises(channels.NotSent, match="answered 307"):
            channels.send(Config(webhook=f"{address}/secret"), "webhook", HELLO)
        assert taken == []
    with pytest.raises(channels.NotSent) as caught:
        channels.send(Config(webhook=f"{address}/secret"), "webhook", HELLO)
    assert "nobody answers" in str(caught.value) and "secret" not in str(caught.value)
    assert "secret" not in repr(Config(webhook="https://secret"))


def test_what_did_not_arrive_is_tried_again_after_a_restart(home, store, round_):
    with mail_server(MailServer(refuses=True)) as server:
        kept = Config(mail=mail_of(server))
        config.save(home, kept)
        box.add(home, HELLO, kept.channels)
        round_(NOW)
        assert states(home) == [("mail", WAITING, 1)]
        assert "refused to deliver" in box.deliveries(home)[0].error
        round_(NOW + 59)
        assert states(home) == [("mail", WAITING, 1)], "not before a minute is over"
        server.refuses = False
        round_(NOW + 61)
        assert states(home) == [("mail", SENT, 2)] and len(server.mails) == 1


def test_it_is_given_up_after_a_day_and_that_is_told(home, round_):
    with socket.socket() as taken:  # nobody listens there
        taken.bind((HOST, 0))
        port = taken.getsockname()[1]
        config.save(home, Config(mail=Mail(HOST, port, NONE, "a@plant", ("b@plant",))))
        box.add(home, HELLO, ("mail",))
        now, tries = NOW, 0
        while box.deliveries(home)[0].state == WAITING:
            now = box.deliveries(home)[0].due
            round_(now)
            tries += 1
    assert tries == postman.MOST_TRIES and 23 < (now - NOW) / 3600 < 26
    assert states(home) == [("mail", GIVEN_UP, tries)]
    assert told(home)[0].startswith("A day of tries to send notices by mail failed: localhost")


def test_a_channel_that_is_gone_holds_nothing_up(home, round_):
    box.add(home, HELLO, ("mail",))
    round_()
    assert states(home) == [("mail", GIVEN_UP, 1)] and len(told(home)) == 1


def test_settings_are_for_their_owner_alone_and_the_password_is_told_nobody(home, storage):
    mail = Mail("mail", 587, STARTTLS, "a@plant", ("b@plant",), "me", "secret word")
    actions.configure(ADMIN, storage, Config(mail=mail, webhook="https://plant/token-secret"))
    path = home / config.JOURNAL
    assert path.stat().st_mode & 0o777 == 0o600
    assert config.read(home, {}).mail == mail
    assert "secret" not in (home / audit.JOURNAL).read_text() and "secret" not in repr(mail)
    for role in (Role.VIEWER, Role.ENGINEER):
        with pytest.raises(UserError, match="takes the role admin"):
            actions.configure(Actor("Eve", Way.PAGE, role), storage, Config())


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"host": ""}, "needs a name"),
        ({"to": ()}, "1 to 20 addresses"),
        ({"sender": "a@plant\nBcc: x@y"}, "no mail address"),
        ({"to": ("nobody",)}, "no mail address"),
        ({"to": ("a b@plant",)}, "no mail address"),
        ({"sender": "a@plänt"}, "no mail address"),
        ({"security": NONE}, "readable by anybody"),
        ({"security": "SSLv2"}, "choose one of"),
    ],
)
def test_what_makes_no_sense_is_refused(home, change, problem):
    good = {"host": "mail", "port": 587, "security": TLS, "sender": "a@plant", "to": ("b@plant",)}
    with pytest.raises(UserError, match=problem):
        config.save(home, Config(mail=Mail(**{**good, "password": "x", **change})))
    no_ports = "http://plant:99999", "http://plant:x", "http://["
    for webhook in ("file:///etc/passwd", "https://", "plant/hook", *no_ports):
        with pytest.raises(UserError, match=r"names a host|makes no sense"):
            config.save(home, Config(webhook=webhook))
    assert not (home / config.JOURNAL).exists()


def test_the_environment_stands_before_the_page(home):
    config.save(home, Config(minutes=3, webhook="https://kept"))
    given = {
        **{
            "DISTILLERY_SMTP": "smtp+starttls://qa%40plant@mail.plant",
            "DISTILLERY_SMTP_PASSWORD": "p",
        },
        **{"DISTILLERY_MAIL_FROM": "a@plant", "DISTILLERY_MAIL_TO": "b@plant, c@plant"},
    }
    found = config.read(home, given)
    assert found.mail == Mail(
        "mail.plant", 587, STARTTLS, "a@plant", ("b@plant", "c@plant"), "qa@plant", "p"
    )
    assert (found.minutes, found.webhook) == (3, "https://kept")
    assert config.by_environment(given) == ("mail",)
    with pytest.raises(UserError, match="DISTILLERY_SMTP is none of"):
        config.read(home, {"DISTILLERY_SMTP": "mail.plant:25"})


def test_what_no_driver_can_write_is_not_sent_and_stops_nobody(home):
    odd = Notice("odd", NOW, "test", "\ud800")
    with (
        mail_server(MailServer()) as server,
        pytest.raises(channels.NotSent, match="cannot be written"),
    ):
        channels.send(Config(mail=mail_of(server)), "mail", odd)


def test_each_reads_for_themselves(home):
    for number in range(3):
        box.add(home, Notice(f"n{number}", NOW, "job", "words"))
    assert not box.add(home, Notice("n2", NOW, "job", "again"))
    box.mark_read(home, "ada")
    box.add(home, Notice("n3", NOW, "job", "words"))
    assert [len(box.unread(home, person)) for person in ("ada", "eve", "")] == [1, 4, 4]
    box.sweep(home, NOW + 31 * box.DAY)
    assert box.newest(home) == []


def test_a_damaged_file_holds_nothing_up_for_ever(home, round_):
    path = home / config.JOURNAL
    path.write_text(json.dumps({"minutes": 1}))
    with pytest.raises(UserError, match="is damaged"):
        config.read(home, {})
    box.add(home, HELLO, ("mail",))
    round_()
    assert states(home) == [("mail", WAITING, 0)]
