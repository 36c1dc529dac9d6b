"""Runs put away and fetched back on their pages, and the page of units at work."""

import os

import pytest

from backend.core import runs, units
from backend.core.units import Needs, Node
from pages.ui import resources
from tests.benchmarks.jobs import run_job
from tests.pages.test_pages import is_well, open_page, words

pytestmark = pytest.mark.xdist_group("tiny")
TEACHER, STORAGE = "pages/teachers/images.py", "pages/system/storage.py"


@pytest.fixture
def images(empty_dashboard, tmp_path):
    """A finished run of two rendered images, made where the queue does not see it begin."""
    supervisor = resources.supervisor()
    (tmp_path / "away").mkdir()
    made = run_job(tmp_path / "made", "generate", {"count": 2})
    supervisor.settings.runs.mkdir(parents=True, exist_ok=True)
    run = runs.read(made.folder.rename(supervisor.settings.runs / made.id))
    supervisor.tick()
    return run


def click(app, label: str):
    return next(button for button in app.button if button.label == label).click().run()


def put_away(place: str):
    app = open_page(STORAGE)
    app.session_state["away"] = True
    app.run()
    next(one for one in app.text_input if one.label == "Where to").set_value(place)
    next(one for one in app.number_input if one.label.startswith("Of so many")).set_value(0)
    app.run()
    next(box for box in app.checkbox if box.label == "All 1").check()
    app.run()
    next(box for box in app.checkbox if box.label.startswith("Delete the pictures")).check()
    app.run()
    return click(app, "Put away")


def test_a_run_is_put_away_its_page_says_where_and_fetches_it(images, tmp_path):
    app = put_away(str(tmp_path / "away"))
    is_well(app)
    assert not (images.folder / "artifacts").exists()
    assert (tmp_path / "away" / f"{images.id}.tar").exists()
    page = open_page(TEACHER, run=images.id)
    is_well(page)
    assert f"archived at {tmp_path}" in words(page).replace("\\", "")
    click(page, "Fetch")
    is_well(page)
    assert images.artifacts.is_dir()
    assert "archived" not in words(page)


def test_a_place_that_cannot_be_written_is_said_and_nothing_goes(images, tmp_path):
    app = put_away(str(tmp_path / "not mounted"))
    assert not app.exception
    assert "mount its disk" in app.error[0].value
    assert not (tmp_path / "not mounted").exists()
    assert images.artifacts.is_dir()


def test_pages_that_need_the_files_say_where_they_are(images, tmp_path):
    put_away(str(tmp_path / "away"))
    for page in ("pages/labels/curation.py", "pages/system/runs.py"):
        app = open_page(page, run=images.id)
        assert not app.exception
        assert not [e for e in app.error if "could not be built" in e.value]
    form = open_page("pages/students/distill.py")
    assert "archived" in words(form)


def test_units_at_work_are_shown_with_what_was_lost(empty_dashboard):
    supervisor = resources.supervisor()
    run = runs.create(supervisor.settings.runs, "inspect", {}, name="Caps")
    runs.claim(run.folder, os.getpid())
    board = units.Board(run.folder, "Ray, head:6379", Needs())
    board.expect(["fold-0-0", "fold-0-1"])
    board.see([Node("press (10.0.0.7)", 8.0, 0.0, 2.0**34)])
    for fraction in (0.2, 0.5):
        units._Mark(run.folder, "fold-0-0", "press").tell(fraction, "training")
    supervisor.tick()
    app = open_page("pages/system/computers.py")
    is_well(app)
    figures = {metric.label: metric.value for metric in app.metric}
    assert figures == {
        "Done": "0 of 2",
        "At work": "1",
        "Waiting": "1",
        "Lost": "1",
        "Repeated": "1",
    }
    tables = [frame.value for frame in app.dataframe]
    assert tables[0].iloc[0].tolist() == ["fold-0-0", "press", "50%", "training"]
    assert tables[1].iloc[0, 0] == "press (10.0.0.7)"
    (run.folder / "process.json").unlink()
    (run.folder / "cancel").touch()
