"""A run on a page: live while it works, its outcome after, and all about it below."""

import json
from collections.abc import Callable
from typing import Any

import pandas as pd
import streamlit as st

from backend import plots
from backend.actions import work
from backend.core import jobs, registry, runs, specs
from backend.core.runs import Run
from backend.records import Cause, RunState, UserError
from pages.ui import charts, film, forms, identity, links, resources
from pages.ui.layout import header, plain_errors

LIVE_BYTES = 256 * 1024
SHOWN, WORDS = "run_in_address", "words_of_run"
MARKS = {
    RunState.PENDING: (":material/schedule:", "waiting"),
    RunState.RUNNING: (":material/progress_activity:", "running"),
    RunState.COMPLETED: (":material/check_circle:", "completed"),
    RunState.FAILED: (":material/error:", "failed"),
    RunState.CANCELED: (":material/cancel:", "canceled"),
    RunState.INTERRUPTED: (":material/power_off:", "interrupted"),
}


def kind_page(
    kind_name: str,
    words: str,
    show: Callable[[Run], None],
    help_with_form: Callable[[str], None] | None = None,
) -> None:
    """The page of one kind of run: a form for a new one, a choice of run, and what it gave.

    help_with_form: drawn above the form, and may fill in its fields, whose keys begin with the
    form's. `?again=` in the address fills in the settings of that run.
    """
    kind = registry.get(kind_name)
    header(kind.title, words)
    options = _runs_of(kind_name)
    again = _again(kind_name)
    title = f"New: {kind.title[0].lower()}{kind.title[1:]}"
    with st.expander(title, expanded=not options or bool(again), icon=":material/add:"):
        ready = _form(kind_name, again, help_with_form)
    run_id = choose_run((kind_name,), options)
    if not run_id:
        if ready:
            st.info("No run yet. Fill in the form above and start one.", icon=":material/info:")
        return
    show_run(resources.supervisor().find(run_id), show)


def _again(kind: str) -> Run | None:
    """The run of this kind whose settings the address asks for."""
    run_id = st.query_params.get("again")
    run = resources.supervisor().find(run_id) if run_id else None
    return run if run and run.kind == kind else None


def _form(kind: str, again: Run | None, help_with_form: Callable[[str], None] | None) -> bool:
    """The form, empty or filled in; False where something else has to be made first."""
    key = f"again-{again.id}" if again else f"form-{kind}"
    if help_with_form:
        help_with_form(key)
    if again is None:
        return forms.run_form(kind, key=key)
    st.caption(f"With the settings of {forms.run_words(again.id, charts.plain(again.name))}.")
    return forms.run_form(kind, initial=again.spec, parent=again.id, key=key)


def _runs_of(kind: str) -> dict[str, str]:
    """Run id → words; runs under way first, then newest first."""
    active = [run for run in resources.supervisor().active() if run.kind == kind]
    found = {run.id: _words(run.id, run.name, run.state) for run in reversed(active)}
    for row in resources.store().runs(kind, limit=200).itertuples():
        found[row.id] = _words(row.id, row.name, row.state)
    return found


def _words(run_id: str, name: str, state: str) -> str:
    suffix = "" if state == RunState.COMPLETED else f" · {MARKS[RunState(state)][1]}"
    return forms.run_words(run_id, name) + suffix


def choose_run(kinds: tuple[str, ...], options: dict[str, str]) -> str:
    """The run of these kinds named in the address (`?run=`), or the one picked here; "" if none.

    The address follows the choice, so it can be kept and shared.
    """
    asked = st.query_params.get("run")
    if asked != st.session_state.get(SHOWN):
        st.session_state.pop("run", None)
        if asked and asked not in options:
            run = resources.supervisor().find(asked)
            if run.kind in kinds:
                options[run.id] = _words(run.id, run.name, run.state)
        if asked in options:
            st.session_state["run"] = asked
    if st.session_state.get("run") not in options:
        st.session_state.pop("run", None)
    if not options:
        return ""
    _keep_words_fresh(options)
    run_id = st.selectbox("Run", list(options), format_func=options.__getitem__, key="run")
    st.session_state[SHOWN] = st.query_params["run"] = run_id
    return run_id


def _keep_words_fresh(options: dict[str, str]) -> None:
    """The browser keeps a choice's old words, as "waiting", unless the choice is made anew."""
    chosen = st.session_state.get("run")
    words = options.get(chosen, "")
    if chosen and st.session_state.get(WORDS) != words:
        st.session_state["run"] = chosen
    st.session_state[WORDS] = words


def show_run(run: Run, show: Callable[[Run], None]) -> None:
    """Live progress, the result or what went wrong, and the details."""
    resources.take_in(run)
    renamed = st.session_state.get(f"{forms.RENAMED}-{run.id}")
    if renamed:
        st.info(charts.plain(renamed), icon=":material/drive_file_rename_outline:")
    if not run.state.ended:
        live(run.id)
    elif run.state is RunState.COMPLETED:
        show(run)
    else:
        outcome(run)
        links.to_run(run.id, "Its page, with its log")
    about(run)


