"""Projects: what belongs to one, who sees it, and that two do not mix."""

import duckdb
import pandas as pd
import pytest

from backend.access.rights import Role
from backend.actions import archives, people, reports, results, reviews, sharing, work
from backend.actions import projects as actions
from backend.core import audit, jobs, journal, lineage, projects, registry, runs, specs
from backend.core.audit import Actor, Way
from backend.core.desk import CommandLine
from backend.core.migrations import STEPS
from backend.core.store import OfProject, Store, rebuild, signature
from backend.core.window import Window
from backend.inspection.threshold import active
from backend.records import Shortage, UserError
from backend.sharing import marks, search
from backend.sharing.compare import views
from backend.sharing.query import questions
from backend.sharing.report.scope import Scope
from tests.sharing_runs import FIGURES, made

ADMIN = Actor("Ada", Way.PAGE, Role.ADMIN)
EVE = Actor("Eve", Way.PAGE, Role.ENGINEER)
SMALL = {"count": 2, "size": 128}


@pytest.fixture
def other(storage):
    return actions.add(ADMIN, storage, "Windscreens")


@pytest.fixture
def secret(storage, other):
    """The other project, which Mia and admins see, and Eve does not."""
    for name, role in (("Boss", Role.ADMIN), ("Eve", Role.ENGINEER), ("Mia", Role.ENGINEER)):
        people.add(ADMIN, storage, name, role, "correct horse battery")
    actions.set_members(ADMIN, storage, other.id, ["mia"])
    return projects.find(storage.storage, other.id)


@pytest.fixture
def supervisor(storage, store):
    return jobs.Supervisor(storage, store)


def put(storage, database, name, project=""):
    """A finished latency run of that project, known to the database."""
    run = made(
        *(storage.storage, "latency", {"p50": 1.0}, {"figures": list(FIGURES)}),
        name=name,
        project=project,
    )
    database.ingest(run, signature(run.folder))
    return run


def test_a_new_installation_has_one_and_is_read_as_it_was(storage, store):
    assert list(projects.every(storage.storage)) == [projects.DEFAULT]
    run = put(storage, store, "here")
    assert not (run.folder / runs.PROJECT).exists() and not store.divided
    assert list(OfProject(store, "").runs()["id"]) == [run.id]


def test_projects_are_made_named_and_archived(storage, other):
    for taken in ("windscreens", " general "):
        with pytest.raises(UserError, match="There is a project"):
            actions.add(ADMIN, storage, taken)
    for none in ("", "  ", "x" * 61, "a\x00b"):
        with pytest.raises(UserError, match="1 to 60 letters"):
            actions.add(ADMIN, storage, none)
    actions.rename(ADMIN, storage, other.id, "windscreens")
    actions.rename(ADMIN, storage, "", "Pens")
    actions.archive(ADMIN, storage, other.id)
    with (storage.storage / projects.JOURNAL).open("a") as file:
        file.write('{"id": "torn\n{"id": 5}\n')
    names = {one.name: one.archived for one in projects.every(storage.storage).values()}
    assert names == {"Pens": False, "windscreens": True}
    assert projects.named(storage.storage, " WINDSCREENS ").id == other.id
    with pytest.raises(UserError, match="Known are: 'Pens', 'windscreens'"):
        projects.named(storage.storage, "glass")
    with pytest.raises(UserError, match="first project"):
        actions.archive(ADMIN, storage, "")
    done = [line.action for line in audit.newest(storage.storage)]
    assert done[:2] == ["archive project", "rename project"]


def test_a_reindex_keeps_the_project(storage, store, other):
    run = put(storage, store, "there", other.id)
    store.close()
    assert rebuild(storage.database, storage.runs) == []
    again = Store(storage.database)
    assert list(again.read("SELECT project FROM runs")["project"]) == [other.id]
    assert again.divided
    again.close()
    assert runs.read(run.folder).project == other.id


