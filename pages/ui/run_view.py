"""A run on a page: live while it works, its outcome after, and all about it below."""

import json
from collections.abc import Callable

import streamlit as st

from backend import glossary, plots
from backend.actions import work
from backend.core import carrying, jobs, registry, runs, specs
from backend.core.runs import Run
from backend.records import Cause, RunState, UserError
from backend.sharing.report import general
from backend.sharing.report.origin import revision_words
from backend.sharing.report.scope import Scope
from pages.ui import (
    address,
    archive_view,
    charts,
    comments_view,
    film,
    forms,
    identity,
    leaks_view,
    links,
    mark_view,
    project,
    report_view,
    resources,
    run_choice,
)
from pages.ui.layout import header, plain_errors
from pages.ui.run_choice import run_words

LIVE_BYTES = 256 * 1024
MARKS = {
    RunState.PENDING: (":material/schedule:", "waiting"),
    RunState.RUNNING: (":material/progress_activity:", "running"),
    RunState.COMPLETED: (":material/check_circle:", "completed"),
    RunState.FAILED: (":material/error:", "failed"),
    RunState.CANCELED: (":material/cancel:", "canceled"),
    RunState.INTERRUPTED: (":material/power_off:", "interrupted"),
}


def mark(state: str, error: str = "") -> tuple[str, str]:
    """Icon and words of how a run stands. error: of an ended one."""
    icon, words = MARKS[RunState(state)]
    if state == RunState.CANCELED and error.startswith(jobs.NOT_STARTED):
        words = "not started: its input was canceled"
    return icon, words


def kind_page(
    kind_name: str,
    words: str,
    show: Callable[[Run], None],
    help_with_form: Callable[[str], None] | None = None,
    running: Callable[[Run], None] | None = None,
) -> None:
    """The page of one kind of run: a form for a new one, a choice of run, and what it gave.

    running: what it shows while the run works, in place of its progress.

    help_with_form: drawn above the form, and may fill in its fields, whose keys begin with the
    form's. `?again=` in the address fills in the settings of that run, `?from=` what comes next
    after that run; its form is open then, and no earlier result is shown.
    """
    kind = registry.get(kind_name)
    header(links.BY_KIND[kind_name].title, words)
    options = runs_of(kind_name)
    again, source = _again(kind_name), _named("from")
    key = f"from-{source.id}-{kind_name}" if source else f"form-{kind_name}"
    key = f"again-{again.id}" if again else key
    if project.all_of_them() or not identity.may("work.submit"):
        _only_look(options, kind_name, show, running)
        return
    asked = bool(again or source)
    opened, place = f"new-{forms.key_now(key)}", st.container()
    beside = bool(options) and not st.session_state.get(opened, asked)
    if beside:  # closed, it takes no line of its own above the result
        left, place = st.columns([3, 1], vertical_alignment="bottom")
    new = place.expander(
        f"New: {kind.title[0].lower()}{kind.title[1:]}",
        expanded=not options or asked,
        icon=":material/add:",
        key=opened,
        on_change="rerun",
    )
    ready = True
    if new.open:
        with new:
            ready = _form(kind_name, key, again, source, help_with_form)
    if source:
        if options:
            links.to_kind(kind_name, "Earlier results")
        return
    with left if beside else st.container():
        run_id = choose_run((kind_name,), options)
    if not run_id:
        if ready:
            st.info("No run yet. Fill in the form above and start one.", icon=":material/info:")
        return
    show_run(resources.supervisor().find(run_id), show, running)


def _only_look(
    options: dict[str, str],
    kind_name: str,
    show: Callable[[Run], None],
    running: Callable[[Run], None] | None,
) -> None:
    """The page for who may start nothing, or looks at all projects: what was made."""
    if project.all_of_them() and identity.may("work.submit"):
        st.caption("To start something, choose its project in the sidebar.")
    run_id = choose_run((kind_name,), options)
    if run_id:
        show_run(resources.supervisor().find(run_id), show, running)
    else:
        st.info("No run yet. An engineer can start one.", icon=":material/info:")


def _named(name: str) -> Run | None:
    """The run that the address names so."""
    run_id = st.query_params.get(name)
    return resources.supervisor().find(run_id) if run_id else None


def _again(kind: str) -> Run | None:
    """The run of this kind whose settings the address asks for."""
    run = _named("again")
    return run if run and run.kind == kind else None


def _form(
    kind: str,
    key: str,
    again: Run | None,
    source: Run | None,
    help_with_form: Callable[[str], None] | None,
) -> bool:
    """The form, empty or filled in; False where something else has to be made first."""
    if help_with_form:
        help_with_form(forms.key_now(key))
    if again:
        st.caption(f"With the settings of {run_words(again.id, charts.plain(again.name))}.")
        return forms.run_form(kind, initial=again.spec, parent=again.id, key=key)
    if source:
        st.caption(f"From {run_words(source.id, charts.plain(source.name))}.")
        return forms.run_form(kind, initial=carrying.carried(kind, source), key=key)
    return forms.run_form(kind, key=key)


def runs_of(kind: str) -> dict[str, str]:
    """Run id → words; runs under way first, then newest first."""
    active = [run for run in resources.supervisor().active() if run.kind == kind]
    found = {
        run.id: project.with_its_name(_words(run.id, run.name, run.state, run.error), run.project)
        for run in reversed(active)
    }
    rows = resources.store().runs(kind, limit=200)
    columns = (rows[name] for name in ("id", "name", "state", "error", "project"))
    for run_id, name, state, error, of in zip(*columns, strict=True):
        found[run_id] = project.with_its_name(_words(run_id, name, state, error), of)
    return found


