"""What the checks found in a run of parts, and the button that makes look-alikes one group."""

import streamlit as st

from backend import glossary
from backend.actions import work
from backend.core import runs
from backend.core.runs import Run
from backend.inspection.parts import lookalikes
from backend.inspection.parts.checks import data_checks
from backend.inspection.parts.spec import Result, Spec
from backend.records import RunState
from pages.ui import charts, identity, resources
from pages.ui.layout import plain_errors

ICONS = {
    data_checks.PROBLEM: ":red[:material/error:]",
    data_checks.LOOK: ":orange[:material/visibility:]",
    data_checks.OK: ":green[:material/check_circle:]",
}
WORDS = {data_checks.PROBLEM: "problem", data_checks.LOOK: "look", data_checks.OK: "in order"}
JOINING = (
    "The button takes the same parts in again, as a new run beside this one. Groups that share a "
    "copy or a look-alike become one there, by turns: where A is like B and B like C, all three. "
    "No model is then judged on the twin of a part that it learned from. The groups as given "
    "are kept in a column of their own, and this run stays as it is."
)


def show(run: Run, result: Result) -> None:
    """What the checks found, the worst first; what the import said about itself below."""
    found = resources.facts("part_findings", run)
    with st.container(border=True):
        st.markdown("**Checks before anything is learned**")
        for level, icon in ICONS.items():
            rows = found[found["level"] == level]
            for subject, words in zip(rows["subject"], rows["words"], strict=True):
                st.markdown(
                    f"{icon} **{subject}** ({WORDS[level]}): {charts.plain(glossary.said(words))}"
                )
        others = [n for n in result.notes if n not in set(found["words"])]
        for note in others:
            st.caption(charts.plain(glossary.said(note)))


def alike_across_groups(run: Run, page: str) -> None:
    """What look-alikes across groups mean, and the button that makes them one group.

    page: where the runs of parts are shown that it leads to.
    """
    if runs.spec(run, Spec).group_lookalikes:
        if run.parent:
            _link(page, "The same parts with their groups as given", run.parent)
        return
    words = glossary.said(lookalikes.warning(run.folder))
    if not words:
        return
    with st.container(border=True):
        st.warning(charts.plain(words), icon=":material/content_copy:")
        if made := _joined_before(run):
            _link(page, "The same parts with look-alikes in one group", made)
            return
        if not identity.may("work.submit"):
            return
        st.markdown(JOINING)
        if st.button("Make look-alikes one group", type="primary", icon=":material/merge:"):
            with plain_errors():
                _join(run, page)


def _link(page: str, label: str, run_id: str) -> None:
    st.page_link(page, label=label, icon=":material/category:", query_params={"run": run_id})


def _join(run: Run, page: str) -> None:
    name = f"{run.name or run.id.partition('-')[2]}, look-alikes in one group"
    values, desk = run.spec | {"group_lookalikes": True}, resources.supervisor()
    made = work.submit(identity.actor(), desk, "parts", values, name=name, parent=run.id)
    st.switch_page(page, query_params={"run": made.id})


def _joined_before(run: Run) -> str:
    """The newest run that joined these parts' groups, "" where there is none."""
    rows = resources.store().runs("parts", RunState.COMPLETED)
    for run_id in rows.loc[rows["parent"] == run.id, "id"]:
        if resources.supervisor().find(run_id).spec == run.spec | {"group_lookalikes": True}:
            return str(run_id)
    return ""
