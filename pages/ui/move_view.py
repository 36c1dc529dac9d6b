"""Moving runs to another project, and what they were made from with them."""

from collections.abc import Sequence

import streamlit as st

from backend.actions import projects
from backend.core import lineage
from backend.records import UserError
from backend.wording import counted
from pages.ui import charts, identity, project, resources


def offer(run_ids: Sequence[str], key: str) -> None:
    """Where to, what goes with them, and the button. key: the form's own."""
    window = resources.supervisor()
    if project.all_of_them():
        st.info("Choose the project that they belong to in the sidebar first.")
        return
    others = {i: p for i, p in project.seen().items() if i != window.project and not p.archived}
    if not others:
        st.info("There is no other project to move to. Make one on the page Projects.")
        return
    if not identity.may("projects.move"):
        st.info("Only an engineer moves runs.")
        return
    chosen = [run_id for run_id in run_ids if window.find(run_id).project == window.project]
    target = st.selectbox(
        "To the project", list(others), format_func=lambda i: others[i].name, key=f"to-{key}"
    )
    with_them = [
        *_asked("it was made from", "they were made from", behind(chosen), chosen, f"from-{key}"),
        *_asked("made from it", "made from them", ahead(chosen), chosen, f"by-{key}"),
    ]
    moving = list(dict.fromkeys((*chosen, *with_them)))
    label = f"Move {counted(len(moving), 'run')}"
    if st.button(label, icon=":material/drive_file_move:", key=f"move-{key}", disabled=not moving):
        _move(moving, target, others[target].name)


def _asked(
    of_one: str, of_several: str, found: list[str], chosen: list[str], key: str
) -> list[str]:
    """The runs that go with those chosen, where somebody leaves the box ticked."""
    if not found:
        return []
    words = of_one if len(chosen) == 1 else of_several
    with_them = st.checkbox(
        f"Move the {counted(len(found), 'run')} {words} too",
        True,
        key=key,
        help="New runs are made from runs of their own project alone. What other runs here were "
        "made from goes too.",
    )
    return found if with_them else []


def behind(chosen: Sequence[str]) -> list[str]:
    """The runs of this project that these were made from."""
    window = resources.supervisor()
    return lineage.behind(window.settings.runs, chosen)


def ahead(chosen: Sequence[str]) -> list[str]:
    """The runs of this project that were made from these, near and far."""
    window, found, waiting = resources.supervisor(), dict[str, None](), list(chosen)
    while waiting:
        for run_id in window.dependents(waiting.pop()):
            mine = run_id not in chosen and run_id not in found
            if mine and window.find(run_id).project == window.project:
                found[run_id] = None
                waiting.append(run_id)
    return list(found)


def _move(moving: list[str], target: str, name: str) -> None:
    try:
        moved = projects.move(identity.actor(), resources.supervisor(), moving, target)
    except UserError as error:
        st.error(charts.plain(str(error)), icon=":material/error:")
    else:
        st.toast(charts.plain(f"{counted(len(moved), 'run')} moved to {name}."))
        st.query_params.clear()
        st.rerun()
