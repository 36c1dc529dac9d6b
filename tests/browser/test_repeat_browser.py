"""The glass paper from the overview to its figures, as a person does it, clicks counted."""

import io
import zipfile
from pathlib import Path
from typing import Any

import pytest

from backend.core import runs
from backend.core.runs import Run
from backend.records import RunState
from backend.settings import Settings
from tests.browser.visiting import DESK, NEEDS_CHROMIUM, PHONE, settled, visit

pytestmark = [NEEDS_CHROMIUM, pytest.mark.usefixtures("no_new_runs")]
MOST = 15  # clicks and fields, from the overview to the result
SECONDS = 600


class Hand:
    """A person at a page, whose clicks and fields are counted."""

    def __init__(self, page: Any):
        self.page = page
        self.count = 0

    def click(self, target: Any) -> None:
        target.click()
        self.count += 1

    def choose(self, label: str, words: str) -> None:
        """Pick from a list of choices: two clicks."""
        self.click(self.page.get_by_role("combobox", name=label))
        self.click(self.page.get_by_role("option").filter(has_text=words).first)
        settled(self.page)

    def fill(self, label: str, value: str) -> None:
        field = self.page.get_by_role("spinbutton", name=label)
        field.fill(value)
        field.press("Tab")
        self.count += 1
        settled(self.page)


@pytest.fixture
def images(tiny_runs: dict[str, Run]) -> Run:
    return tiny_runs["generate"]


def test_the_glass_paper_is_repeated_in_few_clicks(
    server: str, browser: Any, images: Run, tiny_settings: Settings, tmp_path: Path
) -> None:
    page, outside = visit(browser, server, "", DESK, "light")
    hand = Hand(page)
    hand.click(page.get_by_test_id("stMain").get_by_text("Repeat the glass paper"))
    page.get_by_text("5 jobs in one go", exact=False).wait_for()
    hand.choose("Teacher set", images.name)
    hand.fill("Seed", "3")
    hand.click(page.get_by_role("button", name="Start"))
    page.get_by_role("button", name="Cancel all").wait_for()
    shorten(tiny_settings)
    shot(page, tmp_path / "running.png")
    page.get_by_text("The paper's figures beside this repeat's").wait_for(timeout=SECONDS * 1000)
    settled(page)
    with page.expect_download() as taken:
        hand.click(page.get_by_role("button", name="All of it as one zip"))
    taken.value.save_as(tmp_path / "glass.zip")
    assert hand.count <= MOST
    names = zipfile.ZipFile(io.BytesIO((tmp_path / "glass.zip").read_bytes())).namelist()
    assert {"report.html", "tables/8-summary.csv", "pictures/6-training-batch-3.png"} <= set(names)
    assert outside == []
    last = next(r for r in runs.readable(runs.folders(tiny_settings.runs)) if r.id in page.url)
    assert last.spec["seed"] == 3
    address = page.url.removeprefix(f"{server}/")
    page.context.close()
    looked_at(browser, server, address, DESK, "dark", tmp_path / "wide-dark.png")
    looked_at(browser, server, address, PHONE, "light", tmp_path / "phone-light.png")


def shorten(settings: Settings) -> None:
    """Let the detector, which still waits for its data set, go over it twice in place of 30
    times."""
    waiting = runs.readable(runs.folders(settings.runs, "detector"))
    [detector] = [run for run in waiting if run.state is RunState.PENDING]
    asked = runs.read_json(detector.folder / "spec.json")
    asked["spec"]["epochs"] = 2
    runs.write_json(detector.folder / "spec.json", asked)


def looked_at(
    browser: Any, server: str, address: str, viewport: dict[str, int], scheme: str, to: Path
) -> None:
    """The finished repeat by its address: whole, without errors or sideways scrolling."""
    page, _ = visit(browser, server, address, viewport, scheme)
    page.get_by_text("What is not as in the paper").wait_for()
    settled(page)
    assert page.locator('[data-testid="stAlertContentError"]').count() == 0
    assert page.locator('[data-testid="stException"]').count() == 0
    main = "document.querySelector('[data-testid=stMain]')"
    page.wait_for_function(f"{main}.scrollWidth <= {main}.clientWidth")
    shot(page, to)
    page.context.close()


def shot(page: Any, to: Path) -> None:
    """The whole page as a picture, kept with the test's output."""
    script = "document.querySelector('[data-testid=stMainBlockContainer]').scrollHeight"
    width = page.viewport_size["width"]
    page.set_viewport_size({"width": width, "height": min(int(page.evaluate(script)) + 100, 9000)})
    page.wait_for_timeout(1500)
    page.screenshot(path=str(to))
