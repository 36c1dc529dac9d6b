"""A candidate beside a line: started and stopped, and what both said of the same parts."""

from pathlib import Path

import pandas as pd
import streamlit as st

from backend.actions import lines
from backend.line import control, versions, watch
from backend.line.shadow import candidate, compared
from backend.line.shadow.candidate import Candidate, Status
from backend.plots import line as line_plots
from backend.records import RunState
from backend.settings import settings
from backend.wording import counted
from pages.ui import charts, identity, line_view, links, resources, run_choice
from pages.ui.layout import plain_errors

PAGE = 8  # pictures at a time
CROP = 160  # px, such that a phone shows two side by side
MOST = 2000  # parts that can be paged through


def show(name: str, home: Path) -> None:
    """What runs, and what came out."""
    status = watch.status(home)
    if status is not None and status.alive:
        _asked(home, status.run)
    else:
        st.info(
            f"The line {charts.plain(name)} does not run, so no candidate can run beside it. Start "
            "it first; what earlier candidates said stands below.",
            icon=":material/pause_circle:",
        )
        links.to_kind("line", "Start the line", status.run if status else "")
    _compared(name, home)


def _asked(home: Path, run: str) -> None:
    """Start a candidate, or end the one that runs."""
    now = candidate.asked(home)
    if now and now.run == run and now.package_run:

        @st.fragment(run_every="2s")
        def panel() -> None:
            with plain_errors():
                _state(home, now)

        panel()
        barred = not identity.may("lines.shadow")
        if st.button("End this shadow", icon=":material/stop_circle:", disabled=barred):
            lines.shadow(identity.actor(), home, Candidate(run, ""))
            st.rerun()
        return
    if not identity.may("lines.shadow"):
        st.info("No candidate runs beside this line. An engineer can start one.")
        return
    st.markdown(
        "No candidate runs beside this line. Choose one: it judges the same parts from the next "
        "one on, at a lower priority and in a process of its own. No machine hears of it."
    )
    _form(home, run)


def _form(home: Path, run: str) -> None:
    packages = run_choice.ended("package", RunState.COMPLETED)
    known = run_choice.ended("threshold", RunState.COMPLETED)
    active = control.wish(home)
    judging = active.package_run if active else ""
    place = list(packages).index(judging) if judging in packages else 0
    package = st.selectbox(
        "Package", list(packages), place, format_func=packages.__getitem__, key=f"shadow-of-{run}"
    )
    if package is None:
        return
    offered = {versions.OWN: "the package's own"} | {
        run_id: known[run_id] for run_id in versions.fitting(settings().runs, package, known)
    }
    limits = st.selectbox(
        "Limits", list(offered), format_func=offered.__getitem__, key=f"shadow-limits-{package}"
    )
    if st.button("Let it judge beside the line", type="primary", icon=":material/play_arrow:"):
        with plain_errors():
            lines.shadow(identity.actor(), home, Candidate(run, package, str(limits)))
            st.rerun()


def _state(home: Path, asked: Candidate) -> None:
    """How the candidate is doing."""
    told = candidate.status(home)
    mine = told and (told.run, told.package_run, told.threshold_run) == (
        *(asked.run, asked.package_run, asked.threshold_run),
    )
    if told is None or not mine:
        st.info("The candidate is starting …", icon=":material/hourglass_top:")
    elif told.trouble:
        st.error(charts.plain(told.trouble), icon=":material/error:")
    else:
        st.success("A candidate judges beside this line.", icon=":material/contrast:")
    if told is not None and mine:
        _figures(told)


def _figures(told: Status) -> None:
    tiles = [
        ("Parts offered", f"{told.offered:,}", "Since the candidate began"),
        ("Judged by it", f"{told.judged:,}", ""),
        ("Dropped", f"{told.dropped:,}", "It was too slow for these, or did not run: none waited"),
    ]
    times = (
        ("Candidate", told.p50_ms, told.p99_ms),
        ("Line", told.active_p50_ms, told.active_p99_ms),
    )
    tiles += [
        (f"{who}, a part", f"{p50:.1f} ms", f"Median of judging alone; 99 of 100 within {p99:.1f}")
        for who, p50, p99 in times
        if p50 is not None
    ]
    charts.metrics(tiles)


def _compared(name: str, home: Path) -> None:
    """What a candidate said beside the line, of the parts that both judged."""
    found = compared.candidates(resources.store(), name)
    if found.empty:
        st.caption("No candidate has judged a part of this line yet.")
        return
    words = {
        config: f"package {package}, limits version {version}, {counted(n, 'part')}"
        for config, package, version, n in found[
            ["config", "package", "thresholds", "parts"]
        ].itertuples(index=False, name=None)
    }
    config = str(
        st.selectbox("Candidate", list(words), format_func=words.__getitem__, key=f"cand-{name}")
    )
    counts = compared.table(resources.store(), name, config)
    agree = compared.agreement(counts)
    share, differ = agree.same / agree.parts, agree.parts - agree.same
    st.markdown(
        f"Both say the same of **{share:.1%}** of {counted(agree.parts, 'part')} "
        f"[{agree.low:.1%}, {agree.high:.1%}]; of {counted(differ, 'part')} they do not."
    )
    charts.figure(
        line_plots.both_verdicts(counts),
        counts,
        f"agreement-{name}-{config}",
        "Parts by what the line said and what the candidate said",
    )
    _parts(name, home, compared.parts(resources.store(), name, config, MOST))


def _parts(name: str, home: Path, rows: pd.DataFrame) -> None:
    """Pictures, those of which they say different things first."""
    st.markdown("#### Parts, those that differ first")
    pages = -(-len(rows) // PAGE)
    page = st.pagination(pages) if pages > 1 else 1
    some = rows.iloc[(page - 1) * PAGE : page * PAGE]
    with st.container(horizontal=True):
        for _, row in some.iterrows():
            with st.container(width=CROP):
                _part(home, row)
    charts.csv(rows, f"shadow-{name}")


def _part(home: Path, row: pd.Series) -> None:
    """One part with both verdicts."""
    picture = watch.picture(home, str(row["picture"])) if row["picture"] else None
    if picture is not None:
        st.image(picture, width=CROP)
    else:
        st.caption("No picture was kept of this part.")
    st.markdown(charts.plain(f"{row['feature']} {row['serial']}".strip() or f"{row['sequence']}"))
    for who, verdict, score in (
        ("Line", row["active"], row["active_score"]),
        ("Candidate", row["verdict"], row["score"]),
    ):
        told = "" if pd.isna(score) else f" · {score:.2f}"
        st.caption(f"{who} {line_view.BADGES[verdict]}{told}")
