"""Runs: the queue, and everything about one run."""

import json

import pandas as pd
import streamlit as st

from backend import glossary
from backend.actions import work
from backend.core import places, projects, registry, runs, specs
from backend.core.runs import Run
from backend.core.store import OfProject
from backend.records import RunState
from backend.settings import settings
from backend.sharing import marks, search
from backend.wording import counted
from pages.ui import (
    charts,
    forms,
    identity,
    links,
    mark_view,
    move_view,
    project,
    resources,
    run_choice,
    run_table,
    run_view,
)
from pages.ui.layout import header

STATES = ["all", *(state.value for state in RunState if state.ended)]


def show() -> None:
    header(
        "Runs",
        "Everything that was asked for: what works now, what waits, and what came out. Find "
        "a run by any word of it, start it again, mark it, or delete it.",
    )
    wanted = st.query_params.get("run")
    if wanted:
        _detail(wanted)
        return
    sought = st.text_input(
        "Search",
        placeholder="words in names, notes, tags, kinds or settings",
        bind="query-params",
        key="q",
        max_chars=200,
    )
    left, right = st.columns(2)
    kinds = {"all": "all", **{k.name: k.title for k in registry.KINDS}}
    kind = left.selectbox(
        "Job", list(kinds), format_func=kinds.__getitem__, bind="query-params", key="job"
    )
    state = right.selectbox("State", STATES, bind="query-params", key="state")
    ended = _ended("" if kind == "all" else kind, "" if state == "all" else state, sought or "")
    active = [r for r in resources.supervisor().active() if kind in ("all", r.kind)]
    active = active if state == "all" and not sought else []
    if sought and not project.all_of_them():
        _elsewhere(sought)
    if ended.empty and sought:
        st.info("No run has all of these words. Use fewer.", icon=":material/search_off:")
        return
    if ended.empty and not active:
        st.info(
            "No run here. Start one from its own page, or the demo from the overview.",
            icon=":material/info:",
        )
        st.page_link(links.OVERVIEW, label="Overview", icon=":material/home:")
        return
    run_table.show(active, ended, key="all")
    st.caption("Pick a row to open the run.")
    for run in active:
        if run.state is RunState.RUNNING:
            if not registry.get(run.kind).service:
                links.to_kind(run.kind, charts.plain(run.name), run.id)
            run_view.live(run.id)


def _elsewhere(sought: str) -> None:
    """In which other projects there are runs with these words."""
    here, marked = project.chosen(), marks.every(settings().storage)
    whole = resources.owner().store
    for one in project.seen().values():
        if one.id != here and not one.archived:
            count = len(search.found(OfProject(whole, one.id), marked, sought))
            if count:
                st.caption(f"{counted(count, 'run')} with these words in {charts.plain(one.name)}.")


def _ended(kind: str, state: str, sought: str) -> pd.DataFrame:
    """Ended runs of a kind and state, all or those found by words; marks stand before the name."""
    marked = marks.every(settings().storage)
    if sought:
        rows = search.found(resources.store(), marked, sought)
        rows = rows[rows["kind"] == kind] if kind else rows
        rows = rows[rows["state"] == state] if state else rows
    else:
        rows = resources.store().runs(kind, state)
    before = [marked[i].words if i in marked else "" for i in rows["id"]]
    names = [f"{mark} {name}".strip() for mark, name in zip(before, rows["name"], strict=True)]
    return rows.assign(name=names)


def _detail(run_id: str) -> None:
    if st.button("All runs", icon=":material/arrow_back:", type="tertiary"):
        del st.query_params["run"]
        st.rerun()
    run = resources.supervisor().find(run_id)
    resources.take_in(run)
    kind = registry.get(run.kind)
    icon, words = run_view.mark(run.state, run.error)
    st.subheader(f"{icon} {charts.plain(run.name or kind.title)} · {words}", anchor=False)
    st.caption(f"{kind.title} · {run.id}")
    if not run.state.ended:
        run_view.live(run.id)
    elif run.state is not RunState.COMPLETED:
        run_view.outcome(run)
    else:
        links.to_kind(run.kind, "Open its result", run.id)
        charts.curves(run)
    if run.state.ended:
        mark_view.offer(run)
    several = ["Project"] if len(project.seen()) > 1 else []
    compare, again, log, *own, delete = st.tabs(
        ["Settings", "Run again", "Log", *several, "Delete"]
    )
    with compare:
        _compare(run)
    with again:
        _again(run)
    with log:
        st.code(runs.log_tail(run.folder) or "Nothing was printed.", language=None, wrap_lines=True)
    for tab in own:
        with tab:
            _project(run)
    with delete:
        _delete(run)


def _project(run: Run) -> None:
    """Which one it belongs to, and the way to another."""
    name = projects.find(settings().storage, run.project).name
    st.caption(f"It belongs to the project {charts.plain(name)}.")
    if run.state.ended:
        move_view.offer([run.id], run.id)
    else:
        st.info("It can be moved once it has ended.")


def _compare(run: Run) -> None:
    """This run's settings, and where another run of the kind differs."""
    others = {i: words for i, words in run_choice.ended(run.kind).items() if i != run.id}
    other = st.selectbox(
        "Compare with", ["", *others], format_func=lambda i: others.get(i, "nothing")
    )
    known = {p.name: p.label for p in specs.params(registry.get(run.kind).spec_type)}
    called = [known.get(name, name.replace("_", " ").capitalize()) for name in run.spec]
    columns = {"setting": called, "this run": [glossary.value(v) for v in run.spec.values()]}
    if other:
        spec = resources.supervisor().find(other).spec
        columns["other run"] = [glossary.value(spec.get(name)) for name in run.spec]
        columns["differs"] = [run.spec[name] != spec.get(name) for name in run.spec]
    st.dataframe(pd.DataFrame(columns), hide_index=True)
    st.download_button(
        "Settings as JSON",
        json.dumps({"kind": run.kind, "spec": places.values(run.spec)}, indent=1),
        file_name=f"{run.id}.json",
        icon=":material/download:",
        type="tertiary",
    )


def _again(run: Run) -> None:
    if not identity.may("work.submit"):
        st.info("Only an engineer starts runs.")
        return
    st.caption("The same settings; change what should differ.")
    forms.run_form(run.kind, initial=run.spec, parent=run.id, key=f"again-{run.id}")


def _delete(run: Run) -> None:
    if not identity.may("work.delete"):
        st.info("Only an admin deletes runs.")
        return
    if not run.state.ended:
        st.info("Cancel the run first.")
        return
    dependents = resources.supervisor().dependents(run.id)
    if dependents:
        made = "run was" if len(dependents) == 1 else "runs were"
        st.warning(f"{len(dependents)} {made} made from this one: {', '.join(dependents)}.")
    sure = st.checkbox("Move this run to the trash (Storage can bring it back)")
    if st.button("Delete", icon=":material/delete:", disabled=not sure):
        work.delete(identity.actor(), resources.supervisor(), run.id)
        del st.query_params["run"]
        st.toast("Moved to the trash. Storage can bring it back.")
        st.rerun()


show()
