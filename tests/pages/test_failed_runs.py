"""A run that failed, on its pages: one sentence, what can be done, and no traceback."""

import pytest

from backend.core import jobs, runs, specs
from backend.inspection.parts.spec import Spec
from backend.records import Cause, RunState
from pages.ui import resources
from tests.pages.test_pages import open_page, words

pytestmark = pytest.mark.xdist_group("tiny")
SENTENCE = "Picture x.png is damaged. Save it again."
FAULT = "This is a fault of the program, not of your data: KeyError: 'a'; details in the log."
TRACEBACK = "Traceback (most recent call last):\n  File x\nKeyError: 'a'"
PAGES = ("pages/inspection/parts.py", "pages/system/runs.py")


@pytest.fixture
def failed(empty_dashboard):
    """Makes a failed run of the kind parts, with settings other than the defaults."""

    def make(cause, error, log="", **more):
        supervisor = resources.supervisor()
        spec = specs.to_json(Spec(source="simulator", scale=0.37, seed=77)) | more
        run = runs.create(supervisor.settings.runs, "parts", spec, name="First try")
        (run.folder / "log.txt").write_text(log)
        runs.finish(run.folder, RunState.FAILED, error=error, cause=cause)
        supervisor.tick()
        return run

    return make


def labels(app):
    return [button.label for button in app.button]


def shown(app):
    """Everything on the page outside of a tab, and in an expander."""
    return words(app) + "\n".join(block.value for block in app.code)


@pytest.mark.parametrize("page", PAGES)
def test_a_mistake_is_one_sentence_and_a_way_to_other_settings(failed, page):
    run = failed(Cause.MISTAKE, SENTENCE, log=SENTENCE)
    app = open_page(page, run=run.id)
    assert not app.exception and not app.error
    assert [w.value for w in app.warning] == [f"This run failed. {SENTENCE}"]
    assert "Resume" not in labels(app)
    assert "Traceback" not in shown(app)
    app.button[labels(app).index("Change settings and start again")].click().run()
    assert not app.exception and not app.error
    assert app.number_input(key=f"again-{run.id}-scale").value == 0.37
    assert app.number_input(key=f"again-{run.id}-seed").value == 77
    assert "With the settings of First try" in words(app)


def test_what_waited_for_a_canceled_run_reads_as_not_started(empty_dashboard):
    supervisor = resources.supervisor()
    spec = specs.to_json(Spec(source="simulator"))
    run = runs.create(supervisor.settings.runs, "parts", spec, name="Second")
    error = f"{jobs.NOT_STARTED} Its input x was canceled. Resume that, then this run."
    runs.finish(run.folder, RunState.CANCELED, error=error)
    supervisor.tick()
    table = open_page("pages/system/runs.py").dataframe[0].value
    assert list(table["state"]) == ["not started: its input was canceled"]
    app = open_page("pages/inspection/parts.py", run=run.id)
    assert not app.exception
    assert [w.value for w in app.warning] == [error]
    assert "Resume" in labels(app)


def test_the_choice_of_run_does_not_keep_saying_that_it_waits(empty_dashboard):
    supervisor = resources.supervisor()
    spec = specs.to_json(Spec(source="simulator"))
    run = runs.create(supervisor.settings.runs, "parts", spec)
    supervisor.tick()
    app = open_page(PAGES[0], run=run.id)
    runs.finish(run.folder, RunState.FAILED, error=SENTENCE, cause=Cause.MISTAKE)
    supervisor.tick()
    app.run()
    sent = app.selectbox(key="run").proto
    assert sent.set_value and sent.raw_value.endswith("failed")
    app.run()
    assert not app.selectbox(key="run").proto.set_value


def test_started_again_it_is_a_new_run_made_from_the_old(failed):
    run = failed(Cause.MISTAKE, SENTENCE)
    app = open_page(PAGES[0], again=run.id, run=run.id)
    app.number_input(key=f"again-{run.id}-seed").set_value(78)
    app.button[labels(app).index("Start")].click().run()
    assert not app.exception and not app.error
    again = next(r for r in resources.supervisor().active() if r.id != run.id)
    assert (again.parent, again.spec) == (run.id, run.spec | {"seed": 78})
    resources.supervisor().cancel(again.id)


def test_a_fault_of_the_program_says_so_and_where_its_log_is(failed):
    run = failed(Cause.FAULT, FAULT, log=TRACEBACK)
    app = open_page(PAGES[0], run=run.id)
    assert "a fault of the program, not of your data" in app.warning[0].value
    assert {"Resume", "Change settings and start again"} <= set(labels(app))
    assert "Traceback" not in shown(app)
    assert str(run.folder / "log.txt").replace("-", "") in words(app).replace("\\", "").replace(
        "-", ""
    )
    app = open_page(PAGES[1], run=run.id)
    assert "Traceback" not in words(app)
    assert any("Traceback" in block.value for block in app.tabs[2].code), "in the tab Log alone"


def test_an_older_failed_run_may_still_be_resumed(failed):
    run = failed(Cause.UNKNOWN, "why")
    app = open_page(PAGES[0], run=run.id)
    assert "Resume" in labels(app)
    assert "why" in app.warning[0].value


def test_settings_that_fit_no_more_give_way_to_the_usual_ones(failed):
    run = failed(Cause.MISTAKE, SENTENCE, scale=10**6, source="moon", colour="red")
    app = open_page(PAGES[0], again=run.id, run=run.id)
    assert not app.exception and not app.error
    assert app.number_input(key=f"again-{run.id}-scale").value == Spec().scale
    assert app.number_input(key=f"again-{run.id}-seed").value == 77
