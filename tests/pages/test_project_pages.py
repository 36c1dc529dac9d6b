"""Two projects on the pages: each shows its own, and who is no member sees nothing of one."""

import pytest

from backend.access.rights import Role
from backend.actions import people
from backend.actions import projects as actions
from backend.core import facts, projects, runs
from backend.core.audit import Actor, Way
from pages.ui import identity, project, resources
from tests.pages.test_pages import is_well, open_page, words
from tests.sharing_runs import FIGURES, made

BOSS = Actor("Boss", Way.COMMAND_LINE, Role.ADMIN)
LATENCY = {
    **{"variant": "FP32", "p50": 4.0, "p95": 6.0, "p99": 8.0, "mean": 4.4, "cpu": "A"},
    **{"parts_per_second": 200.0, "repetitions": 50, "threads": 1},
}


@pytest.fixture
def other(empty_dashboard, storage):
    """A second project, a latency and a parts run in each."""
    found = actions.add(BOSS, storage, "Windscreens")
    for name, place in (("pen", ""), ("pane", found.id)):
        made(storage.storage, "latency", LATENCY, {"figures": FIGURES}, name, project=place)
        made(storage.storage, "parts", {"parts": 3}, name=f"{name} parts", project=place)
    resources.owner().tick()
    return found


@pytest.fixture
def eve(storage, monkeypatch):
    """Eve, who is in no project, at the browser."""
    people.add(BOSS, storage, "Boss", Role.ADMIN, "correct horse battery")
    made = people.add(BOSS, storage, "Eve", Role.ENGINEER, "correct horse battery")
    people.add(BOSS, storage, "Mia", Role.ENGINEER, "correct horse battery")
    monkeypatch.setattr(identity, "account", lambda: made)
    return made


def run_of(name):
    frame = resources.owner().store.read("SELECT id FROM runs WHERE name = ?", [name])
    return str(frame["id"][0])


def choice(app):
    return next((box for box in app.sidebar.selectbox if box.label == "Project"), None)


def tables(app):
    return " ".join(str(table.value.to_csv()) for table in app.dataframe)


def test_who_needs_none_is_asked_nothing(empty_dashboard):
    app = open_page("pages/system/runs.py")
    is_well(app)
    assert choice(app) is None and "project" not in app.query_params


@pytest.mark.parametrize(
    "path", ["pages/system/runs.py", "pages/home/overview.py", "pages/sharing/compare.py"]
)
def test_a_page_lists_the_runs_of_the_chosen_project(other, path):
    app = open_page(path)
    assert "pen" in tables(app) and "pane" not in tables(app)
    choice(app).select(other.id).run()
    is_well(app)
    assert "pane" in tables(app) and "pen" not in tables(app)


def test_search_finds_here_and_says_what_is_elsewhere(other):
    app = open_page("pages/system/runs.py")
    app.text_input(key="q").set_value("pane").run()
    assert "No run has all of these words" in words(app)
    assert "2 runs with these words in Windscreens" in words(app)


def test_a_form_offers_what_the_project_has(other):
    app = open_page("pages/inspection/model.py")
    choice(app).select(other.id).run()
    is_well(app)
    offered = next(box for box in app.selectbox if box.label == "Parts").options
    assert len(offered) == 1 and "pane parts" in offered[0]


def test_a_form_starts_its_run_in_the_chosen_project(other):
    app = open_page("pages/teachers/images.py")
    choice(app).select(other.id).run()
    next(button for button in app.button if button.label == "Start").click().run()
    [run] = resources.owner().active()
    assert run.project == other.id


def test_a_question_reads_the_chosen_project(other):
    app = open_page("pages/sharing/query.py")
    choice(app).select(other.id).run()
    app.text_area(key="question-sql").set_value("SELECT name FROM runs").run()
    next(button for button in app.button if button.label == "Ask").click().run()
    assert "pane" in tables(app) and "pen" not in tables(app)


def test_a_link_to_a_run_chooses_its_project(other):
    app = open_page("pages/home/overview.py", project=other.id)
    assert choice(app).value == other.id
    app = open_page("pages/system/runs.py")
    app.query_params["run"] = run_of("pane")
    app.run()
    assert choice(app).value == other.id and "pane" in app.subheader[0].value
    choice(app).select("").run()
    assert choice(app).value == "" and "run" not in app.query_params


def test_who_is_no_member_is_refused_in_words(other, eve, storage):
    actions.set_members(BOSS, storage, other.id, ["Mia"])
    for query in ({"run": run_of("pane")}, {"project": other.id}):
        app = open_page("pages/system/runs.py")
        for name, value in query.items():
            app.query_params[name] = value
        app.run()
        assert "of which you are no member" in app.error[0].value
        assert "pane" not in tables(app) + words(app) and choice(app) is None
    app = open_page("pages/access/projects.py")
    assert "Windscreens" not in tables(app)


def test_a_member_of_nothing_is_told_so(other, eve, storage):
    for one in projects.every(storage.storage):
        actions.set_members(BOSS, storage, one, ["Mia"])
    app = open_page("pages/home/overview.py")
    is_well(app)
    assert "member of no project yet" in " ".join(str(i.value) for i in app.sidebar.info)
    assert "pane" not in tables(app) and "pen" not in tables(app)


