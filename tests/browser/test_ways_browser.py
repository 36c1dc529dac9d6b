"""The guided ways in a real browser, from a zip to what is taken away, with every click counted.

Each begins at a desk in light and is gone on with on a phone in dark: the browser keeps nothing.
Screenshots lie in pytest's folder of the test.
"""

import csv
import io
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from backend.images.formats import yolo
from tests.alone import run_alone
from tests.browser.visiting import DESK, NEEDS_CHROMIUM, PHONE, settled, visit

pytestmark = NEEDS_CHROMIUM
SIZE = 128  # px of a photograph
PATIENCE = 400_000  # ms for a step's jobs
MAIN = '[data-testid="stMain"]'


class Hands:
    """Somebody at a browser, whose clicks and filled-in fields are counted."""

    def __init__(self, browser: Any, address: str, folder: Path):
        self.browser, self.address, self.folder, self.count = browser, address, folder, 0

    def sit_down(self, viewport: dict[str, int], scheme: str) -> None:
        """Another browser, at the overview."""
        self.page, self.outside = visit(self.browser, self.address, "", viewport, scheme)

    def follow(self, words: str) -> None:
        self.count += 1
        self.page.locator(MAIN).get_by_role("link", name=words).first.click()
        settled(self.page)

    def press(self, words: str, within: str = MAIN) -> None:
        self.count += 1
        button = self.page.locator(within).get_by_role("button", name=words)
        button.first.click(timeout=PATIENCE)
        settled(self.page)

    def drop(self, file: Path) -> None:
        self.count += 1
        self.page.locator('input[type="file"]').first.set_input_files(str(file))
        self.page.get_by_text(file.name).first.wait_for()
        settled(self.page)

    def fill(self, role: str, label: str, value: str, within: str = MAIN) -> None:
        self.count += 1
        entry = self.page.locator(within).get_by_role(role, name=label, exact=True)
        entry.fill(value)
        entry.press("Tab")
        settled(self.page)

    def open(self, words: str, within: str) -> None:
        self.count += 1
        self.page.locator(within).get_by_text(words, exact=True).click()
        settled(self.page)

    def tick(self, words: str) -> None:
        self.count += 1
        self.page.locator(MAIN).locator("label").filter(has_text=words).click()
        settled(self.page)

    def taken(self, words: str) -> Path:
        """The folder of the zip that a button gives."""
        self.count += 1
        with self.page.expect_download() as waiting:
            self.page.get_by_role("button", name=words).click(timeout=PATIENCE)
        target = self.folder / "taken"
        with zipfile.ZipFile(waiting.value.path()) as packed:
            packed.extractall(target)
        return target

    def wait(self, words: str) -> None:
        self.page.get_by_text(words, exact=False).first.wait_for(timeout=PATIENCE)
        settled(self.page)

    def look(self, name: str) -> None:
        """Keep a screenshot of the whole page, which nothing widens, and leave."""
        page, main = self.page, f"document.querySelector('{MAIN}')"
        page.wait_for_function(f"{main}.scrollWidth <= {main}.clientWidth")
        height = page.evaluate(f"{main}.scrollHeight")
        page.set_viewport_size({"width": page.viewport_size["width"], "height": height + 80})
        settled(page)
        page.screenshot(path=self.folder / f"{name}.png")
        assert page.locator('[data-testid="stException"]').count() == 0
        assert self.outside == []

    def stand_up(self) -> None:
        self.page.context.close()


@pytest.fixture
def hands(browser: Any, fresh_server: str, tmp_path: Path) -> Iterator[Hands]:
    yield Hands(browser, fresh_server, tmp_path)


def png(pixels: np.ndarray) -> bytes:
    made = io.BytesIO()
    Image.fromarray(pixels).save(made, "PNG")
    return made.getvalue()


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    """Pictures of twelve parts with labelled defects, of ten good ones, and two without a label."""
    from backend.renderer import render

    rows = [("file_name", "group")]
    with zipfile.ZipFile(tmp_path / "bottles.zip", "w") as packed:
        for k in range(12):
            shot = render(91_000 + k, SIZE, defects=(1, 2))
            packed.writestr(f"images/p{k}.png", png(shot.image))
            packed.writestr(f"labels/p{k}.txt", yolo.text_of(shot.boxes, (SIZE, SIZE), ("crack",)))
            rows.append((f"p{k}.png", f"part {k // 2}"))
        for k in range(10):
            packed.writestr(
                f"images/good/g{k}.png", png(render(92_000 + k, SIZE, defects=(0, 0)).image)
            )
        for k in range(2):
            packed.writestr(f"images/u{k}.png", png(render(93_000 + k, SIZE).image))
        table = io.StringIO()
        csv.writer(table).writerows(rows)
        packed.writestr("metadata.csv", table.getvalue())
        packed.writestr("data.yaml", "train: images\nnames: {0: crack}\n")
    return tmp_path / "bottles.zip"


