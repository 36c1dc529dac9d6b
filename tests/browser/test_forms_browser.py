"""Forms in a real browser: Enter, Back, and two browsers at one run."""

import pytest

from backend.core import runs
from pages.ui import links
from tests.browser.visiting import DESK, NEEDS_CHROMIUM, PHONE, settled, visit

pytestmark = [NEEDS_CHROMIUM, pytest.mark.usefixtures("no_new_runs")]
GENERATE = links.BY_KIND["generate"].url
SHOWN = '[data-testid="stMain"] h1'


def count_field(page):
    page.get_by_text("New: teacher images").click()
    return page.get_by_role("spinbutton", name="Count")


def started(page):
    """Presses Start, and waits for the run that is shown then; its id."""
    before = page.url
    page.get_by_role("button", name="Start").click()
    page.wait_for_url(lambda url: "run=" in url and url != before)
    return page.url.partition("run=")[2]


@pytest.mark.parametrize("viewport", (DESK, PHONE), ids=("desk", "phone"))
def test_enter_takes_a_value_and_starts_nothing(server, browser, tiny_settings, viewport):
    from playwright.sync_api import expect

    page, _ = visit(browser, server, GENERATE, viewport, "light")
    before = runs.folders(tiny_settings.runs)
    field = count_field(page)
    field.fill("3")
    field.press("Enter")
    page.get_by_role("textbox", name="Name").fill("by Enter")
    page.get_by_role("textbox", name="Name").press("Enter")
    page.wait_for_timeout(1500)
    settled(page)
    assert field.input_value() == "3"
    assert runs.folders(tiny_settings.runs) == before
    run_id = started(page)
    assert runs.read(tiny_settings.runs / run_id).name == "by Enter"
    page.get_by_role("button", name="Start").wait_for(state="detached")
    expect(count_field(page), "the form is empty").to_have_value("150")
    page.context.close()


def test_the_field_in_use_is_ringed(server, browser):
    page, _ = visit(browser, server, GENERATE, DESK, "light")
    count_field(page).press("Tab")
    ring = "getComputedStyle(document.activeElement.parentElement).outlineStyle"
    for _ in range(6):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.tagName") == "INPUT":
            assert page.evaluate(ring) == "solid"
    page.context.close()


def test_back_leads_back_one_page_a_press(server, browser):
    page, _ = visit(browser, server, "", DESK, "light")
    for link, title in (
        ("All about data", "All about data"),
        ("Synthetic data set", "Synthetic data set"),
        ("Train a detector on this data set", "Detector"),
        ("Package", "Package"),
    ):
        page.get_by_role("link").filter(has_text=link).last.click()
        page.locator(SHOWN, has_text=title).wait_for()
        settled(page)
    page.wait_for_url("**run=*")
    for title in ("Detector", "Synthetic data set", "All about data", "Defect Distillery"):
        page.go_back()
        page.locator(SHOWN, has_text=title).wait_for()
        settled(page)
    assert "run=" not in page.url and "from=" not in page.url
    page.context.close()


def test_two_browsers_see_one_run(server, browser, tiny_settings):
    first, _ = visit(browser, server, GENERATE, DESK, "light")
    field = count_field(first)
    field.fill("40")
    field.press("Tab")
    run_id = started(first)
    second, _ = visit(browser, server, GENERATE, PHONE, "dark")
    second.wait_for_url(f"**run={run_id}")
    for page in (first, second):
        page.get_by_text("Distil a student from these images").wait_for()
        assert run_id in page.url
        page.context.close()
