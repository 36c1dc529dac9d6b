"""The page of notices: what is new, for whom, and where it is sent."""

import time

import pytest

from backend.access.rights import Role
from backend.actions import people
from backend.actions import projects as actions
from backend.core.audit import Actor, Way
from backend.notices import box, config
from backend.notices.box import Notice
from backend.notices.config import Config, Mail
from backend.notices.postman import Postman
from pages.ui import identity, resources
from tests.mail_server import HOST, MailServer, mail_server
from tests.pages.test_pages import is_well, open_page, words

BOSS = Actor("Boss", Way.COMMAND_LINE, Role.ADMIN)
PAGE = "pages/system/notices.py"


def add(storage, words, **more):
    box.add(storage.storage, Notice(words, time.time(), "job", words, **more))


def bell(app):
    return [
        link.proto.label for link in app.sidebar.get("page_link") if "notice" in link.proto.label
    ]


def button(app, label):
    return next(one for one in app.button if one.label == label)


def field(app, label):
    return next(one for one in app.text_input if one.label == label)


def test_new_ones_are_counted_until_somebody_has_read_them(empty_dashboard, storage):
    add(storage, "Study *glass* is completed after 20 min.")
    add(storage, "Only 3.0 GB of disk are left.")
    app = open_page("pages/home/overview.py")
    assert bell(app) == ["2 new notices"]
    app = open_page(PAGE)
    is_well(app)
    assert r"\*glass\*" in words(app) and ":blue-badge[new]" in words(app)
    button(app, "Mark all as read").click().run()
    assert bell(app) == [] and ":blue-badge[new]" not in words(app)


def test_who_is_no_member_hears_nothing_of_a_project(empty_dashboard, storage, monkeypatch):
    people.add(BOSS, storage, "Boss", Role.ADMIN, "correct horse battery")
    eve = people.add(BOSS, storage, "Eve", Role.ENGINEER, "correct horse battery")
    secret = actions.add(BOSS, storage, "Secret")
    actions.set_members(BOSS, storage, secret.id, ["Boss"])
    add(storage, "Study panes failed.", project=secret.id)
    monkeypatch.setattr(identity, "account", lambda: eve)
    app = open_page(PAGE)
    is_well(app)
    assert bell(app) == [] and "panes" not in words(app)
    assert not [one for one in app.button if one.label == "Save"], "an admin's alone"


def test_a_mail_server_is_set_up_and_tried_out(empty_dashboard, storage):
    app = open_page(PAGE)
    is_well(app)
    with mail_server(MailServer()) as server:
        field(app, "Mail server").set_value(HOST)
        next(n for n in app.number_input if n.label == "Port").set_value(server.port)
        app.selectbox(key="mail-security").set_value("none")
        field(app, "From").set_value("distillery@plant")
        field(app, "To").set_value("qa@plant, eve@plant")
        button(app, "Save").click().run()
        is_well(app)
        button(app, "Send a test message").click().run()
        Postman(storage.storage, resources.owner().store).round(time.time())
    assert "A test message, asked for by" in server.mails[0].get_content()
    app.run()
    assert "sent" in list(app.dataframe[0].value["state"])


@pytest.fixture
def kept(storage):
    mail = Mail("mail", 587, "STARTTLS", "a@plant", ("b@plant",), "me", "secret word")
    config.save(storage.storage, Config(mail=mail, webhook="https://plant/token-secret"))
    return mail


def test_a_secret_is_kept_and_not_shown_again(empty_dashboard, storage, kept):
    app = open_page(PAGE)
    is_well(app)
    assert "secret" not in str(app)
    button(app, "Save").click().run()
    found = config.read(storage.storage, {})
    assert found.mail == kept and found.webhook == "https://plant/token-secret"
    field(app, "From").set_value("nobody")
    button(app, "Save").click().run()
    assert "no mail address" in app.error[0].value