@pytest.fixture
def prints(tmp_path: Path) -> Path:
    """Pictures of printed dots: 26 GOOD parts and 8 BAD ones."""
    from backend.inspection.parts.simulator import simulate_part
    from backend.records import Label

    with zipfile.ZipFile(tmp_path / "prints.zip", "w") as packed:
        for label, count in ((Label.GOOD, 26), (Label.BAD, 8)):
            for k in range(count):
                part = simulate_part("dots", label, 4_000 + 100 * label + k, 64, 2.0)
                packed.writestr(f"{label.name.lower()}/{k:02d}.png", png(part.image))
    return tmp_path / "prints.zip"


def test_from_photographs_to_a_judged_detector(hands: Hands, photographs: Path) -> None:
    hands.sit_down(DESK, "light")
    hands.follow("Begin: find defects")
    hands.drop(photographs)
    hands.press("Take them in")
    hands.press("Put 30 % of the parts aside")
    hands.press("Put defects on good photographs")
    hands.press("Make the data set")
    detector = ".st-key-step-detector"
    hands.page.locator(detector).get_by_text("next").wait_for(timeout=PATIENCE)
    hands.wait("7 good, 8 with labelled defects, 2 not labelled; 7 put aside")
    hands.look("desk")
    hands.open("Settings", detector)
    hands.fill("spinbutton", "Epochs", "1", detector)
    hands.press("Start", detector)
    begun = hands.page.locator(detector).get_by_text(re.compile("under way|done"))
    begun.first.wait_for(timeout=PATIENCE)  # who leaves before has not started it
    hands.stand_up()
    hands.sit_down(PHONE, "dark")
    hands.follow("bottles")
    hands.wait("Download the package")
    judged = hands.count
    hands.look("phone")
    folder = hands.taken("Download the package")
    assert judged <= 20, f"{judged} clicks and fields to a judged detector"
    seen = folder.parent / "seen.png"
    seen.write_bytes(zipfile.ZipFile(photographs).read("images/p0.png"))
    [told] = run_alone(folder / "example.py", str(seen))
    assert set(told) == {"picture", "boxes"}
    hands.stand_up()


def test_from_parts_to_limits_in_force_and_a_package(hands: Hands, prints: Path) -> None:
    hands.sit_down(DESK, "light")
    hands.follow("Begin: inspect parts")
    hands.drop(prints)
    hands.press("Take them in")
    hands.wait("Checks before anything is learned")
    model = ".st-key-step-model"
    hands.open("Settings", model)
    hands.fill("spinbutton", "Test rounds", "2", model)
    hands.fill("spinbutton", "Steps", "2", model)
    hands.press("Start", model)
    hands.wait("Waits for")
    hands.look("desk")
    hands.stand_up()
    hands.sit_down(PHONE, "dark")
    hands.follow("prints")
    hands.page.get_by_role("button", name="Put in force").wait_for(timeout=PATIENCE)
    hands.fill("textbox", "Who", "Ada")
    if hands.page.get_by_text("I accept that it misses").count():
        hands.tick("I accept that it misses")
    hands.tick("from now on")
    hands.press("Put in force")
    folder = hands.taken("Download the package")
    hands.look("phone")
    assert hands.count <= 16, f"{hands.count} clicks and fields to a package"
    (folder.parent / "part.png").write_bytes(zipfile.ZipFile(prints).read("bad/00.png"))
    [told] = run_alone(folder / "example.py", "prints", str(folder.parent / "part.png"))
    assert told["verdict"] in ("GOOD", "review", "BAD")
    assert "put in force by Ada" in (folder / "MODEL_CARD.md").read_text(encoding="utf-8")
    hands.stand_up()
