"""The page of an experiment: what to choose, how far its jobs are, and what they show together.

Which repeat is shown follows from the run in the address (`?run=`), one of its own.
"""

from collections.abc import Mapping
from itertools import groupby

import streamlit as st

from backend.actions import work
from backend.core import runs
from backend.core.runs import Run
from backend.experiments import experiment as experiments
from backend.experiments.experiment import PAPER, QUICK, Choice, Experiment, Made
from backend.records import RunState
from backend.sharing.report import archive
from backend.sharing.report.items import Chart, Gap, Item, Picture, Report, Table
from backend.ways.way import Standing, standing_of
from pages.ui import charts, identity, links, repeat_form, resources, steps
from pages.ui.layout import header, plain_errors
from pages.ui.run_view import MARKS

PAST = 10
NUMBERS = {QUICK: "quick numbers", PAPER: "the paper's numbers"}


def show(experiment: Experiment, words: str, source_label: str) -> None:
    """The whole page. source_label: what the images or parts to begin with are called."""
    header(experiment.title, words)
    st.caption(f"The paper: {experiment.source}.")
    window = resources.supervisor()
    finder = experiment.finder(window.settings.runs, window.places)
    run_id, again = (st.query_params.get(name, "") for name in ("run", "again"))
    if asked := run_id or again:
        window.find(asked)  # refused where they may not see it
    if run_id:
        made = finder.of(run_id)
        _jobs(experiment, made)
        _results(experiment, made)
    else:
        before = experiment.choice(finder.of(again)) if again else Choice()
        repeat_form.show(experiment, before, source_label)
    _past(experiment, finder.repeats(PAST), run_id)


def _jobs(experiment: Experiment, made: Made) -> None:
    """Each job with how far it is, and what can be done about all of them."""
    for run in made.values():
        resources.take_in(run)
    if any(not run.state.ended for run in made.values()):
        _live(experiment, {name: run.id for name, run in made.items()}, _ended(made))
        return
    stopped = next((n for n, run in made.items() if run.state is not RunState.COMPLETED), "")
    whole = len(made) == len(experiment.steps)
    with st.expander("The jobs", expanded=not whole or bool(stopped), icon=":material/checklist:"):
        _rows(experiment, made)
    if stopped:
        _offer_resume(made, stopped)
    links.to_experiment(
        experiment.verb,
        "Repeat it with other choices",
        ":material/replay:",
        again=_last(experiment, made).id,
    )


def _last(experiment: Experiment, made: Made) -> Run:
    """The run that stands for all."""
    return made[experiment.steps[-1].name]


def _ended(made: Made) -> int:
    return sum(run.state.ended for run in made.values())


def _live(experiment: Experiment, ids: Mapping[str, str], ended: int) -> None:
    """The jobs, refreshed each second; the page is built anew whenever one more has ended."""

    @st.fragment(run_every="1s")
    def panel() -> None:
        with plain_errors(), st.container(border=True):
            made = {name: resources.supervisor().find(run_id) for name, run_id in ids.items()}
            if _ended(made) != ended:
                for run in made.values():
                    resources.take_in(run)
                st.rerun()
            _rows(experiment, made)
            barred = not identity.may("work.cancel")
            if st.button("Cancel all", icon=":material/cancel:", disabled=barred):
                for run in reversed(made.values()):
                    work.cancel(identity.actor(), resources.supervisor(), run.id)
                st.rerun(scope="fragment")

    panel()


def _rows(experiment: Experiment, made: Made) -> None:
    """Each job: where it stands, and what it does now, how long it took or why it has no result."""
    for number, step in enumerate(experiment.steps, start=1):
        run, title = made.get(step.name), f"{step.name[0].upper()}{step.name[1:]}"
        steps.head(number, title, standing_of(run) if run else Standing.BLOCKED)
        if run is None:
            st.caption("Its run was deleted; the trash may still hold it.")
            continue
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(_told(run), width="stretch")
            links.to_run(run.id, "Details")
        if run.state is RunState.RUNNING:
            event = runs.last_event(run.folder)
            st.progress(min(1.0, max(0.0, event.get("fraction", 0.0))))


