"""A line in a real browser: started from its form, watched, looked up and stopped."""

import re
import shutil

import pytest

from backend.line import report
from tests.browser.visiting import DESK, NEEDS_CHROMIUM, PHONE, settled, visit

pytestmark = NEEDS_CHROMIUM
MAIN = '[data-testid="stMain"]'
NAME = "browser-line"


@pytest.fixture
def no_line(tiny_settings, no_new_runs):
    """What the line leaves in the shared storage is taken away again."""
    yield
    shutil.rmtree(report.home(tiny_settings.storage, NAME), ignore_errors=True)


def press(page, words):
    page.get_by_role("button", name=words).first.click()
    settled(page)


def fill(page, label, value):
    entry = page.get_by_role("textbox", name=label, exact=True).first
    entry.fill(value)
    entry.press("Tab")
    settled(page)


def test_a_line_is_started_watched_and_stopped(browser, server, no_line):
    page, outside = visit(browser, server, "line-lines", DESK, "light")
    page.locator(MAIN).get_by_text("New: line").click()
    settled(page)
    fill(page, "Name", NAME)
    page.locator(MAIN).get_by_role("button", name=re.compile("^Start")).click()
    page.get_by_text("This line runs.").wait_for()
    parts = page.locator('[data-testid="stMetric"]').filter(has_text="Parts").first
    page.wait_for_function(
        "[...document.querySelectorAll('[data-testid=stMetricValue]')].some(x => +x.innerText > 2)",
    )
    assert parts.is_visible()

    live, outside_live = visit(browser, server, f"line-live?line={NAME}", PHONE, "dark")
    live.get_by_text("Last part:").wait_for()
    live.get_by_text("Judged by package").wait_for()
    wide = live.evaluate("document.documentElement.scrollWidth")
    assert wide <= PHONE["width"], "nothing runs out of a phone's screen"

    history, outside_history = visit(browser, server, f"line-history?line={NAME}", PHONE, "light")
    history.get_by_text(re.compile(r"^\d+ parts?$")).first.wait_for()

    press(page, "Stop this line")
    page.get_by_role("button", name="Stop it now").click()
    page.get_by_text("This line runs.").wait_for(state="detached")
    live.get_by_text("does not run").wait_for()
    assert outside + outside_live + outside_history == []