def live(run_id: str) -> None:
    """Progress that refreshes itself each second until the run ends."""

    @st.fragment(run_every="1s")
    def panel() -> None:
        with plain_errors():
            run = resources.supervisor().find(run_id)
            if run.state.ended:
                resources.take_in(run)
                st.rerun()
            _progress(run)

    panel()


def _progress(run: Run) -> None:
    event = runs.last_event(run.folder)
    icon, words = MARKS[run.state]
    with st.container(border=True):
        left, right = st.columns([5, 1], vertical_alignment="center")
        if run.state is RunState.PENDING:
            left.markdown(f"{icon} **{words}** {_why_waiting(run)}")
        else:
            fraction = min(1.0, max(0.0, event.get("fraction", 0.0)))
            message = charts.plain(event.get("message", ""))
            memory = f"{jobs.memory_in_use(run) / 2**30:.1f} GB"
            left.progress(fraction, f"**{words}** · {message} · {_clock(run)} · {memory}")
        canceling = (run.folder / "cancel").exists()
        label = "Canceling …" if canceling else "Cancel"
        if right.button(label, key=f"cancel-{run.id}", disabled=canceling, width="stretch"):
            work.cancel(identity.actor(), resources.supervisor(), run.id)
            st.rerun(scope="fragment")
        frame = plots.curve_frame(runs.events(run.folder, LIVE_BYTES))
        for title, rows in plots.split_curves(frame).items():
            figure = plots.curves(rows, title)
            st.plotly_chart(figure, key=f"live-{title}-{run.id}", alt=f"{title} so far")
        film.newest(run)
        _log(run)


def _why_waiting(run: Run) -> str:
    try:
        waiting = resources.supervisor().waits_for(run)
    except UserError as error:
        return str(error)
    if waiting:
        return f"for {', '.join(waiting)}."
    most = resources.supervisor().settings.max_jobs
    return f"for its turn; {most} job{' runs' if most == 1 else 's run'} at a time."


def _clock(run: Run) -> str:
    seconds = int(run.seconds or 0)
    return f"{seconds // 60}:{seconds % 60:02d}"


def outcome(run: Run) -> None:
    """How a run ended that has no result, and what can be done."""
    icon, words = MARKS[run.state]
    ended = "This run failed." if run.state is RunState.FAILED else f"This run was {words}."
    goes_on = " It can go on from where it stopped." if run.resumable else ""
    st.warning(f"{ended} {charts.plain(run.error)}".strip() + goes_on, icon=icon)
    with st.container(horizontal=True):
        if run.resumable and st.button("Resume", icon=":material/resume:", type="primary"):
            work.resume(identity.actor(), resources.supervisor(), run.id)
            st.rerun()
        _offer_change(run)
    if run.state is RunState.FAILED and run.cause is not Cause.MISTAKE:
        where = charts.plain(str(run.folder / "log.txt"))
        st.caption(f"Its log: {where} on this computer; also on the run's page, in the tab Log.")


def _offer_change(run: Run) -> None:
    """A way to the form, filled in as it was for this run."""
    kind = "secondary" if run.resumable else "primary"
    if st.button("Change settings and start again", icon=":material/edit:", type=kind):
        to = {"again": run.id, "run": run.id}
        st.switch_page(links.BY_KIND[run.kind].path, query_params=to)


def _log(run: Run) -> None:
    text = runs.log_tail(run.folder)
    if text:
        with st.expander("Log"):
            st.code(text, language=None, wrap_lines=True)


def about(run: Run) -> None:
    """Settings and origin of a run; link to everything else about it."""
    with st.expander("About this run", icon=":material/info:"):
        left, right = st.columns(2)
        left.markdown("**Settings**")
        counting = specs.counting(registry.get(run.kind).spec_type, run.spec)
        left.dataframe(_as_table(counting), hide_index=True)
        right.markdown("**Result**")
        right.dataframe(_as_table(run.result or {}), hide_index=True)
        st.caption(_origin(run))
        links.to_run(run.id)


def _origin(run: Run) -> str:
    path = run.folder / "provenance.json"
    if not path.exists():
        return run.id
    origin = json.loads(path.read_text(encoding="utf-8"))
    versions = ", ".join(f"{k} {v}" for k, v in origin["versions"].items())
    return f"{run.id} · revision {origin['revision'] or 'unknown'} · {versions}"


def _as_table(values: dict[str, Any]) -> pd.DataFrame:
    rows = [(k.replace("_", " "), charts.words(v)) for k, v in values.items()]
    return pd.DataFrame(rows, columns=["name", "value"])
