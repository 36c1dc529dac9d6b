"""Two projects in a real browser: the choice, and the address that keeps it."""

import re

import pytest
from playwright.sync_api import expect

from backend.core import projects
from tests.browser.visiting import DESK, NEEDS_CHROMIUM, PHONE, opened, settled
from tests.sharing_runs import made

pytestmark = NEEDS_CHROMIUM


@pytest.fixture
def divided(tmp_path, serve):
    """A server over a run in each of two projects; its address, the second's id, the runs."""
    home = tmp_path / "storage"
    other = projects.add(home, "Windscreens")
    runs = [
        made(home, "parts", {"parts": 3}, name=name, project=place)
        for name, place in (("pens", ""), ("panes", other.id))
    ]
    with serve(home, tmp_path / "log.txt") as address:
        yield address, other.id, runs


def choice(page):
    return page.get_by_role("combobox", name="Project")


def test_the_choice_stays_from_page_to_page_and_a_link_makes_it(divided, browser):
    address, other, (pens, _) = divided
    page, _ = opened(browser.new_context(viewport=DESK), address, "")
    choice(page).click()
    page.get_by_role("option", name="Windscreens").click()
    named = re.compile(f"project={other}")
    expect(page).to_have_url(named)
    page.get_by_role("link", name="Runs", exact=True).click()
    expect(page.get_by_role("heading", name="Runs", exact=True)).to_be_visible()
    expect(page).to_have_url(named)
    page.reload()
    settled(page)
    expect(choice(page)).to_have_value("Windscreens")
    page.goto(f"{address}/system-runs?run={pens.id}")
    expect(choice(page)).to_have_value("General")
    expect(page.get_by_role("heading", name="pens")).to_be_visible()
    choice(page).click()
    page.get_by_role("option", name="Windscreens").click()
    expect(page).to_have_url(named)
    page.goto(f"{address}/system-runs")
    settled(page)
    expect(choice(page)).to_have_value("Windscreens")
    page.get_by_test_id("stDataFrame").first.hover()
    expect(page.get_by_role("button", name=re.compile("Search:"))).to_be_visible()
    unguarded = re.compile("Download as CSV")
    expect(page.get_by_label(unguarded)).to_have_count(1)
    expect(page.get_by_role("button", name=unguarded)).to_have_count(0)
    expect(page.get_by_role("button", name="CSV")).to_be_visible()
    phone, _ = opened(browser.new_context(viewport=PHONE), address, f"?project={other}")
    expect(phone.get_by_test_id("stMain").get_by_text("Windscreens")).to_be_visible()
