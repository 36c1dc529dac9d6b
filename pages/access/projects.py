"""Projects: a product, a line, a customer; what belongs to one, and who sees it."""

from collections.abc import Callable

import pandas as pd
import streamlit as st

from backend.access import accounts
from backend.actions import projects as actions
from backend.core import projects
from backend.core.projects import Project
from backend.records import UserError
from backend.settings import settings
from pages.ui import charts, identity, move_view, project, resources, run_choice
from pages.ui.layout import header

COUNTS = "SELECT project, count(*) AS n FROM runs GROUP BY project"
MOST = 500  # runs offered for moving


def show() -> None:
    header(
        "Projects",
        "Keep products, lines or customers apart: every page shows the runs of one project, chosen "
        "in the sidebar. Who needs none leaves all as it is.",
    )
    rows = resources.owner().store.read(COUNTS)
    counts = {str(i): int(n) for i, n in zip(rows["project"], rows["n"], strict=True)}
    there = project.seen()
    if identity.is_admin():  # of runs that came from another storage folder
        unknown = [i for i in counts if i not in projects.every(settings().storage)]
        there |= {i: projects.find(settings().storage, i) for i in unknown}
    st.dataframe(_table(there, counts), hide_index=True, alt="Projects, their runs and members")
    if identity.may("projects.add"):
        _add()
    if there:
        _change(there)
    _move()


def _table(there: dict[str, Project], counts: dict[str, int]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "project": one.name,
            "ended runs": counts.get(one.id, 0),
            "who sees it": one.seen_by,
            "state": "archived" if one.archived else "in use",
        }
        for one in there.values()
    )


def _add() -> None:
    with st.form("add-project", clear_on_submit=True):
        name = st.text_input(
            "Name of a new project",
            max_chars=projects.LONGEST,
            placeholder="a product, a line, a customer",
        )
        if st.form_submit_button("Add", icon=":material/add:"):
            _try(lambda: _added(name or ""))


def _added(name: str) -> str:
    made = actions.add(identity.actor(), settings(), name)
    st.session_state[project.CHOSEN] = made.id
    return f"{made.name} is there, and chosen in the sidebar."


def _change(there: dict[str, Project]) -> None:
    st.subheader("Change a project", anchor=False)
    ids = list(there)
    at = ids.index(project.chosen()) if project.chosen() in ids else 0
    one = there[
        st.selectbox("Which", ids, at, format_func=lambda i: there[i].name, key=f"which-{at}")
    ]
    if identity.may("projects.rename"):
        left, right = st.columns([3, 1], vertical_alignment="bottom")
        name = left.text_input(
            "Its name", one.name, max_chars=projects.LONGEST, key=f"name-{one.id}"
        )
        same = (name or "").strip() in ("", one.name)
        if right.button("Rename", disabled=same, key=f"rename-{one.id}", width="stretch"):
            _try(lambda: _renamed(one, name or ""))
    if identity.may("projects.set_members"):
        _members(one)
        _archive(one)


def _renamed(one: Project, name: str) -> str:
    actions.rename(identity.actor(), settings(), one.id, name)
    return f"{one.name} is called {name.strip()} now."


def _members(one: Project) -> None:
    """Who sees it, where people have accounts."""
    names = [account.name for account in accounts.everybody(settings().storage)]
    if not names:
        st.caption("Once people have accounts (page People), a project may be open to some alone.")
        return
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    chosen = left.multiselect(
        "Members",
        names,
        [name for name in one.members if name in names],
        placeholder="everybody",
        help="Without members everybody sees it; with some, they and the admins alone.",
        key=f"members-{one.id}-{len(one.members)}",
    )
    same = set(chosen) == set(one.members)
    if right.button("Set members", disabled=same, key=f"set-{one.id}", width="stretch"):
        _try(lambda: _members_set(one, chosen))


def _members_set(one: Project, names: list[str]) -> str:
    actions.set_members(identity.actor(), settings(), one.id, names)
    who = "Its members and admins alone see" if names else "Everybody sees"
    return f"{who} {one.name} from now on."


def _archive(one: Project) -> None:
    if one.archived:
        if st.button("Bring it back", icon=":material/unarchive:", key=f"back-{one.id}"):
            _try(lambda: _back(one))
    elif one.id != projects.DEFAULT:
        sure = st.checkbox(
            "Archive it: it is offered no more, nothing new is made in it, its runs stay",
            key=f"sure-{one.id}",
        )
        label, icon = "Archive", ":material/archive:"
        if st.button(label, icon=icon, disabled=not sure, key=f"archive-{one.id}"):
            _try(lambda: _archived(one))


def _back(one: Project) -> str:
    actions.bring_back(identity.actor(), settings(), one.id)
    return f"{one.name} is offered again."


def _archived(one: Project) -> str:
    actions.archive(identity.actor(), settings(), one.id)
    if project.chosen() == one.id:
        del st.session_state[project.CHOSEN]
    return f"{one.name} is archived. Bring it back here at any time."


def _move() -> None:
    """Several runs of this project at once to another."""
    rows = resources.store().runs(limit=MOST)
    if rows.empty or len(project.seen()) < 2:
        return
    st.subheader("Move runs", anchor=False)
    words = {
        i: run_choice.run_words(i, name) for i, name in zip(rows["id"], rows["name"], strict=True)
    }
    chosen = st.multiselect(
        "Runs of the project chosen in the sidebar",
        list(words),
        format_func=lambda i: words.get(i, i),
        placeholder="pick some",
        key=f"moving-{project.chosen()}",
    )
    if chosen:
        move_view.offer(chosen, "several")


def _try(change: Callable[[], str]) -> None:
    """Make a change, and tell what came of it."""
    try:
        told = change()
    except UserError as error:
        st.error(charts.plain(str(error)), icon=":material/error:")
        return
    st.toast(charts.plain(told))
    st.rerun()


show()
