"""Computers: where the units of jobs are worked on, and how that goes."""

import os

import pandas as pd
import streamlit as st

from backend.core import cluster, runs, units
from backend.core.runs import Run
from backend.core.units import Standing
from backend.records import UserError
from backend.settings import settings
from pages.ui import charts, links, resources
from pages.ui.layout import header, plain_errors

RECENT = 15  # ended runs shown


def show() -> None:
    header(
        "Computers",
        "Test rounds, trials and settings are units of work. Each leaves a file: whatever dies, "
        "only what was being worked on is made again.",
    )
    _engine()
    _running()
    _ended()


def _engine() -> None:
    address = settings().cluster
    if not address:
        st.markdown(
            f"Units run on this computer ({os.cpu_count()} cores), as many at a time as a job's "
            "setting says. A cluster is named in `DISTILLERY_CLUSTER` where the server starts."
        )
        links.to_help("How to use more than one computer", doc="cluster")
        return
    st.markdown(f"Units run on the Ray cluster `{address}`.")
    if st.button("Check it now", icon=":material/fact_check:"):
        with st.spinner("Asking …"):
            problem = cluster.lacking(address)
        if problem:
            st.error(charts.plain(problem), icon=":material/error:")
        else:
            st.success("It can be used, and lets nobody in without a token.")


def _running() -> None:
    st.subheader("At work", anchor=False)
    if not resources.supervisor().active():
        st.info("No job is at work. Units show here while one is.", icon=":material/info:")
        return

    @st.fragment(run_every="2s")
    def panel() -> None:
        with plain_errors():
            told = [_stands(run) for run in resources.supervisor().active()]
            if not any(told):
                st.caption("No job under way has units.")

    panel()


def _stands(run: Run) -> bool:
    """How the units of a run under way stand; False where it has none."""
    now = units.standing(run.folder)
    if now is None:
        return False
    with st.container(border=True):
        links.to_run(run.id, charts.plain(run.name or run.id))
        done, running, waiting = (len(now.of(s)) for s in ("done", "running", "waiting"))
        charts.metrics(
            [
                ("Done", f"{done} of {len(now.units)}", "Units whose file is there"),
                ("At work", f"{running}", "Units that a process works on just now"),
                ("Waiting", f"{waiting}", "Units that were not begun yet"),
                ("Lost", f"{now.lost}", "Times that a unit's process or computer died"),
                ("Repeated", f"{now.repeated}", "Units that were begun again"),
            ]
        )
        rows = [(u.name, u.node, f"{u.fraction:.0%}", u.message) for u in now.of("running")]
        if rows:
            frame = pd.DataFrame(rows, columns=["unit", "computer", "done", "what"])
            st.dataframe(frame, hide_index=True, alt="Units at work")
        _nodes(now)
    return True


def _nodes(now: Standing) -> None:
    if not now.nodes:
        st.caption(now.engine)
        return
    rows = [
        (n.name, "there" if n.alive else "gone", n.cores, n.gpus, n.memory / 2**30)
        for n in now.nodes
    ]
    frame = pd.DataFrame(rows, columns=["computer", "state", "cores", "GPUs", "GB of memory"])
    numbers = {"GB of memory": st.column_config.NumberColumn(format="%.1f")}
    st.dataframe(frame, hide_index=True, column_config=numbers, alt="Computers of the cluster")


def _ended() -> None:
    st.subheader("Before", anchor=False)
    frame = _costs(str(settings().runs), len(runs.folders(settings().runs)))
    if frame.empty:
        st.caption("No ended job had units.")
        return
    st.dataframe(
        frame,
        hide_index=True,
        column_config={"s a unit (median)": st.column_config.NumberColumn(format="%.1f")},
        alt="Units of ended jobs: how many, how long, how often lost",
    )
    charts.csv(frame, "units")


@st.cache_data(ttl=30, max_entries=2, show_spinner=False)
def _costs(folder: str, count: int) -> pd.DataFrame:
    """What the units of the newest ended runs took."""
    rows = []
    for path in reversed(runs.folders(settings().runs)):
        now = units.standing(path)
        if now is None:
            continue
        try:
            run = runs.read(path)
        except UserError:
            continue
        if run.state.ended:
            seconds = pd.Series(
                [u.seconds for u in now.units if u.seconds is not None], dtype=float
            )
            name = run.name or run.id
            done = f"{len(seconds)} of {len(now.units)}"
            rows.append((name, now.engine, done, seconds.median(), now.lost, now.repeated))
        if len(rows) == RECENT:
            break
    columns = ["run", "where", "units", "s a unit (median)", "lost", "repeated"]
    return pd.DataFrame(rows, columns=columns)


show()