def test_runs_of_an_unknown_project_are_brought_under_a_name(other, storage):
    stray = made(storage.storage, "latency", LATENCY, name="stray", project="0badcafe")
    resources.owner().tick()
    app = open_page("pages/home/overview.py", project="0badcafe")
    assert "no such project" in app.error[0].value
    app = open_page("pages/access/projects.py")
    assert "project 0badcafe,1,admins" in tables(app)
    next(box for box in app.selectbox if box.label == "Which").select("0badcafe").run()
    next(field for field in app.text_input if field.label == "Its name").set_value("Strays").run()
    next(button for button in app.button if button.label == "Rename").click().run()
    is_well(app)
    choice(app).select("0badcafe").run()
    assert resources.owner().find(stray.id).project == projects.named(storage.storage, "strays").id


def test_projects_are_made_and_runs_moved_on_their_page(other, storage):
    app = open_page("pages/access/projects.py")
    is_well(app)
    app.text_input[0].set_value("Lids")
    next(button for button in app.button if button.label == "Add").click().run()
    lids = projects.named(storage.storage, "lids")
    assert app.session_state[project.CHOSEN] == lids.id
    choice(app).select("").run()
    moving = next(box for box in app.multiselect if box.label.startswith("Runs of"))
    moving.select(run_of("pen")).run()
    is_well(app)
    next(box for box in app.selectbox if box.label == "To the project").select(lids.id).run()
    next(button for button in app.button if button.label == "Move 1 run").click().run()
    assert runs.project_of(storage.runs / run_of("pen")) == lids.id


def test_a_project_is_renamed_and_archived(other, storage):
    app = open_page("pages/access/projects.py", project=other.id)
    next(field for field in app.text_input if field.label == "Its name").set_value("Panes").run()
    next(button for button in app.button if button.label == "Rename").click().run()
    assert projects.find(storage.storage, other.id).name == "Panes"
    next(box for box in app.checkbox if box.label.startswith("Archive it")).check().run()
    next(button for button in app.button if button.label == "Archive").click().run()
    is_well(app)
    assert projects.find(storage.storage, other.id).archived and choice(app) is None


@pytest.mark.parametrize(
    "path", ["pages/system/runs.py", "pages/home/overview.py", "pages/sharing/compare.py"]
)
def test_all_projects_are_listed_with_their_names(other, path):
    app = open_page(path)
    choice(app).select(projects.ALL).run()
    is_well(app)
    told = tables(app)
    assert "pen" in told and "pane" in told
    assert "General" in told and "Windscreens" in told


def test_in_all_projects_results_are_chosen_by_their_project_and_nothing_starts(other):
    app = open_page("pages/inspection/parts.py", project=projects.ALL)
    assert "To start something, choose its project" in words(app)
    offered = next(box for box in app.selectbox if box.label == "Run").options
    assert any("pen parts" in one and "General" in one for one in offered)
    assert any("pane parts" in one and "Windscreens" in one for one in offered)
    assert not [button for button in app.button if button.label == "Start"]


def test_all_projects_hide_those_of_others_and_stay_when_a_run_is_opened(other, eve, storage):
    lids = actions.add(BOSS, storage, "Lids")
    made(storage.storage, "latency", LATENCY, {"figures": FIGURES}, "lid", project=lids.id)
    actions.set_members(BOSS, storage, other.id, ["Mia"])
    resources.owner().tick()
    app = open_page("pages/system/runs.py", project=projects.ALL)
    is_well(app)
    assert "lid" in tables(app) and "pane" not in tables(app)
    app.query_params["run"] = run_of("lid")
    app.run()
    is_well(app)
    assert choice(app).value == projects.ALL and "lid" in app.subheader[0].value


def test_who_sees_one_project_has_no_choice_of_all(other, eve, storage):
    actions.set_members(BOSS, storage, other.id, ["Mia"])
    app = open_page("pages/system/runs.py", project=projects.ALL)
    is_well(app)
    assert choice(app) is None and "pen" in tables(app) and "pane" not in tables(app)


def test_whether_a_run_is_archived_is_asked_of_those_seen_alone(other, eve, storage, monkeypatch):
    actions.set_members(BOSS, storage, other.id, ["Mia"])
    asked, archived_at = [], runs.archived_at
    monkeypatch.setattr(runs, "archived_at", lambda f: asked.append(f.name) or archived_at(f))
    is_well(open_page("pages/system/storage.py"))
    assert run_of("pen") in asked and run_of("pane") not in asked


def test_rows_that_are_not_yet_taken_in_are_not_kept_as_none(empty_dashboard, storage):
    """A page may ask for another run's rows before the queue has come to it."""
    made(storage.storage, "latency", LATENCY, {"figures": FIGURES}, "early")
    [folder] = runs.folders(storage.runs, "latency")
    run = runs.read(folder)
    path = facts.path(folder, "figures")
    whole = path.read_bytes()
    path.write_bytes(b"no table")
    assert resources.facts("figures", run).empty, "damaged, and told of by the queue"
    path.write_bytes(whole)
    assert len(resources.facts("figures", run)) == len(FIGURES)
    resources.owner().tick()
    assert len(resources.facts("figures", run)) == len(FIGURES)


def test_an_address_of_all_projects_leads_to_the_only_one(empty_dashboard):
    app = open_page("pages/system/runs.py", project=projects.ALL)
    is_well(app)