def test_an_old_database_opens_with_all_in_the_first_project(tmp_path):
    path = tmp_path / "results.duckdb"
    with duckdb.connect(str(path)) as old:
        old.execute("CREATE TABLE migrations (step INTEGER, applied TIMESTAMP)")
        for number, step in enumerate(STEPS[:-1], start=1):
            old.execute(step)
            old.execute("INSERT INTO migrations VALUES (?, now())", [number])
        old.execute(
            "INSERT INTO runs (id, kind, state, created, signature, spec) "
            "VALUES ('a', 'parts', 'completed', now(), '-', '{}')"
        )
    database = Store(path)
    assert list(OfProject(database, "").runs()["id"]) == ["a"] and not database.divided
    assert OfProject(database, "1234abcd").runs().empty
    database.close()


def test_two_projects_do_not_mix_in_what_is_read(storage, store, other):
    here, there = put(storage, store, "alike"), put(storage, store, "alike", other.id)
    marks.put(storage.storage, there.id, marks.Mark(note="alike too"), "Ada")
    marked = marks.every(storage.storage)
    for project, mine in (("", here), (other.id, there)):
        seen = OfProject(store, project)
        assert list(seen.runs("latency", "completed")["id"]) == [mine.id]
        assert list(search.found(seen, marked, "alike")["id"]) == [mine.id]
        view = views.View("", "latency", views.first_columns("latency"))
        assert list(views.rows(seen, view)["id"]) == [mine.id]
        figures = seen.latest_figures("latency", "all test images", "AP50", "")
        assert list(figures["id"]) == [mine.id]
        assert seen.counts() == {"completed": 1}
    assert len(store.runs()) == 2, "the whole is as it was"


def test_a_question_reads_the_runs_of_its_project_alone(storage, store, other):
    put(storage, store, "here")
    there = put(storage, store, "there", other.id)
    known = OfProject(store, other.id).read("SELECT id, project FROM runs")
    rows = sharing.ask(ADMIN, storage, "SELECT DISTINCT run_id FROM figures", known, []).rows
    assert list(rows["run_id"]) == [there.id]
    assert "project" in questions.schema()["runs"]


def test_a_run_belongs_to_the_project_of_what_it_is_made_from(storage, store, other):
    source = made(storage.storage, "parts", {"parts": 1}, project=other.id)
    desk = CommandLine(storage, queued=True)
    values = {"parts_run": source.id}
    assert jobs._project_for(storage, _spec("inspect", values), None) == other.id
    with pytest.raises(UserError, match=r"belongs to the project 'Windscreens'.*'General'"):
        jobs._project_for(storage, _spec("inspect", values), "")
    run = work.submit(ADMIN, CommandLine(storage, True, other.id), "generate", SMALL)
    same = work.submit(ADMIN, desk, "generate", SMALL)
    assert (run.project, same.project) == (other.id, ""), "the same job in two projects is two"


def _spec(kind, values):
    return specs.from_json(registry.get(kind).spec_type, values)


def test_nothing_new_is_made_in_an_archived_project(storage, other):
    run = work.submit(ADMIN, CommandLine(storage, True, other.id), "generate", SMALL)
    with pytest.raises(UserError, match=f"{run.id} is pending in it"):
        actions.archive(ADMIN, storage, other.id)
    work.cancel(ADMIN, CommandLine(storage), run.id)
    actions.archive(ADMIN, storage, other.id)
    with pytest.raises(UserError, match="'Windscreens' is archived"):
        work.submit(ADMIN, CommandLine(storage, True, other.id), "generate", SMALL)
    actions.bring_back(ADMIN, storage, other.id)
    assert work.submit(ADMIN, CommandLine(storage, True, other.id), "generate", SMALL)


def test_runs_are_moved_with_what_they_were_made_from(storage, store, supervisor, other):
    parts = made(storage.storage, "parts", {"parts": 1})
    model = made(storage.storage, "inspect", {}, parts_run=parts.id)
    supervisor.tick()
    assert lineage.behind(storage.runs, [model.id]) == [parts.id]
    moved = actions.move(ADMIN, supervisor, [model.id, parts.id], other.id)
    assert set(moved) == {model.id, parts.id}
    assert set(OfProject(store, other.id).runs()["id"]) == set(moved)
    assert OfProject(store, "").runs().empty
    assert actions.move(ADMIN, supervisor, [model.id], other.id) == []
    assert {line.about for line in audit.newest(storage.storage) if "move" in line.action} == set(
        moved
    )
    runs.move(parts.folder, "")  # as the command line does beside the dashboard
    supervisor.tick()
    assert list(OfProject(store, "").runs()["id"]) == [parts.id]


