"""A page of the dashboard in a real browser."""

import shutil

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run")
PHONE, DESK = {"width": 390, "height": 844}, {"width": 1440, "height": 1000}
PATIENCE = 300_000  # ms, for what comes at once on a computer with nothing else to do
NEEDS_CHROMIUM = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")


def visit(browser, address: str, url: str, viewport: dict, scheme: str):
    """A settled page in a browser of its own and the addresses it asked for outside the server."""
    return opened(browser.new_context(viewport=viewport, color_scheme=scheme), address, url)


def opened(context, address: str, url: str):
    """A settled page and the addresses it asked for outside the server."""
    page, outside = watched(context, address)
    go(page, address, url)
    return page, outside


def watched(context, address: str):
    """An empty page and the addresses that it will ask for outside the server."""
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    outside: list[str] = []
    inside = (address, address.replace("http", "ws"), "data:", "blob:")
    page.on("request", lambda r: r.url.startswith(inside) or outside.append(r.url))
    return page, outside


def go(page, address: str, url: str) -> None:
    """Opens an address of the server as one typed in, until it is settled."""
    page.goto(f"{address}/{url}")
    page.wait_for_selector('[data-testid="stMain"] h1')
    settled(page)
    assert page.get_by_role("dialog").all_inner_texts() == [], "nothing stands in the way"


def settled(page) -> None:
    """Waits until the server has built the page to its end."""
    page.wait_for_selector('[data-test-script-state="notRunning"]')
