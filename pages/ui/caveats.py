"""The sentences that go with a figure: what makes it too good, or doubtful."""

from collections.abc import Iterable

import streamlit as st

from backend import glossary
from backend.core import facts, runs
from backend.core.runs import Run
from backend.deployment.latency.spec import Result
from backend.inspection.parts import lookalikes
from backend.records import UserError
from backend.students.similarity import standing
from pages.ui import charts, links, resources


def of(run: Run) -> str:
    """What to know before a run's figures are believed; "" for nothing."""
    if run.kind == "latency":
        return runs.result(run, Result).busy
    if run.kind == "similarity":
        return standing.of_samples(facts.by_name(resources.facts("figures", run)))
    return glossary.said(lookalikes.warning(run.folder))


def alike(run: Run) -> None:
    """The warning of copies and look-alikes across groups, on a page of what rests on the parts."""
    words = glossary.said(lookalikes.warning(run.folder))
    if not words:
        return
    st.warning(charts.plain(words), icon=":material/content_copy:")
    try:
        parts_run = lookalikes.parts_folder(run.folder).name
    except UserError:
        return
    links.to_kind("parts", "See them, and make them one group", parts_run)


def noted(notes: Iterable[str]) -> None:
    """What was noticed on the way: what was left out, scaled or not labelled, a sentence each."""
    told = [charts.plain(glossary.said(note)) for note in notes]
    if told:
        lines = told if len(told) == 1 else [f"- {note}" for note in told]
        st.info("\n".join(lines), icon=":material/info:")