def _words(run_id: str, name: str, state: str, error: str) -> str:
    suffix = "" if state == RunState.COMPLETED else f" · {mark(state, error)[1]}"
    return run_words(run_id, name) + suffix


def choose_run(kinds: tuple[str, ...], options: dict[str, str]) -> str:
    """The run of these kinds named in the address (`?run=`), or the one picked here; "" if none.

    The address follows the choice, so it can be kept and shared.
    """
    asked = address.asked("run")
    if asked:
        st.session_state.pop("run", None)
        if asked not in options:
            run = resources.supervisor().find(asked)
            if run.kind in kinds:
                options[run.id] = _words(run.id, run.name, run.state, run.error)
        if asked in options:
            st.session_state["run"] = asked
    if st.session_state.get("run") not in options:
        st.session_state.pop("run", None)
    if not options:
        return ""
    run_choice.keep_fresh("run", options)
    run_id = st.selectbox("Run", list(options), format_func=options.__getitem__, key="run")
    address.follow("run", run_id)
    return run_id


def show_run(
    run: Run, show: Callable[[Run], None], running: Callable[[Run], None] | None = None
) -> None:
    """Live progress, the result or what went wrong, and the details."""
    resources.take_in(run)
    renamed = st.session_state.get(f"{forms.RENAMED}-{run.id}")
    if renamed:
        st.info(charts.plain(renamed), icon=":material/drive_file_rename_outline:")
    if running and run.state is RunState.RUNNING:
        running(run)
    elif not run.state.ended:
        live(run.id)
    elif runs.archived_at(run.folder):
        archive_view.show(run)
    elif run.state is RunState.COMPLETED:
        show(run)
    else:
        outcome(run)
        links.to_run(run.id, "Its page, with its log")
    if run.state.ended:
        leaks_view.show(run)
    if run.state is RunState.COMPLETED:
        with st.container(horizontal=True, vertical_alignment="center"):
            report_view.offer(Scope((run.id,)), run.id)
            mark_view.offer(run)
    comments_view.show(run)
    about(run)


def live(run_id: str) -> None:
    """Progress that refreshes itself each second until the run ends. What has no end, as a line, is
    shown on its own page."""
    begun = resources.supervisor().find(run_id)
    if begun.state is RunState.RUNNING and registry.get(begun.kind).service:
        links.to_kind(begun.kind, f"{charts.plain(begun.name)}: see how it is doing", run_id)
        return

    @st.fragment(run_every="1s")
    def panel() -> None:
        with plain_errors():
            run = resources.supervisor().find(run_id)
            if run.state is not begun.state:  # the page shows another state otherwise
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
            message = charts.plain(glossary.said(event.get("message", "")))
            memory = f"{jobs.memory_in_use(run) / 2**30:.1f} GB"
            left.progress(fraction, f"**{words}** · {message} · {_clock(run)} · {memory}")
        canceling = (run.folder / "cancel").exists()
        label = "Canceling …" if canceling else "Cancel"
        barred = canceling or not identity.may("work.cancel")
        if right.button(label, key=f"cancel-{run.id}", disabled=barred, width="stretch"):
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
        named = [resources.supervisor().find(run_id).name or run_id for run_id in waiting]
        return charts.plain(f"for {', '.join(named)}.")
    most = resources.supervisor().settings.max_jobs
    return f"for its turn; {most} job{' runs' if most == 1 else 's run'} at a time."


def _clock(run: Run) -> str:
    seconds = int(run.seconds or 0)
    return f"{seconds // 60}:{seconds % 60:02d}"


def outcome(run: Run) -> None:
    """How a run ended that has no result, and what can be done."""
    ending(run)
    with st.container(horizontal=True):
        offer_resume(run)
        _offer_change(run)
    if run.state is RunState.FAILED and run.cause is not Cause.MISTAKE:
        where = charts.plain(str(run.folder / "log.txt"))
        st.caption(f"Its log: {where} on this computer; also on the run's page, in the tab Log.")


def ending(run: Run) -> None:
    """How a run ended that has no result."""
    icon, words = MARKS[run.state]
    if run.error.startswith(jobs.NOT_STARTED):
        st.warning(charts.plain(run.error), icon=icon)
        return
    ended = "This run failed." if run.state is RunState.FAILED else f"This run was {words}."
    goes_on = " It can go on from where it stopped." if run.resumable else ""
    st.warning(f"{ended} {charts.plain(glossary.said(run.error))}".strip() + goes_on, icon=icon)


def offer_resume(run: Run) -> None:
    """A button for a run that can go on."""
    key = f"resume-{run.id}"
    if not identity.may("work.resume"):
        return
    if run.resumable and st.button("Resume", icon=":material/resume:", type="primary", key=key):
        work.resume(identity.actor(), resources.supervisor(), run.id)
        st.rerun()


def _offer_change(run: Run) -> None:
    """A way to the form, filled in as it was for this run."""
    if not identity.may("work.submit"):
        return
    label, icon = "Change settings and start again", ":material/edit:"
    if st.button(label, icon=icon, type="secondary" if run.resumable else "primary"):
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
        left.dataframe(general.named(counting), hide_index=True)
        right.markdown("**Result**")
        right.dataframe(general.named(run.result or {}), hide_index=True)
        st.caption(_origin(run))
        links.to_run(run.id)


def _origin(run: Run) -> str:
    path = run.folder / "provenance.json"
    if not path.exists():
        return run.id
    origin = json.loads(path.read_text(encoding="utf-8"))
    versions = ", ".join(f"{k} {v}" for k, v in origin["versions"].items())
    return f"{run.id} · {revision_words(origin)} · {versions}"
