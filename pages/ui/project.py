"""Which project this visitor looks at: chosen in the sidebar, or named by the address."""

import pandas as pd
import streamlit as st

from backend.core import projects, runs
from backend.core.audit import Actor
from backend.core.projects import Project
from backend.records import UserError
from backend.settings import settings
from pages.ui import address, identity

WHO, CHOSEN, CHOICE = "who-looks", "project-looked-at", "project-choice"
PAGE, HEEDED = "project-page", "project-heeded"
NONE = "-"  # in place of an id: they may see none
EVERY = "All projects"


def who() -> Actor:
    """Who looks, as they were when this page was built."""
    found = st.session_state.get(WHO)
    return found if isinstance(found, Actor) else identity.actor()


def chosen() -> str:
    """The id of the project that is looked at."""
    return str(st.session_state.get(CHOSEN, projects.DEFAULT))


def _at_first(there: dict[str, Project]) -> str:
    """In a window in which none was chosen yet: the one that was looked at last in this browser."""
    found = there.get(address.last("project"))
    return found.id if found and not found.archived else projects.DEFAULT


def seen() -> dict[str, Project]:
    """Every project that who looks may see, archived ones too."""
    one = who()
    return projects.seen(settings().storage, one.name, one.role)


def arrive(page: str) -> None:
    """Before a page is built: who looks, and at which project. Raises UserError where the address
    names one that they may not see."""
    st.session_state[WHO] = identity.actor()
    there = seen()
    now = chosen() if CHOSEN in st.session_state else _at_first(there)
    if now not in there and not (now == projects.ALL and _several(there)):
        now = next((i for i, one in there.items() if not one.archived), NONE)
    st.session_state[CHOSEN] = now
    if st.session_state.get(PAGE) != page:
        st.session_state[PAGE], st.session_state[HEEDED] = page, {}
    if (owner := _owner_of_what_is_named()) in there:
        if now != projects.ALL:
            st.session_state[CHOSEN] = owner
    elif (named := _news("project")) == projects.ALL:
        if _several(there):  # who sees one alone looks at that
            st.session_state[CHOSEN] = named
    elif named:
        one = who()
        projects.check_seen(settings().storage, one.name, one.role, named)
        if named not in there:
            raise UserError("There is no such project any more. Choose one in the sidebar.")
        st.session_state[CHOSEN] = named


def _owner_of_what_is_named() -> str | None:
    """The project of the run or line that the address names, where that is new."""
    home = settings().runs
    for name in ("run", "from", "again", "runs"):
        run_id = _news(name).partition(",")[0]
        if runs.RUN_ID.fullmatch(run_id) and (home / run_id).is_dir():
            return runs.project_of(home / run_id)
    line = _news("line")
    return projects.of_line(home, line) if line else None


def _news(name: str) -> str:
    """What the address asks for, "" where it was heeded before on this page, or put there."""
    value = str(st.query_params.get(name, ""))
    heeded = st.session_state[HEEDED]
    if value in (heeded.get(name, ""), address.shown(name)):
        return ""
    heeded[name] = value
    return value


def choose() -> None:
    """The choice in the sidebar, where there is more than one; the address follows it."""
    there = seen()
    now = chosen()
    offered = [i for i, one in there.items() if not one.archived or i == now]
    offered += [projects.ALL] if _several(there) else []
    if now == NONE:
        st.info("You are a member of no project yet. Ask an admin.", icon=":material/info:")
    if len(offered) < 2:
        return
    st.session_state[CHOICE] = now
    st.selectbox(
        "Project",
        offered,
        format_func=lambda i: _words(there[i]) if i in there else EVERY,
        key=CHOICE,
        on_change=_changed,
    )
    address.follow("project", now)
    address.keep("project", now)


def _changed() -> None:
    """Another one was chosen: what the address names belongs to the one before."""
    st.session_state[CHOSEN] = st.session_state[CHOICE]
    st.query_params.clear()


def _several(there: dict[str, Project]) -> bool:
    """Are there more than one to look at together? Archived ones do not count."""
    return sum(not one.archived for one in there.values()) > 1


def all_of_them() -> bool:
    """Are all projects looked at, to read in?"""
    return chosen() == projects.ALL


def named(ids: pd.Series) -> pd.Series:
    """The names of projects by id, for a column of a list of all."""
    return ids.map({i: one.name for i, one in seen().items()})


def with_its_name(words: str, project: str) -> str:
    """The words for a run, and among those of all projects the name of its own."""
    return f"{words} · {seen()[project].name}" if all_of_them() and project in seen() else words


def words() -> str:
    """The name of the one that is looked at, "" where there is no choice."""
    there = seen()
    if all_of_them():
        return EVERY
    return _words(there[chosen()]) if len(there) > 1 and chosen() in there else ""


def _words(project: Project) -> str:
    return project.name + (" (archived)" if project.archived else "")
