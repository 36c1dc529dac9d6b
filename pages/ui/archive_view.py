"""Runs whose files lie elsewhere: what is said in place of them, and putting away and fetching."""

from collections.abc import Callable

import pandas as pd
import streamlit as st

from backend.actions import archives
from backend.core import archive, maintenance, runs
from backend.core.archive import Tick
from backend.core.runs import Run
from backend.records import UserError
from backend.settings import settings
from pages.ui import charts, identity, resources
from pages.ui.run_choice import run_words

SHOWN = 200  # runs offered at once, the oldest first


def show(run: Run) -> None:
    """An archived run: where its files are, a button that fetches them, and the figures, which are
    here."""
    record = archive.of(run.folder)
    if record is None:
        return
    st.info(
        f"The pictures and models of this run are archived at {charts.plain(record.url)} since "
        f"{record.at[:10]} ({record.size / 2**20:.1f} MB). Its figures are here.",
        icon=":material/archive:",
    )
    may = identity.may("archives.fetch")
    if may and st.button("Fetch", icon=":material/download:") and _fetched([run.id]):
        st.rerun()
    figures = resources.facts("figures", run)
    if len(figures):
        named = figures.drop(columns="run_id").dropna(axis="columns", how="all")
        st.dataframe(named, hide_index=True, alt="Figures of the run")


def section() -> None:
    """Putting old runs away, and fetching them; of the page Storage."""
    st.subheader("Archive", anchor=False)
    st.markdown(
        "The pictures and models of old runs can lie on a network folder or in an object store. "
        "Figures, settings and logs stay here. A copy is read back before anything is deleted."
    )
    _archived()
    if not identity.may("archives.archive"):
        st.caption("Only an admin puts runs away.")
        return
    place = st.expander("Put runs away", icon=":material/archive:", key="away", on_change="rerun")
    if place.open:
        with place:
            _put_away()


def _archived() -> None:
    sees = resources.supervisor().sees
    folders = runs.folders(settings().runs)
    found = [one.name for one in folders if sees(one.name) and runs.archived_at(one)]
    if not found:
        st.caption("No run is archived.")
        return
    with st.expander(f"Archived: {len(found)}", icon=":material/inventory_2:"):
        records = [(one, archive.of(settings().runs / one)) for one in reversed(found)]
        rows = [(i, r.url, r.at[:10], r.by, r.size / 2**20) for i, r in records if r]
        frame = pd.DataFrame(rows, columns=["run", "where", "since", "by", "MB"])
        numbers = {"MB": st.column_config.NumberColumn(format="%.1f")}
        st.dataframe(frame, hide_index=True, column_config=numbers, alt="Archived runs")
        barred = not identity.may("archives.fetch")
        chosen = st.multiselect("Fetch these", [row[0] for row in rows], disabled=barred)
        asked = st.button("Fetch", icon=":material/download:", disabled=not chosen)
        if asked and _fetched(chosen):
            st.rerun()


def _put_away() -> None:
    url = st.text_input(
        "Where to",
        value=settings().archive,
        placeholder="/mnt/archive or s3://bucket/folder",
        max_chars=500,
    )
    days = st.number_input("Of so many days ago, and older", 0, 10_000, 90)
    found = archives.movable(settings(), int(days))
    if not found:
        st.info("No such run, but what is in use. Choose fewer days.", icon=":material/info:")
        return
    known = {run.id: run for run in runs.readable(settings().runs / i for i in found[:SHOWN])}
    names = {i: _words(run) for i, run in known.items()}
    chosen = st.multiselect("Runs, the oldest first", list(names), format_func=names.__getitem__)
    every = st.checkbox(f"All {len(known)}")
    wanted = list(known) if every else chosen
    st.caption("What is in force, in use by a line or by a job under way is not offered.")
    sure = st.checkbox(
        f"Delete the pictures and models of {len(wanted)} here once their copies are compared",
        disabled=not wanted,
    )
    if st.button("Put away", icon=":material/archive:", disabled=not (sure and wanted and url)):

        def put(run_id: str, tick: Tick) -> object:
            return archives.archive(identity.actor(), settings(), run_id, url, tick)

        if _moved(wanted, "Copying", put):
            st.rerun()


def _words(run: Run) -> str:
    size = maintenance.folder_size(run.folder) / 2**20
    return f"{run_words(run.id, charts.plain(run.name))} · {size:.1f} MB"


def _fetched(run_ids: list[str]) -> bool:
    def fetch(run_id: str, tick: Tick) -> object:
        return archives.fetch(identity.actor(), settings(), run_id, tick)

    return _moved(run_ids, "Fetching", fetch)


def _moved(run_ids: list[str], what: str, work: Callable[[str, Tick], object]) -> bool:
    """Run after run with its progress; False where one could not be moved, which is said."""
    bar = st.progress(0.0, f"{what} …")
    good = True
    for place, run_id in enumerate(run_ids, start=1):

        def tick(fraction: float, place: int = place, run_id: str = run_id) -> None:
            words = f"{what} {place} of {len(run_ids)}: {run_id}"
            bar.progress((place - 1 + fraction) / len(run_ids), words)

        try:
            work(run_id, tick)
        except UserError as error:
            good = False
            st.error(f"{run_id}: {charts.plain(str(error))}", icon=":material/error:")
    bar.empty()
    if good:
        st.toast(f"{what} done: {len(run_ids)}.")
    return good
