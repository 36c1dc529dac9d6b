"""Pages of a line: its counts, its newest parts, its history, and what changes it."""

import pytest

from backend.core import runs
from backend.line import control, report, steady
from backend.line.control import Wish
from backend.line.keeper import STATUS
from backend.settings import settings
from pages.ui import resources
from tests.pages.test_forms import press
from tests.pages.test_pages import is_well, open_page

pytestmark = pytest.mark.xdist_group("tiny")
LINES, LIVE, HISTORY = (f"pages/line/{name}.py" for name in ("lines", "live", "history"))


def texts(app):
    """What the page says, wherever."""
    kinds = (app.markdown, app.caption, app.info, app.warning, app.error, app.success)
    return "\n".join(one.value for kind in kinds for one in kind).replace("\\", "")


def test_a_line_that_ended_shows_what_it_did(dashboard):
    app = open_page(LINES, run=dashboard["line"].id)
    is_well(app)
    shown = {metric.label: metric.value for metric in app.metric}
    assert shown["Parts"] == "24"
    assert sum(int(shown[name]) for name in ("GOOD", "REVIEW", "BAD", "UNINSPECTED")) == 24
    assert "came to its end" in texts(app)


def test_its_last_parts_are_seen_live_and_limits_with_their_type(dashboard):
    app = open_page(LIVE)
    is_well(app)
    assert "does not run" in texts(app)
    picked = app.segmented_control[0]
    assert picked.options[0] == "all" and len(picked.options) > 2
    is_well(picked.set_value(picked.options[1]).run())


def test_its_history_is_filtered(dashboard):
    app = open_page(HISTORY)
    is_well(app)
    assert "24 parts" in texts(app)
    assert len(app.dataframe[0].value) == 24
    app.multiselect[0].set_value(["UNINSPECTED"]).run()
    assert "0 parts" in texts(app) and "No part meets this filter" in texts(app)


@pytest.mark.parametrize("page", [LIVE, HISTORY])
def test_a_line_that_is_not_there_is_said_beside_the_one_that_is_shown(dashboard, page):
    name = dashboard["line"].name
    app = open_page(page, line="press-99")
    is_well(app)
    assert f"There is no line 'press-99' in this project. This is {name}." in texts(app)
    assert app.query_params["line"] == name
    assert "There is no line" not in texts(app.run())
    assert "There is no line" not in texts(open_page(page, line=name))


@pytest.mark.parametrize("page", [LIVE, HISTORY])
def test_without_a_line_the_page_says_what_to_do(empty_dashboard, page):
    app = open_page(page)
    is_well(app)
    assert "No line was started yet" in texts(app)


def test_without_a_package_the_page_leads_to_it(empty_dashboard):
    app = open_page(LINES)
    is_well(app)
    assert "Make one first" in texts(app)


@pytest.fixture
def at_work(dashboard, bystander):
    """The line as if it were running: claimed by a living process, with a fresh status."""
    run = dashboard["line"]
    home = report.home(settings().storage, run.name)
    kept = {name: (run.folder / name).read_bytes() for name in ("process.json", "result.json")}
    status = (home / STATUS).read_bytes()
    (run.folder / "result.json").unlink()
    runs.claim(run.folder, bystander)
    now = {"ended": False, "troubles": {"disk": "*full*"}}
    now |= {"steady": steady.now() + 600, "boot": steady.boot()}
    runs.write_json(home / STATUS, runs.read_json(home / STATUS) | now)
    control.current(home, Wish(run.id, run.spec["package_run"]))
    resources.owner().tick()  # the list of runs knows it now
    yield run, home
    for name, content in kept.items():
        (run.folder / name).write_bytes(content)
    (home / STATUS).write_bytes(status)
    (run.folder / "cancel").unlink(missing_ok=True)


def test_a_line_at_work_tells_its_troubles_and_is_changed_and_stopped(at_work):
    run, home = at_work
    app = open_page(LINES, run=run.id)
    is_well(app)
    assert "runs, with trouble" in texts(app) and "full" in texts(app)
    press(app, "Test the golden parts now")
    assert control.wish(home).golden == 1
    press(app, "Stop it now")
    assert (run.folder / "cancel").exists()


def test_a_line_that_gives_no_sign_of_life_is_shouted_about(at_work):
    run, home = at_work
    runs.write_json(home / STATUS, runs.read_json(home / STATUS) | {"steady": -1e9})
    app = open_page(LINES, run=run.id)
    assert any("no sign of life" in error.value for error in app.error)


def test_a_line_without_limits_says_where_to_choose_some(at_work):
    _, home = at_work
    now = {"thresholds": 0, "totals": {"REVIEW": 24}, "troubles": {}}
    runs.write_json(home / STATUS, runs.read_json(home / STATUS) | now)
    app = open_page(LIVE, line=home.name)
    is_well(app)
    assert "No limits are in use, so every part goes to REVIEW" in texts(app)


def test_the_list_of_runs_leads_to_a_line_at_work_and_offers_no_cancel(at_work):
    run, _ = at_work
    for query in ({}, {"run": run.id}):
        app = open_page("pages/system/runs.py", **query)
        is_well(app)
        listed = [link.label for link in app.get("page_link")]
        assert any("see how it is doing" in label for label in listed), listed
        assert not [one for one in app.button if one.label == "Cancel"]
