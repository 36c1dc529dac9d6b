"""People and the audit log, in open mode and as an admin, an engineer and nobody."""

import pytest
from streamlit.testing.v1 import AppTest

from backend.access import accounts, links
from backend.access.elsewhere import Outsider
from backend.access.rights import Role
from backend.actions import people, work
from backend.core import comments, runs
from backend.core.audit import Actor, Way
from backend.core.desk import CommandLine
from backend.records import RunState
from backend.settings import PROJECT
from pages.ui import identity, resources

GOOD = "correct horse battery"
BOSS = Actor("Boss", Way.COMMAND_LINE, Role.ADMIN)


@pytest.fixture
def as_(storage, monkeypatch):
    """Somebody with an account of this role at the browser."""

    def sign_in(role):
        made = people.add(BOSS, storage, f"an {role}", role, GOOD)
        monkeypatch.setattr(identity, "account", lambda: made)
        return made

    return sign_in


def opened(path):
    app = AppTest.from_file(str(PROJECT / "app.py"), default_timeout=60).run()
    return app.switch_page(path).run()


def told(app):
    return "\n".join(str(e.value) for e in (*app.error, *app.info, *app.success, *app.caption))


def test_the_first_account_is_an_admin_s(empty_dashboard, storage):
    app = opened("pages/access/people.py")
    assert "everybody at this computer may do everything" in told(app)
    for field, text in zip(app.text_input, ("Ada", GOOD, GOOD), strict=True):
        field.set_value(text)
    app.button[0].click().run()
    assert [(a.name, a.role) for a in accounts.everybody(storage.storage)] == [("Ada", Role.ADMIN)]
    assert "for admins" in told(app), "this browser did not sign in"


def test_an_admin_invites_and_changes(empty_dashboard, storage, as_):
    as_(Role.ADMIN)
    people.add(BOSS, storage, "Eve", Role.VIEWER, GOOD)
    app = opened("pages/access/people.py")
    app.text_input[0].set_value("Vic")
    next(b for b in app.button if "invitation" in b.label).click().run()
    assert "/invitation/" in app.code[0].value
    assert app.dataframe[1].value["name"].tolist() == ["Vic"]
    next(b for b in app.button if b.label == "Take this invitation back").click().run()
    assert links.invitations(storage.storage) == [] and len(app.dataframe) == 1
    app.selectbox[1].set_value("Eve").run()
    app.selectbox[2].set_value("engineer").run()
    next(b for b in app.button if b.label == "Change role").click().run()
    app.checkbox[1].check().run()
    next(b for b in app.button if b.label == "Disable").click().run()
    [eve] = [a for a in accounts.everybody(storage.storage) if a.name == "Eve"]
    assert (eve.role, eve.disabled) == (Role.ENGINEER, True)


def test_the_role_of_who_signs_in_elsewhere_is_not_changed_here(empty_dashboard, storage, as_):
    as_(Role.ADMIN)
    who = Outsider("https://plant", "s-1", "eve", Role.VIEWER)
    people.sign_in_elsewhere(Actor("", Way.PAGE, Role.VIEWER), storage, who, (), "Firefox")
    app = opened("pages/access/people.py")
    states = app.dataframe[0].value.set_index("name")["may sign in"]
    assert states["eve"] == "yes, by the plant's sign-in"
    next(s for s in app.selectbox if s.label == "Account").set_value("eve").run()
    assert any("it follows their groups" in m.value for m in app.markdown)
    assert not [b for b in app.button if b.label == "Change role"]
    app.checkbox[0].check().run()
    next(b for b in app.button if b.label == "Disable").click().run()
    [eve] = [a for a in accounts.everybody(storage.storage) if a.name == "eve"]
    assert eve.disabled


def test_a_page_asks_who_is_here_few_times(empty_dashboard, storage, as_, monkeypatch):
    made, asked = as_(Role.ENGINEER), []
    monkeypatch.setattr(identity, "account", lambda: asked.append(1) or made)
    opened("pages/inspection/parts.py")
    assert len(asked) <= 2 * 3, "two runs: once for the page, once for the sidebar, once for more"


@pytest.mark.parametrize("path", ["pages/access/people.py", "pages/access/audit.py"])
@pytest.mark.parametrize("role", [Role.VIEWER, Role.ENGINEER])
def test_others_see_neither_people_nor_log(empty_dashboard, as_, role, path):
    as_(role)
    app = opened(path)
    assert "This page is for admins" in told(app)
    assert not app.dataframe


