"""What a person chooses before a repeat: what to begin with, whose numbers, a seed."""

import streamlit as st

from backend.actions import work
from backend.experiments import experiment as experiments
from backend.experiments.experiment import PAPER, QUICK, Choice, Experiment
from backend.records import RunState, UserError
from pages.ui import charts, identity, links, resources, run_choice

OFFERED = 30  # newest runs
LABELS = {QUICK: "Quick: small ones, to see it work", PAPER: "The paper's own"}
MOST_SEED = 1_000_000


def show(experiment: Experiment, before: Choice, source_label: str) -> None:
    """The choices, what they cost in time, and Start. before: what is chosen at first."""
    with st.container(border=True):
        choice = _choice(experiment, before, source_label)
        steps = experiment.checked_plan(choice).steps
        names = " → ".join(step.name for step in steps)
        st.caption(charts.plain(f"{len(steps)} jobs in one go: {names}."))
        st.caption(_expected(experiment.verb, choice))
        barred = not identity.may("work.submit")
        if st.button("Start", type="primary", icon=":material/play_arrow:", disabled=barred):
            _start(experiment, choice)


@st.cache_data(ttl=60, max_entries=20, show_spinner=False)
def _expected(verb: str, choice: Choice) -> str:
    from backend.experiments.papers import EXPERIMENTS

    return experiments.expected(EXPERIMENTS[verb], choice, resources.supervisor().settings.runs)


def _choice(experiment: Experiment, before: Choice, source_label: str) -> Choice:
    key = f"repeat-{experiment.verb}"
    sources = dict(experiment.makers) | _sources(experiment)
    first = before.source_run or before.maker
    left, middle, right = st.columns(3)
    source = left.selectbox(
        source_label,
        list(sources),
        index=list(sources).index(first) if first in sources else 0,
        format_func=sources.__getitem__,
        key=f"{key}-source",
        help="New ones are made first; or begin with what there is already. What "
        "cannot be used, as images without masks, is not offered.",
    )
    numbers = middle.selectbox(
        "Numbers",
        list(LABELS),
        index=list(LABELS).index(before.numbers),
        format_func=LABELS.__getitem__,
        key=f"{key}-numbers",
        help="How many images or parts, passes and test rounds",
    )
    seed = right.number_input(
        "Seed",
        0,
        MOST_SEED,
        before.seed,
        key=f"{key}-seed",
        help="The same seed gives the same figures; another shows how far they wander.",
    )
    test_run = _test_set(key, before.test_run) if experiment.takes_test_set else ""
    maker = source if source in experiment.makers else ""
    return Choice(numbers, maker, "" if maker else source, test_run, int(seed))


def _sources(experiment: Experiment) -> dict[str, str]:
    """Run id → words, of the finished runs that it can begin with."""
    found = {}
    for kind in experiment.source_kinds:
        rows = resources.store().runs(kind, RunState.COMPLETED, limit=OFFERED)
        for run_id, name in zip(rows["id"], rows["name"], strict=True):
            count = experiment.holds(resources.supervisor().find(run_id))
            if count:
                found[run_id] = run_choice.run_words(run_id, name, f"{count} of them")
    return found


def _test_set(key: str, before: str) -> str:
    """The locked test images to judge on; asked for only where there is one."""
    words = {"": "fresh rendered images"} | run_choice.ended("testset", RunState.COMPLETED)
    if len(words) == 1:
        return ""
    return st.selectbox(
        "Judge the detector also on",
        list(words),
        index=list(words).index(before) if before in words else 0,
        format_func=words.__getitem__,
        key=f"{key}-test",
        help="The paper judges on its own synthetic images alone, which says nothing about real "
        "cracks. Locked test images, photographs put aside, do.",
    )


def _start(experiment: Experiment, choice: Choice) -> None:
    plan = experiment.checked_plan(choice)
    try:
        made = work.queue(identity.actor(), resources.supervisor(), plan)
    except UserError as error:
        st.error(charts.plain(str(error)), icon=":material/error:")
    else:
        st.switch_page(links.EXPERIMENTS[experiment.verb].path, query_params={"run": made[-1].id})