def test_a_move_beside_the_dashboard_is_seen_at_once(
    storage, store, supervisor, other, monkeypatch
):
    monkeypatch.setattr(jobs, "LOOKS", 1)
    there = [made(storage.storage, "parts", {"parts": 1}).id for _ in range(5)]
    supervisor.tick()
    for count, run_id in enumerate(there, start=1):
        actions.move(ADMIN, CommandLine(storage), [run_id], other.id)
        supervisor.tick()
        assert set(OfProject(store, other.id).runs()["id"]) == set(there[:count])


def test_an_audit_log_that_was_replaced_by_a_shorter_one_is_heard(
    storage, store, other, monkeypatch
):
    monkeypatch.setattr(jobs, "LOOKS", 1)
    last = max(made(storage.storage, "parts", {"parts": 1}).id for _ in range(3))
    (storage.storage / audit.JOURNAL).write_text("an old line\n" * 1000)
    supervisor = jobs.Supervisor(storage, store)
    supervisor.tick()
    (storage.storage / audit.JOURNAL).unlink()
    actions.move(ADMIN, CommandLine(storage), [last], other.id)
    supervisor.tick()
    assert list(OfProject(store, other.id).runs()["id"]) == [last]


def test_what_works_or_is_in_force_stays_where_it_is(storage, supervisor, other):
    waiting = supervisor.submit("generate", SMALL)
    done = made(storage.storage, "parts", {"parts": 1})
    with pytest.raises(UserError, match="is pending"):
        actions.move(ADMIN, supervisor, [done.id, waiting.id], other.id)
    assert runs.read(done.folder).project == "", "all or none"
    values = specs.defaults(registry.get("inspect").spec_type) | {"parts_run": done.id}
    waiting = runs.create(storage.runs, "inspect", values, queued=True)
    with pytest.raises(UserError, match=f"in use by {waiting.id}"):
        actions.move(ADMIN, supervisor, [done.id], other.id)
    runs.move(done.folder, other.id)  # by hand: what waits must not go on with it
    with pytest.raises(Shortage, match="belongs to another project by now"):
        jobs.waits_for(storage, waiting)


def test_each_project_has_its_own_limits_in_force(storage, other):
    for project, version in (("", 1), (other.id, 2)):
        line = {"run_id": f"r{version}", "inspect_run": "m", "version": version, "who": "Ada"}
        path = storage.storage / active.JOURNAL
        journal.add(path, {**line, "why": "", "time": "", "project": project})
    assert active.current(storage.storage).version == 1
    assert active.current(storage.storage, other.id).version == 2
    for run_id in ("r1", "r2"):
        with pytest.raises(UserError, match="threshold in force"):
            active.refuse_deletion(storage.storage, run_id)


def test_who_is_no_member_sees_and_does_nothing(storage, store, supervisor, secret):
    run = put(storage, store, "hidden", secret.id)
    mia, boss = Actor("MIA", Way.PAGE, Role.ENGINEER), Actor("Boss", Way.PAGE, Role.ADMIN)
    assert list(projects.seen(storage.storage, "Eve", Role.ENGINEER)) == [""]
    for actor in (mia, boss):
        assert Window(supervisor, actor, secret.id).find(run.id).id == run.id
    window = Window(supervisor, EVE, "")
    assert not window.sees(run.id) and window.dependents(run.id) == []
    refused = [
        lambda: window.find(run.id),
        lambda: work.comment(EVE, storage, run.id, "I was here"),
        lambda: work.cancel(EVE, supervisor, run.id),
        lambda: work.resume(EVE, supervisor, run.id),
        lambda: work.submit(EVE, window, "agreement", {"label_run": run.id}),
        lambda: work.submit(EVE, window, "generate", SMALL, parent=run.id),
        lambda: sharing.mark(EVE, storage, run.id, marks.Mark(star=True)),
        lambda: sharing.share(EVE, storage, Scope((run.id,)), 7),
        lambda: reports.taken(EVE, storage, Scope((run.id,)), "static"),
        lambda: results.export_images(EVE, storage, run, "yolo"),
        lambda: sharing.ask(EVE, storage, "SELECT 1", pd.DataFrame({"id": [run.id]}), []),
        lambda: actions.move(EVE, supervisor, [run.id], ""),
        lambda: archives.fetch(EVE, storage, run.id, lambda fraction: None),
        lambda: actions.rename(EVE, storage, secret.id, "Mine"),
    ]
    for attempt in refused:
        with pytest.raises(UserError, match="of which you are no member"):
            attempt()
    for place, words in ((secret.id, "no member"), ("-", "no member")):
        with pytest.raises(UserError, match=words):
            work.submit(EVE, Window(supervisor, EVE, place), "generate", SMALL)
    with pytest.raises(UserError, match="no such project"):
        work.submit(boss, Window(supervisor, boss, "-"), "generate", SMALL)
    assert not (run.folder / "comments.jsonl").exists()
    work.comment(mia, storage, run.id, "fine")


