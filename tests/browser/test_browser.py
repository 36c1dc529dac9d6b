"""The dashboard in a real browser: every page, both themes, both widths, no request outside."""

import pytest

from backend.core import jobs, runs
from backend.records import RunState
from pages.ui import links
from tests.browser.visiting import DESK, NEEDS_CHROMIUM, PHONE, go, visit, watched

PAGES = [entry for entries in links.SECTIONS.values() for entry in entries]
pytestmark = [NEEDS_CHROMIUM, pytest.mark.usefixtures("no_new_runs")]


@pytest.fixture(scope="module")
def desk(server, browser):
    """One page for all addresses, so that the dashboard's scripts are read once; and what it asked
    for outside the server."""
    context = browser.new_context(viewport=DESK, color_scheme="light")
    yield watched(context, server)
    context.close()


@pytest.mark.parametrize("entry", PAGES, ids=lambda e: e.title)
def test_a_page_opens_by_its_address_and_asks_nobody_outside(server, desk, entry):
    page, outside = desk
    go(page, server, entry.url)
    assert page.locator('[data-testid="stException"]').count() == 0
    errors = page.locator('[data-testid="stAlertContentError"]')
    assert errors.filter(has_not_text="It misses").count() == 0  # a threshold's warning in red
    assert outside == []


@pytest.mark.parametrize("scheme", ("light", "dark"))
def test_a_phone_shows_the_detector_page_without_sideways_scrolling(server, browser, scheme):
    url = links.BY_KIND["detector"].url
    page, _ = visit(browser, server, url, PHONE, scheme)
    main = "document.querySelector('[data-testid=stMain]')"
    page.wait_for_function(f"{main}.scrollWidth <= {main}.clientWidth")
    page.context.close()


def test_an_address_names_its_run_and_shows_that_one(server, browser, tiny_runs, tiny_settings):
    first, newest = (
        run for run in runs.readable(runs.folders(tiny_settings.runs)) if run.kind == "distill"
    )
    url = f"{links.BY_KIND['distill'].url}?run={first.id}"
    page, _ = visit(browser, server, url, DESK, "light")
    page.get_by_text("The glass paper's recipe", exact=False).wait_for()
    assert first.id in page.url
    assert newest.id not in page.url
    page.context.close()


def test_foreign_words_are_not_read_as_markdown(server, browser, tiny_settings, bystander):
    name = "![x](http://192.0.2.1/p.png) [go](http://192.0.2.1)"
    run = jobs.submit(tiny_settings, "parts", {"scale": 0.02}, name=name, queued=False)
    runs.claim(run.folder, bystander)
    runs.finish(run.folder, RunState.FAILED, error="It *failed* [here](http://192.0.2.1).")
    url = f"system-runs?run={run.id}"
    page, outside = visit(browser, server, url, DESK, "light")
    page.get_by_text("go", exact=False).first.wait_for()
    assert page.locator('[data-testid="stMain"] a[href*="192.0.2.1"]').count() == 0
    assert outside == []
    page.context.close()


def test_the_two_themes_differ(server, browser):
    colours = set()
    for scheme in ("light", "dark"):
        page, _ = visit(browser, server, "", DESK, scheme)
        script = "getComputedStyle(document.querySelector('.stApp')).backgroundColor"
        colours.add(page.evaluate(script))
        page.context.close()
    assert len(colours) == 2


def test_a_form_starts_a_job_that_is_followed_to_its_end(server, browser):
    page, _ = visit(browser, server, links.BY_KIND["generate"].url, DESK, "light")
    page.get_by_text("New: teacher images").click()
    count = page.get_by_role("spinbutton", name="Count")
    count.fill("9")
    count.press("Tab")
    page.get_by_role("button", name="Start").click()
    page.get_by_text("000008 ·", exact=False).first.wait_for()
    page.wait_for_url("**run=*")
    page.context.close()
