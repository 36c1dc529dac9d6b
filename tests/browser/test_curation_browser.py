"""Labels and curation by hand: keys, mouse and touch in a real browser, decisions on disk."""

import zipfile

import pytest

from backend.images import curation
from tests.browser.visiting import DESK, NEEDS_CHROMIUM, PHONE, opened, settled, visit

pytestmark = NEEDS_CHROMIUM
URL = "labels-curation"


@pytest.fixture
def run(tiny_runs):
    """The tiny teacher run; what was decided about it is forgotten again."""
    yield tiny_runs["generate"]
    (tiny_runs["generate"].folder / curation.JOURNAL).unlink(missing_ok=True)


@pytest.fixture(scope="module")
def desk(browser):
    """A browser window's memory: what one test loaded the next need not."""
    context = browser.new_context(viewport=DESK, color_scheme="light")
    yield context
    context.close()


@pytest.fixture
def sheet(server, desk, run):
    """The contact sheet of that run on a desk."""
    page, outside = opened(desk, server, f"{URL}?run={run.id}")
    page.locator(".tile").first.wait_for()
    yield page
    assert outside == []
    page.close()


@pytest.fixture
def editor(sheet):
    """The box editor at image 000000, opened with the keyboard."""
    sheet.locator(".tile").first.focus()
    sheet.keyboard.press("Enter")
    sheet.locator(".stage svg").wait_for()
    return sheet