def test_only_an_admin_says_who_is_a_member(storage, secret):
    for attempt in (actions.set_members, lambda *a: actions.archive(*a[:3])):
        with pytest.raises(UserError, match="takes the role admin"):
            attempt(EVE, storage, secret.id, [])
    with pytest.raises(UserError, match="Nobody here has the name 'Zoe'"):
        actions.set_members(ADMIN, storage, secret.id, ["Zoe"])


def test_a_run_of_a_project_that_nobody_knows_is_for_admins(storage, store, supervisor):
    run = put(storage, store, "came from elsewhere", "0badcafe")
    with pytest.raises(UserError, match="no member"):
        Window(supervisor, EVE, "").find(run.id)
    assert Window(supervisor, ADMIN, "0badcafe").find(run.id)


def test_a_line_belongs_to_the_project_of_its_run(storage, secret, supervisor):
    made(storage.storage, "line", {}, name="press-3", project=secret.id)
    window = Window(supervisor, EVE, "")
    assert window.lines(["press-3", "older"]) == ["older"]
    assert Window(supervisor, ADMIN, secret.id).lines(["press-3", "older"]) == ["press-3"]
    with pytest.raises(UserError, match="no member"):
        window.check_line("press-3")
    with pytest.raises(UserError, match="another project has a line 'press-3'"):
        jobs._refuse_line_elsewhere(storage, "press-3", "")


def test_all_projects_are_those_that_somebody_may_see(storage, store, secret, supervisor):
    here, there = put(storage, store, "pen"), put(storage, store, "pane", secret.id)
    third = actions.add(ADMIN, storage, "Lids")
    lid = put(storage, store, "lid", third.id)
    supervisor.tick()
    every = Window(supervisor, ADMIN, projects.ALL)
    assert set(every.store.runs()["id"]) == {here.id, there.id, lid.id}
    of_eve = Window(supervisor, EVE, projects.ALL)
    assert set(of_eve.store.runs()["id"]) == {here.id, lid.id}
    assert of_eve.holds([here.id, lid.id]) and not of_eve.holds([there.id])
    actions.archive(ADMIN, storage, third.id)
    assert set(Window(supervisor, EVE, projects.ALL).store.runs()["id"]) == {here.id}


def test_nothing_is_started_in_all_projects(storage, other, supervisor):
    with pytest.raises(UserError, match="Choose that in the sidebar"):
        Window(supervisor, ADMIN, projects.ALL).submit("generate", SMALL)
    assert runs.names(storage.runs) == []


def test_labels_of_reviewed_parts_are_not_written_where_nothing_is_started(
    storage, supervisor, other
):
    home = storage.storage / "lines" / "press"
    home.mkdir(parents=True)
    with pytest.raises(UserError, match="You look at all projects"):
        reviews.make_parts(ADMIN, Window(supervisor, ADMIN, projects.ALL), home, pd.DataFrame())
    actions.archive(ADMIN, storage, other.id)
    for desk in (Window(supervisor, ADMIN, other.id), CommandLine(storage, True, other.id)):
        with pytest.raises(UserError, match="is archived"):
            reviews.make_parts(ADMIN, desk, home, pd.DataFrame())
    assert not list(home.iterdir())
    assert runs.names(storage.runs) == []