def _told(run: Run) -> str:
    """What a job does now, how long it took, or why it has no result."""
    if run.state is RunState.RUNNING:
        return charts.plain(runs.last_event(run.folder).get("message", ""))
    if run.state is RunState.COMPLETED:
        return f"Took {run.seconds or 0:.0f} s."
    return charts.plain(run.error) or f"{MARKS[run.state][1].capitalize()}."


def _offer_resume(made: Made, stopped: str) -> None:
    """Why the first job without a result has none, and the way on."""
    run = made[stopped]
    words = f"**{stopped}**: {MARKS[run.state][1]}. {charts.plain(run.error)}".strip()
    if not run.resumable:
        st.error(
            f"{words} What rests on it cannot be made. Repeat it with other choices.",
            icon=":material/error:",
        )
        return
    st.warning(f"{words} It can go on from where it stopped.", icon=":material/pause_circle:")
    if not identity.may("work.resume"):
        return
    if st.button("Resume", icon=":material/resume:", type="primary"):
        for one in made.values():
            if one.resumable:
                work.resume(identity.actor(), resources.supervisor(), one.id)
        st.rerun()


def _results(experiment: Experiment, made: Made) -> None:
    """What the completed jobs show so far, in the paper's order."""
    last = _last(experiment, made)
    report = _report(experiment.verb, last.id, tuple(str(r.finished) for r in made.values()))
    if not report.items:
        st.info("The first figures come with the first finished jobs.", icon=":material/info:")
        return
    charts.zipped(
        "All of it as one zip",
        lambda: archive.to_zip(report, made),
        f"{experiment.verb}-paper-{last.id}",
        "A page with every figure that opens in any browser, their rows as CSV, the pictures, "
        "and the command that repeats it",
    )
    for _, group in groupby(report.items, key=lambda item: item.name.partition("-")[0]):
        items = list(group)
        for place, item in zip(st.columns(len(items)), items, strict=True):
            with place:
                _item(item, last.id)
    _differences(report)


@st.cache_resource(ttl=3600, max_entries=8, show_spinner="Drawing the figures …")
def _report(verb: str, run_id: str, finished: tuple[str, ...]) -> Report:
    """finished: when each job ended; another report once one more has."""
    from backend.experiments.papers import EXPERIMENTS

    experiment = EXPERIMENTS[verb]
    made = experiment.finder(resources.supervisor().settings.runs).of(run_id)
    return experiments.report(experiment, made)


def _item(item: Item, key: str) -> None:
    st.subheader(item.title, anchor=False)
    if isinstance(item, Gap):
        st.warning(charts.plain(item.words), icon=":material/link_off:")
        return
    if isinstance(item, Picture):
        st.image(item.pixels, width=item.pixels.shape[1], alt=item.title)
    elif isinstance(item, Table):
        st.table(item.frame, border="horizontal", hide_index=True, alt=item.title)
        charts.csv(item.frame, f"{item.name}-{key}")
    elif isinstance(item, Chart):
        charts.figure(item.untitled(), item.data, f"{item.name}-{key}", item.title)
    st.caption(charts.plain(item.words))


def _differences(report: Report) -> None:
    """What is not as in the paper, and the command that repeats it."""
    st.subheader(report.limits_title, anchor=False)
    st.markdown("\n".join(f"- {charts.plain(words)}" for words in report.limits))
    st.subheader("Repeat it", anchor=False)
    st.code(report.command, language="sh", wrap_lines=True)


def _past(experiment: Experiment, found: list[dict[str, Run]], shown: str) -> None:
    """Links to earlier repeats, newest first."""
    others = [made for made in found if shown not in (run.id for run in made.values())]
    if not others:
        return
    st.subheader("Earlier repeats", anchor=False)
    for made in others:
        last = _last(experiment, made)
        words = f"{last.created:%d %b %H:%M} · {NUMBERS[experiment.choice(made).numbers]}"
        icon, state = MARKS[last.state]
        links.to_experiment(experiment.verb, f"{words} · {state}", icon, run=last.id)
