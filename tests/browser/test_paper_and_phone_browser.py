"""Pages on paper and on a phone: what is left away, how wide charts and pictures are, and that a
result is read from a link without scrolling."""

import pytest

from pages.ui import links
from tests.browser.visiting import DESK, NEEDS_CHROMIUM, PHONE, go, watched

pytestmark = NEEDS_CHROMIUM


@pytest.fixture(scope="module")
def window(server, browser):
    """An empty page of one browser, which reads the dashboard's scripts once, and what it asked for
    outside the server."""
    context = browser.new_context()
    yield watched(context, server)
    context.close()


@pytest.fixture
def look(server, window):
    """`look(url, viewport, scheme)`: an address in that window, as wide and in that theme."""
    page, outside = window

    def opened(url, viewport, scheme):
        page.set_viewport_size(viewport)
        page.emulate_media(media="screen", color_scheme=scheme)
        go(page, server, url)
        return page, outside

    return opened


@pytest.mark.parametrize("url", ["inspection-parts", "labels-agreement"])
def test_on_paper_there_is_no_sidebar_and_charts_scale_with_the_sheet(look, url):
    page, _ = look(url, DESK, "light")
    page.locator(".main-svg").first.wait_for()
    page.emulate_media(media="print")
    assert not page.locator("[data-testid=stSidebar]").is_visible()
    assert not page.locator("[data-testid=stHeader]").is_visible()
    tell = "all => { dispatchEvent(new Event('%s')); return %s; }"  # before a chart is drawn anew
    scaled = "all.every(e => e.viewBox.baseVal.width === e.width.baseVal.value)"
    assert page.locator(".main-svg").evaluate_all(tell % ("beforeprint", scaled))
    as_before = "all.every(e => !e.hasAttribute('viewBox'))"
    page.emulate_media(media="screen")
    assert page.locator(".main-svg").evaluate_all(tell % ("afterprint", as_before))


def test_no_toolbar_lies_over_a_chart_on_a_phone(look):
    page, _ = look("inspection-parts", PHONE, "dark")
    page.locator(".main-svg").first.wait_for()
    page.locator(".js-plotly-plot").first.hover()
    assert not page.locator(".modebar-container").first.is_visible()
    right = "all => Math.max(...all.map(e => e.getBoundingClientRect().right))"
    assert page.locator(".main-svg, [data-testid=stImage] img").evaluate_all(right) <= 390


@pytest.mark.parametrize(
    ("scheme", "ink"), [("light", "rgb(30, 37, 40)"), ("dark", "rgb(230, 234, 235)")]
)
def test_intervals_of_a_chart_have_the_colour_of_text(look, tiny_runs, scheme, ink):
    page, _ = look(f"{links.BY_KIND['detector'].url}?run={tiny_runs['detector'].id}", DESK, scheme)
    bar = page.locator("path.xerror").first
    bar.wait_for(state="attached")
    assert bar.evaluate("e => getComputedStyle(e).stroke") == ink


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    ("kind", "told"), [("inspect", "separation (AUROC)"), ("detector", "detection score (AP50)")]
)
def test_a_result_is_read_on_a_phone(look, tiny_runs, tmp_path, kind, told, scheme):
    """From a link: what came out, how sure, and what to do, within the first 900 px."""
    address = f"{links.BY_KIND[kind].url}?run={tiny_runs[kind].id}"
    page, outside = look(address, PHONE, scheme)
    verdict = page.locator("[data-testid=stAlert]").first
    verdict.wait_for()
    assert told in verdict.inner_text()
    box = verdict.bounding_box()
    assert box["y"] + box["height"] <= 900
    main = "document.querySelector('[data-testid=stMain]')"
    assert page.evaluate(f"{main}.scrollWidth <= {main}.clientWidth")
    page.screenshot(path=tmp_path / f"{kind}-{scheme}.png")
    assert outside == []
