"""Help in a real browser: each document is a step of its own."""

import re

from playwright.sync_api import expect

from pages.ui import address
from tests.browser.visiting import DESK, NEEDS_CHROMIUM, opened, settled

pytestmark = NEEDS_CHROMIUM


def shown(page, words: str, address: str) -> None:
    expect(page.get_by_role("heading", name=words, exact=True).first).to_be_visible()
    expect(page).to_have_url(re.compile(address))
    settled(page)


def test_back_leads_from_a_document_to_the_one_before(fresh_server, browser):
    page, _ = opened(browser.new_context(viewport=DESK), fresh_server, "system-glossary")
    page.goto(f"{fresh_server}/system-help")
    shown(page, "Documents", "system-help$")
    main = page.get_by_test_id("stMain")
    main.get_by_role("link", name="Methods", exact=True).click()
    shown(page, "Methods", "doc=methods$")
    main.get_by_role("link", name="All documents").click()
    shown(page, "Documents", "system-help$")
    main.get_by_role("link", name="Projects", exact=True).last.click()
    shown(page, "Projects", "doc=projects$")
    page.go_back()
    shown(page, "Documents", "system-help$")
    page.go_back()
    shown(page, "Methods", "doc=methods$")
    page.go_forward()
    shown(page, "Documents", "system-help$")
    page.go_back()
    shown(page, "Methods", "doc=methods$")
    page.go_back()
    shown(page, "Documents", "system-help$")
    page.go_back()
    shown(page, "Glossary", "system-glossary")


def test_the_script_of_a_page_that_was_left_meanwhile_adds_no_step(browser):
    page = browser.new_context().new_page()
    page.route("**/*", lambda route: route.fulfill(body="<p>Help</p>", content_type="text/html"))
    page.goto("http://help.test/")
    page.evaluate(
        """async (script) => {
          const module = "data:text/javascript," + encodeURIComponent(script);
          window.built = (await import(module)).default;
          for (const at of ["?doc=methods", "/"]) history.pushState({}, "", at);
        }""",
        address.SCRIPT,
    )
    late = "() => window.built({data: {wished: {doc: 'methods'}, kept: {}, turn: true}})"
    for at in ("?doc=methods", "/"):
        page.go_back()
        expect(page).to_have_url(re.compile(re.escape(at) + "$"))
    page.evaluate(late)
    expect(page).to_have_url("http://help.test/")
    page.get_by_text("Help").click()
    page.evaluate(late)
    expect(page).to_have_url("http://help.test/?doc=methods")