def drag(page, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Drag from one place of the image to another, both as shares of its edge lengths."""
    area = page.locator(".stage svg").bounding_box()
    (x0, y0), (x1, y1) = (
        (area["x"] + x * area["width"], area["y"] + y * area["height"]) for x, y in (start, end)
    )
    page.mouse.move(x0, y0)
    page.mouse.down()
    page.mouse.move((x0 + x1) / 2, (y0 + y1) / 2)
    page.mouse.move(x1, y1)
    page.mouse.up()


def boxes_of(run, image: str) -> list:
    rows = curation.boxes(run.folder)
    return list(rows[rows["image"] == image].itertuples())


def empty(page) -> None:
    """Takes every box of the image away."""
    count = page.locator(".list button").count()
    for _ in range(count):
        page.locator(".list button").first.click()
        page.keyboard.press("Delete")
    page.locator(".words", has_text="No boxes").wait_for()


def test_keys_keep_reject_and_take_back(sheet, run, until):
    sheet.locator(".tile").first.focus()
    sheet.keyboard.press("r")
    sheet.keyboard.press("k")
    until(lambda: curation.verdicts(run.folder) == {"000000": "rejected", "000001": "kept"})
    sheet.get_by_text("1 kept · 1 rejected", exact=False).wait_for()
    assert sheet.locator(".tile.rejected .badge").inner_text() == "✕ rejected"
    sheet.keyboard.press("u")
    until(lambda: curation.verdicts(run.folder) == {"000000": "rejected"})
    sheet.get_by_role("button", name="Undo").click()
    until(lambda: curation.verdicts(run.folder) == {})
    sheet.locator(".tile .badge").first.wait_for(state="detached")


def test_several_images_are_one_action(sheet, run, until):
    sheet.locator(".tile").first.focus()
    sheet.keyboard.press("Shift+ArrowRight")
    sheet.keyboard.press("Shift+ArrowRight")
    assert sheet.locator(".tile[aria-selected=true]").count() == 3
    sheet.keyboard.press("d")
    until(lambda: len(curation.verdicts(run.folder)) == 3)
    sheet.locator('.tile[data-id="000000"]').wait_for(state="detached")
    assert curation.newest(run.folder) == "3 deleted"
    sheet.locator(".tile").first.click()
    sheet.locator(".tile").nth(2).click(modifiers=["Shift"])
    assert sheet.locator(".tile[aria-selected=true]").count() == 3


def test_an_action_can_be_undone_before_the_server_has_answered(sheet, run, until):
    sheet.locator(".tile").first.focus()
    sheet.keyboard.press("r")
    sheet.keyboard.press("u")
    journal = run.folder / curation.JOURNAL
    until(lambda: journal.exists() and len(journal.read_text(encoding="utf-8").splitlines()) == 2)
    assert curation.verdicts(run.folder) == {}


def test_actions_faster_than_the_server_are_all_done(sheet, run, until):
    sheet.locator(".tile").first.focus()
    for _ in range(6):
        sheet.keyboard.press("r")
    until(lambda: set(curation.verdicts(run.folder)) == {f"{k:06d}" for k in range(6)})
    lines = (run.folder / curation.JOURNAL).read_text(encoding="utf-8").splitlines()
    assert len(lines) == 6


def test_a_drawn_box_is_saved_where_it_was_drawn(editor, run, until):
    empty(editor)
    drag(editor, (0.25, 0.5), (0.75, 0.875))
    editor.keyboard.press("2")
    named = editor.get_by_label("Class", exact=True).input_value()
    editor.keyboard.press("s")
    (box,) = until(lambda: len(found := boxes_of(run, "000000")) == 1 and found)
    size = run.spec["size"]
    corners = [box.x1 / size, box.y1 / size, box.x2 / size, box.y2 / size]
    assert corners == pytest.approx([0.25, 0.5, 0.75, 0.875], abs=0.01)
    assert (box.source, box.confidence, box.class_name) == ("hand", 1.0, named)


def test_handles_resize_arrows_nudge_and_undo_takes_back(editor, run, until):
    size = run.spec["size"]
    empty(editor)
    drag(editor, (0.25, 0.25), (0.5, 0.5))
    drag(editor, (0.5, 0.5), (0.75, 0.625))
    editor.keyboard.press("ArrowLeft")
    editor.keyboard.press("Shift+ArrowDown")
    editor.keyboard.press("Control+z")
    editor.keyboard.press("Control+s")
    (box,) = until(lambda: len(found := boxes_of(run, "000000")) == 1 and found)
    found = [box.x1, box.y1, box.x2, box.y2]
    wanted = [size / 4 - 1, size / 4, size * 3 / 4 - 1, size * 5 / 8]
    assert found == pytest.approx(wanted, abs=size / 100)


def test_a_box_dragged_out_of_the_image_stays_inside(editor, run, until):
    size = run.spec["size"]
    empty(editor)
    drag(editor, (0.5, 0.5), (0.7, 0.7))
    drag(editor, (0.6, 0.6), (1.4, 0.6))
    editor.get_by_role("button", name="Save").click()
    (box,) = until(lambda: len(found := boxes_of(run, "000000")) == 1 and found)
    assert box.x2 == size
    assert box.x2 - box.x1 == pytest.approx(size / 5, abs=size / 50)


def test_going_on_saves_and_untouched_boxes_keep_their_origin(editor, run, until):
    before = len(boxes_of(run, "000000"))
    editor.get_by_role("button", name="Draw", exact=True).click()
    drag(editor, (0.1, 0.1), (0.3, 0.2))
    editor.keyboard.press("n")
    editor.get_by_text("000001 · 2 of", exact=False).wait_for()
    sources = [box.source for box in until(lambda: boxes_of(run, "000000"))]
    assert sorted(sources) == sorted(["exact"] * before + ["hand"])
    editor.keyboard.press("p")
    editor.get_by_text("000000 · 1 of", exact=False).wait_for()
    editor.keyboard.press("Escape")
    editor.locator(".tile").first.wait_for()
    assert not boxes_of(run, "000001") or boxes_of(run, "000001")[0].source == "exact"


def test_tab_goes_through_the_boxes_and_then_on(editor):
    count = editor.locator(".list button").count()
    for place in range(count):
        editor.keyboard.press("Tab")
        assert editor.locator(".list button").nth(place).get_attribute("aria-pressed") == "true"
    editor.keyboard.press("Tab")
    assert editor.locator(".list button:focus").count() == 1


def test_a_finger_draws_a_box_on_a_phone_without_sideways_scrolling(server, browser, run, until):
    page, _ = visit(browser, server, f"{URL}?run={run.id}", PHONE, "dark")
    main = "document.querySelector('[data-testid=stMain]')"
    page.locator(".tile").first.wait_for()
    page.wait_for_function(f"{main}.scrollWidth <= {main}.clientWidth")
    page.locator(".tile").first.click()
    page.get_by_role("button", name="Edit boxes").click()
    page.locator(".stage svg").wait_for()
    page.wait_for_function(f"{main}.scrollWidth <= {main}.clientWidth")
    before = len(boxes_of(run, "000000"))
    page.get_by_role("button", name="Draw", exact=True).click()
    touch(page, (0.2, 0.3), (0.6, 0.7))
    page.get_by_role("button", name="Save").click()
    until(lambda: len(boxes_of(run, "000000")) == before + 1)
    page.context.close()


def touch(page, start: tuple[float, float], end: tuple[float, float]) -> None:
    """A finger put down at one share of the image, moved to another and lifted."""
    session = page.context.new_cdp_session(page)
    area = page.locator(".stage svg").bounding_box()
    places = [
        {"x": area["x"] + x * area["width"], "y": area["y"] + y * area["height"]}
        for x, y in (start, ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2), end)
    ]
    for name, points in (
        ("touchStart", places[:1]),
        ("touchMove", places[1:2]),
        ("touchMove", places[2:]),
        ("touchEnd", []),
    ):
        session.send("Input.dispatchTouchEvent", {"type": name, "touchPoints": points})


def test_what_is_left_is_taken_away_as_a_zip(sheet, run, until, tmp_path):
    sheet.locator(".tile").first.focus()
    sheet.keyboard.press("r")
    until(lambda: curation.verdicts(run.folder))
    sheet.get_by_text("1 rejected", exact=False).wait_for()
    settled(sheet)
    sheet.get_by_text("Take away as a zip").click()
    sheet.get_by_role("button", name="Make the zip").click()
    download = sheet.get_by_role("button", name="Download (")
    download.wait_for()
    settled(sheet)  # while the page is being built, Streamlit may drop what it just handed out
    with sheet.expect_download() as taken:
        download.click()
    taken.value.save_as(tmp_path / "set.zip")
    names = zipfile.ZipFile(tmp_path / "set.zip").namelist()
    pictures = [name for name in names if "images" in name and name.endswith(".png")]
    assert len(pictures) == len(curation.images(run.folder)) - 1
    assert not [name for name in pictures if "000000" in name]


def classes_of(run, image: str) -> list[str]:
    return [box.class_name for box in boxes_of(run, image)]


def test_a_class_becomes_another_in_all_chosen_images_and_back(sheet, run, until):
    first, second = "000000", "000001"
    before = [classes_of(run, image) for image in (first, second)]
    old = before[0][0]
    sheet.locator(".tile").first.click()
    sheet.locator(".tile").nth(1).click(modifiers=["Shift"])
    sheet.get_by_text("Relabel", exact=True).first.click()
    sheet.get_by_label("Boxes of class").select_option(old)
    sheet.get_by_label("Become class").fill("hairline")
    sheet.get_by_role("button", name="Relabel", exact=True).click()
    wanted = [["hairline" if c == old else c for c in names] for names in before]
    until(
        lambda: [sorted(classes_of(run, i)) for i in (first, second)] == list(map(sorted, wanted))
    )
    sheet.locator("[data-testid=stMain]").get_by_text("hairline").first.wait_for()
    sheet.get_by_role("button", name="Undo").click()
    until(lambda: [classes_of(run, i) for i in (first, second)] == before)


def test_a_tag_set_on_the_sheet_is_what_one_filters_by(sheet, run, until):
    sheet.locator(".tile").nth(2).click()
    sheet.get_by_text("Tag", exact=True).first.click()
    sheet.get_by_label("Tag", exact=True).fill("shift 2")
    sheet.get_by_role("button", name="Set tag").click()
    until(lambda: curation.latest(run.folder, "tag") == {"000002": "shift 2"})
    sheet.locator(".tile .flag", has_text="shift 2").wait_for()
    settled(sheet)
    sheet.get_by_role("button", name="Filter and order").click()
    sheet.get_by_role("combobox", name="Tag").click()
    sheet.get_by_role("option", name="shift 2").click()
    sheet.locator('.tile[data-id="000000"]').wait_for(state="detached")
    assert sheet.locator(".tile").count() == 1


def test_boxes_are_saved_when_one_turns_to_anything_else(editor, run, until):
    before = len(boxes_of(run, "000000"))
    editor.get_by_role("button", name="Draw", exact=True).click()
    drag(editor, (0.1, 0.1), (0.3, 0.2))
    editor.get_by_text("Not saved yet").wait_for()
    editor.get_by_role("link", name="Storage").click()
    until(lambda: len(boxes_of(run, "000000")) == before + 1)
    editor.get_by_role("heading", name="Storage", level=1).wait_for()


def test_a_wrong_label_is_a_click_away_from_its_picture(server, browser, run):
    page, _ = visit(browser, server, f"teachers-images?run={run.id}", DESK, "light")
    links = page.get_by_role("link", name="Label is wrong")
    links.nth(2).wait_for()
    links.nth(2).click()
    page.get_by_text("000002 · 3 of", exact=False).wait_for()
    page.context.close()
