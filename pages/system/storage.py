"""Storage: what takes the room, whether it is sound, back-ups and the trash."""

import shutil

import pandas as pd
import streamlit as st

from backend.actions import work
from backend.core import audit, maintenance, runs, store
from backend.records import UserError
from pages.ui import archive_view, identity, resources, run_table
from pages.ui.layout import header


@st.cache_data(ttl=30, max_entries=2, show_spinner="Measuring …")
def _sizes(folder: str) -> pd.DataFrame:
    path = resources.supervisor().settings.runs
    there = runs.folders(path)
    rows = [(f.name.split("-", 1)[1][:-7], maintenance.run_size(f)) for f in there]
    frame = pd.DataFrame(rows, columns=["kind", "bytes"])
    frame["job"] = run_table.job_words(frame["kind"])
    grouped = frame.groupby("job", as_index=False).agg(runs=("bytes", "size"), MB=("bytes", "sum"))
    return grouped.assign(MB=grouped["MB"] / 2**20).sort_values("MB", ascending=False)


def show() -> None:
    header(
        "Storage",
        "All that this program keeps lies in one folder. Copy it, and you have everything.",
    )
    settings = resources.supervisor().settings
    usage = shutil.disk_usage(settings.storage)
    sizes = _sizes(str(settings.runs))
    with st.container(horizontal=True):
        st.metric("Free disk", f"{usage.free / 2**30:.1f} GB", border=True, width=200)
        st.metric("Runs", f"{int(sizes['runs'].sum())}", border=True, width=200)
        st.metric("Size of runs", f"{sizes['MB'].sum() / 1024:.2f} GB", border=True, width=200)
    st.caption(f"Folder on the server: `{settings.storage}`")
    if len(sizes):
        st.dataframe(
            sizes,
            hide_index=True,
            column_config={"MB": st.column_config.NumberColumn(format="%.1f")},
            alt="Runs and size per kind of job",
        )
    _soundness()
    _backup()
    archive_view.section()
    _copies()
    _trash()
    _changes()


def _soundness() -> None:
    st.subheader("Check", anchor=False)
    st.markdown(
        "Compares each run's folder with the database. Where they differ, the folder counts."
    )
    if st.button("Check now", icon=":material/fact_check:"):
        found = store.differences(resources.owner().store, resources.supervisor().settings.runs)
        for sentence in found:
            st.warning(sentence)
        if not found:
            st.success("Run folders and database agree.", icon=":material/check_circle:")


def _backup() -> None:
    st.subheader("Back-up", anchor=False)
    st.markdown("All finished runs and a database of just these, in one file on the server.")
    barred = not identity.may("work.back_up")
    if st.button("Back up now", icon=":material/save:", disabled=barred):
        try:
            with st.spinner("Writing …"):
                path = work.back_up(identity.actor(), resources.supervisor().settings)
        except UserError as error:
            st.error(str(error))
        else:
            st.success(f"Wrote `{path}` ({path.stat().st_size / 2**20:.0f} MB).")


def _copies() -> None:
    """Uploads, exported zips and cached features: all of it may go, for runs keep their own."""
    settings = resources.supervisor().settings
    st.subheader("Uploads, exports, cache", anchor=False)
    st.markdown(
        "Runs keep copies of what was uploaded; a zip, or the features of parts, can be made again."
    )
    for name, folder in maintenance.spare(settings).items():
        size = maintenance.folder_size(folder) / 2**20
        left, middle, right = st.columns([2, 2, 1], vertical_alignment="center")
        left.markdown(f"{name.capitalize()}: {size:.1f} MB")
        barred = size == 0 or not identity.may("work.clear")
        sure = middle.checkbox(f"Delete all {name} for good", disabled=barred)
        if right.button("Delete", key=f"delete-{name}", disabled=not sure, width="stretch"):
            work.clear(identity.actor(), settings, name)
            st.rerun()


def _trash() -> None:
    st.subheader("Trash", anchor=False)
    supervisor = resources.supervisor()
    found = [one for one in runs.folders(supervisor.settings.trash) if supervisor.sees(one.name)]
    if not found:
        st.caption("The trash is empty.")
        return
    barred = not identity.may("work.empty_trash")
    for folder in reversed(found):
        left, right = st.columns([4, 1], vertical_alignment="center")
        left.markdown(f"`{folder.name}`")
        if right.button("Bring back", key=folder.name, width="stretch", disabled=barred):
            work.restore(identity.actor(), supervisor, folder.name)
            st.rerun()
    sure = st.checkbox(f"Delete these {len(found)} runs for good", disabled=barred)
    if st.button("Empty the trash", disabled=not sure, icon=":material/delete_forever:"):
        work.empty_trash(identity.actor(), supervisor)
        st.rerun()


def _changes() -> None:
    """Who changed what, newest first, for those who may read the audit log."""
    if not identity.is_admin():
        return
    lines = audit.newest(resources.supervisor().settings.storage)
    if lines:
        with st.expander("Newest changes", icon=":material/history:"):
            frame = pd.DataFrame(lines).assign(
                time=[str(line.time)[:16].replace("T", " ") for line in lines]
            )
            names = {"time": "when (UTC)", "actor": "who", "way": "by", "action": "what"}
            st.dataframe(frame.rename(columns=names), hide_index=True, alt="Who changed what")


show()
