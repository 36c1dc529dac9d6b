"""A result in other hands: read on a phone without an account, on a stick without a network."""

import pytest

from backend.sharing.report import asked, formats
from backend.sharing.report.scope import Scope
from tests.browser.visiting import DESK, NEEDS_CHROMIUM, PHONE, settled, visit

pytestmark = NEEDS_CHROMIUM
FITS = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"


def test_a_manager_without_an_account_reads_a_shared_study_until_it_is_taken_back(
    server, browser, tiny_runs
):
    page, _ = visit(browser, server, f"detection-study?run={tiny_runs['study'].id}", DESK, "light")
    page.get_by_role("button", name="Report", exact=False).first.click()
    page.get_by_role("button", name="Make a link").click()
    address = page.get_by_text("/share/").first
    address.wait_for()
    link = address.inner_text().strip()

    phone = browser.new_context(viewport=PHONE)
    read = phone.new_page()
    answer = read.goto(link)
    assert answer.status == 200 and answer.headers["content-security-policy"].startswith(
        "default-src 'none'"
    )
    assert "Study: tiny study" in read.locator("h1").inner_text()
    assert read.locator("svg").count() > 0 and read.evaluate(FITS)
    assert phone.cookies() == []

    page.goto(f"{server}/sharing-links")
    settled(page)
    page.get_by_role("button", name="Take back").first.click()
    page.get_by_role("button", name="Take it back").click()
    page.get_by_text("1 ended or taken back").wait_for()
    again = read.goto(link)
    assert again.status == 410 and "tiny study" not in read.content()
    phone.close()
    page.context.close()


@pytest.mark.parametrize("form", [formats.HTML, formats.STATIC])
def test_a_report_opens_without_a_network(browser, tiny_settings, tiny_runs, tmp_path, form):
    report = asked.report(tiny_settings.storage, Scope((tiny_runs["inspect"].id,)))
    path = tmp_path / "report.html"
    path.write_bytes(formats.written(report, {}, form))
    context = browser.new_context(viewport=PHONE, offline=True)
    page = context.new_page()
    faults: list[str] = []
    page.on("console", lambda told: told.type == "error" and faults.append(told.text))
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(path.as_uri())
    drawn = page.locator(".main-svg" if form == formats.HTML else ".still svg")
    drawn.first.wait_for()
    assert page.evaluate(FITS) and faults == []
    page.emulate_media(media="print")
    assert page.locator(".still svg").first.is_visible()
    assert not page.locator(".live").first.is_visible() if form == formats.HTML else True
    context.close()
