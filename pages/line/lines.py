"""Lines: start one, see how each is doing, stop it."""

from dataclasses import replace

import streamlit as st

from backend.actions import lines, work
from backend.core import carrying, runs, specs
from backend.core.runs import Run
from backend.line import control, report, watch
from backend.line.control import Wish
from backend.line.spec import Result, Spec
from backend.records import RunState
from backend.settings import settings
from pages.ui import caveats, charts, identity, line_view, links, resources, run_choice
from pages.ui.run_view import kind_page


def show(run: Run) -> None:
    """A line that came to its end."""
    result = runs.result(run, Result)
    st.markdown(f"This line came to its end. {line_view.told(run.name)}")
    caveats.noted(result.notes)
    found = vars(result)
    line_view.counts(result.accepted, found, (result.p50_ms, None, result.p99_ms))
    line_view.to_live(run.name)


def running(run: Run) -> None:
    """A line that is at work, every two seconds anew; its button to stop it."""

    @st.fragment(run_every="2s")
    def panel() -> None:
        if resources.supervisor().find(run.id).state.ended:
            st.rerun()
        status = watch.status(report.home(settings().storage, run.name))
        if status is None or status.run != run.id:
            st.info("The line is starting …", icon=":material/hourglass_top:")
        else:
            line_view.state(status)

    panel()
    line_view.to_live(run.name)
    with st.container(horizontal=True):
        _change(run)
        _stop(run)


def _parts_of_package(form: str) -> None:
    """Choose the parts that the newest package was made from, until others are chosen."""
    field = f"{form}-parts_run"
    if not form.startswith("form-") or field in st.session_state:
        return
    offered = {p.name: run_choice.candidates(p).words for p in specs.params(Spec) if p.required}
    for newest in list(offered["package_run"])[:1]:
        parts = carrying.carried("line", resources.supervisor().find(newest)).get("parts_run")
        if parts in offered["parts_run"]:
            st.session_state[field] = parts


def _change(run: Run) -> None:
    """Another package or other limits, from the next part on."""
    home = report.home(settings().storage, run.name)
    asked = control.wish(home)
    if asked is None or asked.run != run.id or not identity.may("lines.change"):
        return
    with st.popover("Change what judges", icon=":material/swap_horiz:"):
        st.markdown("From the next part on, without a stop. A package is tested first.")
        packages = run_choice.ended("package", RunState.COMPLETED)
        limits = {"": "the package's own", **run_choice.ended("threshold", RunState.COMPLETED)}
        package = _picked("Package", packages, asked.package_run, f"package-{run.id}")
        threshold = _picked("Limits", limits, asked.threshold_run, f"limits-{run.id}")
        if st.button("Judge with these", type="primary", key=f"change-{run.id}"):
            wanted = Wish(run.id, package, threshold, asked.golden)
            lines.change(identity.actor(), home, wanted)
            st.toast("The line takes them with its next part.", icon=":material/check:")
        if st.button("Test the golden parts now", key=f"golden-{run.id}"):
            lines.change(identity.actor(), home, replace(asked, golden=asked.golden + 1))


def _picked(label: str, options: dict[str, str], now: str, key: str) -> str:
    names = list(options)
    place = names.index(now) if now in names else 0
    return str(st.selectbox(label, names, place, format_func=options.__getitem__, key=key))


def _stop(run: Run) -> None:
    stopping = (run.folder / "cancel").exists()
    barred = stopping or not identity.may("work.cancel")
    with st.popover("Stop this line", icon=":material/stop_circle:", disabled=barred):
        st.markdown(
            "It judges what it has taken in, and takes in nothing more: parts that come then pass "
            "without being inspected."
        )
        if st.button("Stop it now", type="primary", key=f"stop-{run.id}"):
            work.cancel(identity.actor(), resources.supervisor(), run.id)
            st.rerun()
    if stopping:
        st.caption(charts.plain("Stopping: what it has taken in is still judged."))


if not resources.store().runs("package", "completed", 1).size:
    st.info(
        "A line needs a package, which judges its parts. Make one first:",
        icon=":material/arrow_back:",
    )
    links.to_kind("package")
kind_page(
    "line",
    "A line takes parts in one by one, judges each with a package, and tells machines. Give it a "
    "name in small letters; started again under that name it goes on where it was.",
    show,
    _parts_of_package,
    running=running,
)
line_view.every()