def test_a_viewer_sees_no_form_and_no_button(empty_dashboard, as_):
    as_(Role.VIEWER)
    app = opened("pages/inspection/parts.py")
    assert "An engineer can start one" in told(app)
    assert not [b for b in app.button if b.label == "Start"]
    app = opened("pages/system/storage.py")
    assert next(b for b in app.button if b.label == "Back up now").disabled


def test_a_viewer_presses_nothing_that_would_be_refused(empty_dashboard, storage, as_):
    run = work.submit(BOSS, CommandLine(storage, queued=True), "generate", {"count": 2})
    runs.finish(run.folder, RunState.CANCELED)
    as_(Role.VIEWER)
    assert next(b for b in opened("pages/sharing/query.py").button if b.label == "Ask").disabled
    app = AppTest.from_file(str(PROJECT / "app.py"), default_timeout=60)
    app.query_params["run"] = run.id
    app = app.run().switch_page("pages/system/runs.py").run()
    assert not app.exception
    refused = ("Save", "Start", "Resume", "Delete", "Change settings and start again")
    assert all(b.disabled for b in app.button if b.label in refused)
    for way in ("pages/ways/parts.py", "pages/ways/photographs.py"):
        assert not [b for b in opened(way).button if b.label == "Take them in"]
    for paper in ("pages/experiments/glass_paper.py", "pages/experiments/inkjet_paper.py"):
        assert all(b.disabled for b in opened(paper).button if b.label == "Start")


@pytest.mark.parametrize("role", list(Role))
def test_addresses_and_questions_of_others_are_for_admins(empty_dashboard, storage, as_, role):
    work.migrate(Actor("Ada", Way.PAGE, Role.ADMIN, "10.0.0.7"), storage)
    as_(role)
    labels = [fold.label for fold in opened("pages/system/storage.py").expander]
    assert ("Newest changes" in labels) == (role is Role.ADMIN)


def test_the_log_is_filtered_and_checked(empty_dashboard, storage):
    work.migrate(Actor("Ada", Way.PAGE, Role.ADMIN, "10.0.0.7"), storage)
    run = work.submit(BOSS, CommandLine(storage, queued=True), "generate", {"count": 2})
    app = opened("pages/access/audit.py")
    assert list(app.dataframe[0].value["who"]) == ["Boss", "Ada"]
    assert list(app.dataframe[0].value["what"]) == [
        "started a job",
        "brought the database up to date",
    ]
    assert list(app.dataframe[0].value["as the file says it"]) == ["submit", "migrate"]
    app.text_input[0].set_value("10.0.0").run()
    assert list(app.dataframe[0].value["who"]) == ["Ada"]
    app.text_input[0].set_value(run.id).run()
    app.multiselect[0].set_value(["Ada"]).run()
    assert app.dataframe[0].value.empty
    app.button[-1].click().run()
    assert "2 lines, none changed or taken out" in told(app)


def test_a_mention_and_what_colleagues_did_stand_on_the_overview(empty_dashboard, storage, as_):
    me = as_(Role.VIEWER)
    desk = CommandLine(storage, queued=True)
    run = work.submit(BOSS, desk, "generate", {"count": 2}, name="glass")
    work.comment(BOSS, storage, run.id, f"@{me.name}, look", [me.name])
    resources.owner().tick()  # the run is known now
    app = opened("pages/home/overview.py")
    labels = [link.label for link in app.get("page_link")]
    assert f"**Boss** speaks of you: {run.id}" in labels
    assert "**Boss** · started a job · glass" in app.expander[0].markdown[0].value


def test_a_viewer_comments_on_a_run(empty_dashboard, storage, as_):
    as_(Role.VIEWER)
    run = work.submit(BOSS, CommandLine(storage, queued=True), "generate", {"count": 2})
    runs.finish(run.folder, RunState.CANCELED)
    app = AppTest.from_file(str(PROJECT / "app.py"), default_timeout=60)
    app.query_params["run"] = run.id
    app = app.run().switch_page("pages/teachers/images.py").run()
    app.text_area[0].set_value("too dark")
    next(b for b in app.button if b.label == "Comment").click().run()
    assert [one.words for one in comments.of(run.folder)] == ["too dark"]
