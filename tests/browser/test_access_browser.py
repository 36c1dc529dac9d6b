"""From the printed link to an account that is disabled, in a real browser."""

import contextlib
import signal

import pytest

from backend.access import accounts, socket_watch
from backend.core import jobs, runs
from tests.browser.visiting import DESK, NEEDS_CHROMIUM, PHONE, settled
from tests.jobs.visitor import serving

pytestmark = NEEDS_CHROMIUM
GOOD = "correct horse battery"


@pytest.fixture
def fresh(tmp_path):
    """A server that nobody set up; jobs left behind are killed at the end."""
    with serving(tmp_path) as started:
        yield started
    for path in started[1].storage.glob("*/*/process.json"):
        with contextlib.suppress(Exception):
            jobs.signal_group(runs.read_json(path), signal.SIGKILL)


def join(context, address, path, name=""):
    """A page of somebody who used a one-time link up."""
    page = context.new_page()
    page.goto(address + path)
    if name:
        page.get_by_label("Name").fill(name)
    page.get_by_label("Password", exact=True).fill(GOOD)
    page.get_by_label("The same again").fill(GOOD)
    page.get_by_role("button").click()
    page.wait_for_selector('[data-testid="stMain"] h1')
    settled(page)
    return page


def go(page, address, url):
    page.goto(f"{address}/{url}")
    page.wait_for_selector('[data-testid="stMain"] h1')
    settled(page)


def invitation(boss, address, name, role):
    """The path of a link that the admin makes on the page of people."""
    go(boss, address, "access-people")
    boss.get_by_label("Name", exact=True).fill(name)
    if role != "engineer":
        boss.get_by_label("Role", exact=True).click()
        boss.get_by_role("option", name=role).click()
    boss.get_by_role("button", name="Make an invitation link").click()
    code = boss.get_by_test_id("stCode")
    code.wait_for()
    return code.inner_text().strip().removeprefix(address)


def test_from_the_printed_link_to_a_disabled_account(fresh, browser):
    address, settings, link = fresh
    boss = join(browser.new_context(viewport=DESK), address, link, "Ada")
    assert "Ada" in boss.get_by_test_id("stSidebar").inner_text()

    path = invitation(boss, address, "Eve", "engineer")
    eve = join(browser.new_context(viewport=DESK), address, path)
    go(eve, address, "inspection-parts")
    eve.get_by_role("button", name="Start").click()
    eve.wait_for_url("**/inspection-parts?run=*")
    [run] = runs.readable(runs.folders(settings.runs))
    assert run.kind == "parts"

    path = invitation(boss, address, "Vic", "viewer")
    vic = join(browser.new_context(viewport=PHONE), address, path)
    go(vic, address, "students-distill")
    assert vic.get_by_role("button", name="Start").count() == 0
    assert vic.get_by_text("An engineer can start one").count() == 1

    assert socket_watch.EVERY <= 2.5
    go(boss, address, "access-people")
    boss.get_by_label("Account", exact=True).click()
    boss.get_by_role("option", name="Eve").click()
    boss.locator(".st-key-sure-disable-2 label").click()
    boss.get_by_role("button", name="Disable").click()
    eve.wait_for_url("**/sign-in?next=*")
    assert {a.name: a.disabled for a in accounts.everybody(settings.storage)}["Eve"]
    assert vic.url.endswith("students-distill")
