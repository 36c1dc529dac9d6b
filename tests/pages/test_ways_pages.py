"""The guided ways' pages, through Streamlit's own test runner."""

import pytest
from streamlit.testing.v1 import AppTest

from backend.core import runs
from backend.core.runs import Run
from backend.records import Cause, RunState
from backend.settings import settings
from pages.ui import links, resources
from tests.pages.test_pages import is_well, open_page, words

PARTS, PHOTOGRAPHS = links.WAYS["parts"].path, links.WAYS["photographs"].path
FIRST = {"source": "folder", "folder": "/gone", "layout": "auto"}


def labels(app: AppTest) -> list[str]:
    return [button.label for button in app.button]


def begun(**result: object) -> Run:
    """Parts that somebody took in, in the dashboard's storage."""
    run = runs.create(settings().runs, "parts", FIRST, name="bottles")
    if result:
        runs.finish(run.folder, RunState.COMPLETED, result=result)
    return runs.read(run.folder)


@pytest.mark.parametrize("path", [PARTS, PHOTOGRAPHS])
def test_a_way_begins_with_a_zip_and_names_what_follows(empty_dashboard: None, path: str) -> None:
    app = open_page(path)
    is_well(app)
    assert "Take them in" in labels(app)
    assert words(app).count("not yet") == (6 if path == PARTS else 7)
    assert "Take it away" in words(app)


def test_a_step_that_failed_says_why_and_opens_its_settings(empty_dashboard: None) -> None:
    run = runs.create(settings().runs, "parts", FIRST, name="bottles")
    failure = "There is no folder '/gone' on this computer."
    runs.finish(run.folder, RunState.FAILED, error=failure, cause=Cause.MISTAKE)
    app = open_page(PARTS, run=run.id)
    is_well(app)
    assert "/gone" in app.warning[0].value
    assert "Start" in labels(app)
    assert "/gone" in [field.value for field in app.text_input]
    assert "After “The parts”" in words(app)


def test_the_ways_of_a_finished_flow_show_every_step(dashboard: dict[str, Run]) -> None:
    app = open_page(PARTS, run=dashboard["parts"].id)
    is_well(app)
    told = words(app)
    assert "5 of 7 steps done; next: Look, and put in force" in told
    assert "separation GOOD/BAD" in told
    assert "Put in force" in labels(app)


def test_the_overview_lists_the_ways_under_way(empty_dashboard: None) -> None:
    begun(n=3, n_good=2, n_bad=1)
    resources.supervisor().tick()
    listed = [link.label for link in open_page("pages/home/overview.py").get("page_link")]
    assert [one for one in listed if one.startswith("**bottles**")]
