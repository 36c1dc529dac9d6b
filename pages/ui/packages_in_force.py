"""Which package is on the line, and how another one gets there, or the former one back."""

import pandas as pd
import streamlit as st

from backend.actions import results
from backend.core.runs import Run
from backend.deployment import in_force
from backend.deployment.gate.spec import Result
from backend.deployment.in_force import Activation
from backend.records import UserError
from backend.settings import settings
from pages.ui import charts, identity, links


def standing(run: Run, result: Result) -> None:
    """Is a variant of this run on the line, or which package is?"""
    found = in_force.current(settings().storage, result.kind, run.project)
    if found is None:
        st.info(
            "No package of this kind is in force yet. One that passed the gate can be put in force "
            "below, by an admin.",
            icon=":material/toggle_off:",
        )
        return
    told = charts.plain(f"{found.variant} of {found.package_run}{_since(found)}")
    if found.gate_run == run.id:
        st.success(f"In force: {told}.", icon=":material/check_circle:")
    else:
        st.info(f"Another package is in force: {told}.", icon=":material/toggle_on:")
        if (settings().runs / found.gate_run).is_dir():
            links.to_kind("gate", "Open the verdict by which it passed", found.gate_run)
    outdated(result.kind, run.project)


def outdated(kind: str, project: str) -> None:
    """Says that other limits are in force than the package on the line of a project carries."""
    found = in_force.current(settings().storage, kind, project)
    if found and (words := in_force.outdated(settings().storage, found)):
        st.warning(charts.plain(words), icon=":material/sync_problem:")


def _since(found: Activation) -> str:
    limits = f" with limits version {found.threshold}" if found.threshold is not None else ""
    why = f" ({found.why})" if found.why else ""
    return f"{limits}, since {found.time[:16].replace('T', ' ')} UTC, by {found.who}{why}"


def choose(run: Run, result: Result) -> None:
    """Put a variant that passed in force, after a second look, or go back to the former package."""
    if not result.passed:
        st.info(
            "Nothing of this package passed, so nothing can be put in force. The reasons stand "
            "above: pack a better model, or change the settings and judge again."
        )
    before = in_force.previous(settings().storage, result.kind, run.project)
    if not result.passed and before is None:
        return
    if not identity.may("results.put_package_in_force"):
        st.info("Only an admin puts packages in force.")
        return
    left, right = st.columns(2)
    with left:
        who = identity.ask(f"who-{run.id}")
    why = right.text_input("Why", key=f"why-{run.id}", placeholder="for those who ask later")
    if result.passed:
        _activate(run, result, who, why)
    if before is not None:
        _roll_back(before, who, why)


def _activate(run: Run, result: Result, who: str, why: str) -> None:
    at = result.passed.index(result.fastest)
    variant = st.radio("Variant", result.passed, index=at, horizontal=True, key=f"v-{run.id}")
    sure = st.checkbox(f"Use {variant} of this package from now on", key=f"sure-{run.id}")
    ready = bool(sure and who)
    if st.button("Put in force", type="primary", icon=":material/gavel:", disabled=not ready):
        try:
            results.put_package_in_force(identity.actor(), settings(), run, variant, why)
        except UserError as error:
            st.error(charts.plain(str(error)), icon=":material/error:")
        else:
            st.toast(f"{variant} is in force.")
            st.rerun()


def _roll_back(before: Activation, who: str, why: str) -> None:
    told = f"{before.variant} of {before.package_run}"
    label = f"Go back to {told}"
    if st.button(label, icon=":material/undo:", disabled=not who, help=_since(before).strip(", ")):
        try:
            results.roll_back_package(
                identity.actor(), settings(), before.kind, why, before.project
            )
        except UserError as error:
            st.error(charts.plain(str(error)), icon=":material/error:")
        else:
            st.toast(f"{told} is in force again.")
            st.rerun()


def history(run: Run, result: Result) -> None:
    """Who put which package in force, newest first."""
    found = in_force.history(settings().storage, result.kind, run.project)
    if not found:
        return
    rows = [
        {
            "when (UTC)": one.time[:16].replace("T", " "),
            "variant": one.variant,
            "package": one.package_run,
            "limits": "–" if one.threshold is None else str(one.threshold),
            "who": one.who,
            "why": one.why,
        }
        for one in reversed(found)
    ]
    words = f"Who put what in force, {len(rows)} entries"
    with st.expander(words, icon=":material/history:"):
        frame = pd.DataFrame(rows)
        st.dataframe(frame, hide_index=True, alt="Packages that were put in force")
        charts.csv(frame, f"in-force-{run.id}")
