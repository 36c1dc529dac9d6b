"""The route of a shared report, and the page that lists links."""

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from backend.core.runs import Run
from backend.settings import settings
from backend.sharing import links
from backend.sharing.compare import views
from backend.sharing.links import Share
from backend.sharing.report.scope import Scope
from pages.ui import resources, share_route
from tests.pages.test_pages import is_well, open_page
from tests.sharing_runs import FIGURES, made

LATENCY = {
    **{"variant": "FP32", "p50": 4.0, "p95": 6.0, "p99": 8.0, "mean": 4.4, "cpu": "A"},
    **{"parts_per_second": 200.0, "repetitions": 50, "threads": 1},
}


@pytest.fixture
def client() -> TestClient:
    return TestClient(Starlette(routes=share_route.routes()))


@pytest.fixture
def run(empty_dashboard: None) -> Run:
    return made(settings().storage, "latency", LATENCY, name="press 3")


@pytest.fixture
def share(run: Run) -> Share:
    return links.make(settings().storage, Scope((run.id,)), "Ada", 7)


def test_a_link_is_read_without_a_cookie_and_may_run_nothing(
    client: TestClient, share: Share
) -> None:
    answer = client.get(f"/share/{share.token}")
    assert answer.status_code == 200 and "press 3" in answer.text
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'") and "script-src" not in policy
    assert "frame-ancestors 'none'" in policy and "sandbox" in policy
    assert "set-cookie" not in answer.headers
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"


def test_only_reading_is_allowed(client: TestClient, share: Share) -> None:
    for ask in (client.post, client.put, client.delete):
        assert ask(f"/share/{share.token}").status_code == 405


def test_a_link_taken_back_or_made_up_is_refused_in_the_same_words(
    client: TestClient, share: Share
) -> None:
    links.revoke(settings().storage, share.token, "Ada")
    answers = [client.get(f"/share/{token}") for token in (share.token, "made.up", "x" * 500)]
    assert {answer.status_code for answer in answers} == {410}
    assert len({answer.text for answer in answers}) == 1
    assert "press 3" not in answers[0].text
    assert client.get("/share/../audit.jsonl").status_code == 404


def test_the_page_lists_a_link_and_takes_it_back(share: Share) -> None:
    page = open_page("pages/sharing/links.py")
    is_well(page)
    assert "Latency: press 3" in "".join(each.value for each in page.markdown).replace("\\", "")
    page.button(key=f"revoke-{share.token}").click().run()
    assert not page.exception
    found = links.find(settings().storage, share.token)
    assert found is not None and found.revoked
    assert any("1 ended" in each.value for each in page.markdown)


def test_without_links_the_page_says_how_to_make_one(empty_dashboard: None) -> None:
    page = open_page("pages/sharing/links.py")
    is_well(page)
    assert "press Report" in page.info[0].value


def test_a_result_offers_its_report_and_a_link(run: Run) -> None:
    page = open_page("pages/deployment/latency.py", run=run.id)
    is_well(page)
    page.button(key=f"share-{run.id}").click().run()
    assert not page.exception
    made_links = links.every(settings().storage)
    assert [share.title for share in made_links] == ["Latency: press 3"]
    assert any(made_links[0].token in each.value for each in page.code)


COMPARE = "pages/sharing/compare.py"


@pytest.fixture
def two(empty_dashboard: None) -> list[Run]:
    runs = [
        made(settings().storage, "latency", LATENCY, {"figures": list(FIGURES)}, "one"),
        made(settings().storage, "latency", LATENCY, name="two", repetitions=77),
    ]
    resources.supervisor().tick()
    return runs


def test_runs_named_in_the_address_stand_side_by_side(two: list[Run]) -> None:
    page = open_page(COMPARE, runs=",".join(run.id for run in two))
    is_well(page)
    assert "Side by side" in [each.value for each in page.subheader]
    tables = [frame.value for frame in page.dataframe]
    assert any("repetitions" in list(table.get("setting", [])) for table in tables)
    assert "no paired test" in page.info[0].value


def test_a_comparison_opens_with_the_newest_two_of_the_kind_with_most(two: list[Run]) -> None:
    made(settings().storage, "generate", {"images": 1}, name="alone")
    resources.supervisor().tick()
    page = open_page(COMPARE)
    is_well(page)
    assert page.selectbox[0].value == "latency"
    assert "Side by side" in [each.value for each in page.subheader]
    page.selectbox[0].set_value("generate").run()
    is_well(page)
    assert not page.subheader


def test_with_one_run_of_each_kind_the_comparison_says_what_to_do(empty_dashboard: None) -> None:
    made(settings().storage, "latency", LATENCY, name="alone")
    resources.supervisor().tick()
    page = open_page(COMPARE)
    is_well(page)
    assert "No kind has two completed runs yet" in page.info[0].value


def test_a_table_is_kept_under_a_name_and_opened_by_its_address(two: list[Run]) -> None:
    page = open_page(COMPARE)
    is_well(page)
    field = next(each for each in page.text_input if each.label == "Keep this table as")
    field.set_value("mine").run()
    next(each for each in page.button if each.label == "Keep").click().run()
    is_well(page)
    assert list(views.every(settings().storage)) == ["mine"]
    again = open_page(COMPARE, view="mine")
    is_well(again)
    again.button(key="remove-mine").click().run()
    is_well(again)
    assert views.every(settings().storage) == {}


def test_a_question_is_asked_kept_and_opened_again(two: list[Run]) -> None:
    page = open_page("pages/sharing/query.py")
    is_well(page)
    page.text_area[0].set_value("SELECT id, seconds FROM runs ORDER BY id").run()
    next(each for each in page.button if each.label == "Ask").click().run()
    is_well(page)
    shown = next(frame.value for frame in page.dataframe if "id" in frame.value)
    assert list(shown["id"]) == sorted(run.id for run in two)
    field = next(each for each in page.text_input if each.label.startswith("Keep the question"))
    field.set_value("mine").run()
    next(each for each in page.button if each.label == "Keep").click().run()
    is_well(page)
    page.text_area[0].set_value("SELECT 1").run()
    page.button(key="open-mine").click().run()
    assert page.text_area[0].value.startswith("SELECT id")


def test_a_refused_question_says_why(empty_dashboard: None) -> None:
    page = open_page("pages/sharing/query.py")
    page.text_area[0].set_value("COPY runs TO 'x'").run()
    next(each for each in page.button if each.label == "Ask").click().run()
    assert not page.exception
    assert "begins with SELECT" in page.error[0].value


def test_without_runs_the_page_says_so(empty_dashboard: None) -> None:
    page = open_page(COMPARE)
    is_well(page)
    assert "No run is completed yet" in page.info[0].value


def test_a_note_is_saved_and_the_run_found_by_it(two: list[Run]) -> None:
    page = open_page("pages/deployment/latency.py", run=two[0].id)
    page.text_area(key=f"note-{two[0].id}").set_value("before the new lamp")
    page.toggle(key=f"star-{two[0].id}").set_value(True)
    page.button(key=f"save-mark-{two[0].id}").click().run()
    is_well(page)
    found = open_page("pages/system/runs.py", q="lamp")
    is_well(found)
    assert list(found.dataframe[0].value["name"]) == ["★ one"]
    nothing = open_page("pages/system/runs.py", q="no such words")
    assert "No run has all of these words" in nothing.info[0].value
