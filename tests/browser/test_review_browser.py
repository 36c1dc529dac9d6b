"""A person reviews parts of a line with the keyboard alone; the labels arrive in a parts run."""

import time

import numpy as np
import pytest

from backend.core import facts, runs
from backend.line import segments
from backend.line.review import decisions
from backend.records import RunState
from backend.settings import Settings
from tests.browser.visiting import DESK, NEEDS_CHROMIUM, PHONE, settled, visit
from tests.unit.line import lived

pytestmark = NEEDS_CHROMIUM
PARTS = 60


@pytest.fixture(scope="module")
def at_work(tmp_path_factory, serve):
    """The server's address, its settings, and the folder of a line with 60 parts to look at."""
    folder = tmp_path_factory.mktemp("review")
    settings = Settings(storage=folder / "storage", threads=1)
    settings.runs.mkdir(parents=True)
    home, wish = lived.line(settings)
    judge = lived.judge_of(home, wish)
    shades = np.random.default_rng(4).normal(100, 6, PARTS)
    with lived.opened(home) as box:
        lived.run_by(home, box, judge, shades, captured=time.time() - 100)
        segments.cut(home, box)
    with serve(settings.storage, folder / "log.txt") as address:
        yield address, settings, home


def left(page) -> int:
    """How many parts the page says are left."""
    words = page.locator('[data-testid="stProgress"]').first.inner_text()
    return int(words.rpartition(", ")[2].split()[0])


def test_sixty_parts_by_keyboard_become_labels(at_work, browser, until):
    address, settings, home = at_work
    page, outside = visit(browser, address, "line-review", DESK, "light")
    page.get_by_label("Who").focus()
    page.keyboard.type("Ann Good")  # letters that are shortcuts are only letters here
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Good").and_(page.locator(":enabled")).wait_for()
    settled(page)
    assert decisions.history(home) == []
    page.locator("h1").click()
    page.keyboard.press("m")
    keys = ["b" if k % 10 == 3 else "u" if k % 10 == 7 else "g" for k in range(PARTS)]
    until(lambda: left(page) == PARTS)
    for done, key in enumerate(keys, start=1):
        page.keyboard.press(key)
        until(lambda done=done: len(decisions.standing(home)) == done)
        until(lambda done=done: left(page) == PARTS - done)
        settled(page)
    page.get_by_text("All parts were looked at").wait_for()
    page.keyboard.press("z")
    until(lambda: len(decisions.standing(home)) == PARTS - 1)
    page.get_by_role("button", name="Good Shortcut G").and_(page.locator(":enabled")).wait_for()
    settled(page)
    page.keyboard.press("g")
    until(lambda: len(decisions.standing(home)) == PARTS)
    page.get_by_role("button", name="Make labels of 48 GOOD and 6 BAD").focus()
    page.keyboard.press("Enter")
    page.get_by_text("They become a run of parts").wait_for()
    run = until(lambda: finished(settings), 120)
    parts = facts.read(run.folder, "parts")
    assert parts["label"].value_counts().to_dict() == {1: 48, 0: 6}
    assert {one.who for one in decisions.standing(home)} == {"Ann Good"}
    assert outside == []
    page.context.close()


def finished(settings):
    """The parts run of reviewed parts, once it is completed."""
    found = [run for run in runs.readable(runs.folders(settings.runs)) if "reviewed" in run.name]
    return found[0] if found and found[0].state is RunState.COMPLETED else None


@pytest.mark.parametrize("url", ["line-review", "line-promise"])
def test_a_phone_needs_no_sideways_scrolling(at_work, browser, url):
    page, outside = visit(browser, at_work[0], url, PHONE, "dark")
    main = "document.querySelector('[data-testid=stMain]')"
    page.wait_for_function(f"{main}.scrollWidth <= {main}.clientWidth")
    assert outside == []
    page.context.close()
