"""The versions of a model's thresholds: which one is in force, and how another one gets there."""

from typing import Any

import pandas as pd
import streamlit as st

from backend.actions import results
from backend.core import runs
from backend.core.runs import Run
from backend.deployment import in_force
from backend.inspection.parts import lookalikes
from backend.inspection.threshold import active, misses
from backend.inspection.threshold.active import Activation
from backend.inspection.threshold.spec import Result, Spec
from backend.records import UserError
from backend.settings import settings
from pages.ui import charts, identity, links, packages_in_force


def standing(run: Run) -> None:
    """Is this version in force, or which one is?"""
    found = active.current(settings().storage, run.project)
    packages_in_force.outdated(in_force.ANOMALY, run.project)
    if found is None:
        st.info(
            "No limits are in force yet: a package gives scores, but no verdicts, unless a line is "
            "told to judge by a version. An admin puts one in force.",
            icon=":material/toggle_off:",
        )
    elif found.run_id == run.id:
        st.success(f"This version is in force {_since(found)}.", icon=":material/check_circle:")
    elif not (settings().runs / found.run_id).is_dir():
        st.warning(
            f"The run of the threshold in force, {found.run_id}, is gone. Bring it back from the "
            "trash (Storage), or put another version in force below.",
            icon=":material/link_off:",
        )
    else:
        other = "" if found.inspect_run == runs.spec(run, Spec).inspect_run else " of another model"
        st.info(
            f"Version {found.version}{other} is in force {_since(found)}.",
            icon=":material/toggle_on:",
        )
        links.to_kind("threshold", "Open the version in force", found.run_id)


def _since(found: Activation) -> str:
    why = f": {charts.plain(found.why)}" if found.why else ""
    return f"since {found.time[:16].replace('T', ' ')} UTC, set by {charts.plain(found.who)}{why}"


def alarm(run: Run) -> bool:
    """Says in red that the version misses a third or more of the known BAD parts; does it?"""
    words = misses.misses(run.folder)
    if words:
        st.error(charts.plain(words), icon=":material/error:")
    return bool(words)


def missed_tile(run: Run) -> tuple[str, str]:
    """The known BAD parts of all types that the version misses as a figure, and what it means."""
    meaning = "Known BAD parts that are called GOOD, and the interval of their share"
    found = misses.missed(run.folder)
    if not found:
        return "–", "No BAD part is known"
    one = found[0]
    count = one.count.replace(" of ", "/")  # as wide as a tile
    return f"{count} [{one.low:.0%}, {one.high:.0%}]", meaning


def _missed(run: Run) -> str:
    """`5 of 20`, or a dash where no BAD part is known."""
    try:
        found = misses.missed(run.folder)
    except UserError:  # a damaged run among others
        return "–"
    return found[0].count if found else "–"


def activate(run: Run) -> None:
    """Put this version in force, after a second look."""
    found = active.current(settings().storage, run.project)
    if found and found.run_id == run.id:
        return
    st.subheader("Put in force", anchor=False)
    result = runs.result(run, Result)
    if not result.ready:
        st.info(
            "No feature type of this version has a limit, so it cannot be put in force. Bring more "
            "GOOD parts, or allow more false alarms, and make limits again."
        )
        return
    if not identity.may("results.put_in_force"):
        st.info("Only an admin puts limits in force.")
        return
    left, right = st.columns(2)
    with left:
        who = identity.ask(f"who-{run.id}")
    why = right.text_input("Why", key=f"why-{run.id}", placeholder="for those who ask later")
    version = result.version
    instead = f" instead of version {found.version}" if found else ""
    many = alarm(run)
    accepted = many and st.checkbox(
        "I accept that it misses so many BAD parts", key=f"accept-{run.id}"
    )
    key = _question(run, found)
    sure = st.checkbox(f"Use version {version}{instead} from now on", key=key)
    ready = sure and (accepted or not many) and bool(who)
    if st.button("Put in force", type="primary", icon=":material/gavel:", disabled=not ready):
        results.put_in_force(identity.actor(), settings(), run, why, accepted)
        st.toast(f"Version {version} is in force.")
        st.rerun()


def _question(run: Run, found: Activation | None) -> str:
    """The key of the second look: another one, so unticked, once somebody chose in between."""
    key = f"sure-{run.id}-{found.run_id}" if found else f"sure-{run.id}"
    before = st.session_state.get(f"asked-{run.id}", key)
    if found and before != key and st.session_state.get(before):
        st.warning(
            f"Version {found.version} was put in force meanwhile, by {charts.plain(found.who)}. "
            "Tick again if yours is to replace it.",
            icon=":material/group:",
        )
    st.session_state[f"asked-{run.id}"] = key
    return key


def versions(run: Run) -> None:
    """Every version of this model, and every choice made so far."""
    st.subheader("Versions", anchor=False)
    journal = active.history(settings().storage, run.project)
    in_force = journal[-1].run_id if journal else ""
    model = runs.spec(run, Spec).inspect_run
    found = [
        _version(one, one.id == in_force, one.id == run.id)
        for one in runs.readable(settings().runs.glob("*-threshold-*"))
        if one.project == run.project and one.result
        if runs.spec(one, Spec).inspect_run == model
    ]
    frame = pd.DataFrame(found).sort_values("version", ascending=False)
    st.dataframe(frame, hide_index=True, alt="Versions of the thresholds of this model")
    charts.csv(frame, f"threshold-versions-{run.id}")
    st.caption(
        "To go back, choose the former version above and put it in force. A program on the line "
        "reads the version's thresholds.json."
    )
    with (run.folder / active.FILE).open("rb") as file:
        st.download_button(
            "thresholds.json",
            file,
            file_name=f"thresholds-v{runs.result(run, Result).version}.json",
            icon=":material/download:",
            key=f"json-{run.id}",
        )
    if journal:
        rows = [
            {
                "when (UTC)": one.time[:16].replace("T", " "),
                "version": one.version,
                "who": one.who,
                "why": one.why,
                "in spite of": " ".join((one.misses, one.lookalikes)).strip(),
                "run": one.run_id,
            }
            for one in reversed(journal)
        ]
        with st.expander(f"Who chose what, {len(rows)} entries", icon=":material/history:"):
            chosen = pd.DataFrame(rows)
            st.dataframe(chosen, hide_index=True, alt="Who chose which version, and why")
            charts.csv(chosen, f"thresholds-chosen-{run.id}")


def _version(one: Run, in_force: bool, shown: bool) -> dict[str, Any]:
    result = runs.result(one, Result)
    return {
        "version": result.version,
        "made (UTC)": f"{one.created:%Y-%m-%d %H:%M}",
        "method": result.method,
        "promise": _promise(result),
        "false alarms": "–" if promises_nothing(result) else f"≤ {result.alarm_rate:.1%}",
        "types": len(result.ready),
        "BAD missed": _missed(one),
        "beware": lookalikes.warning(one.folder),
        "": " · ".join(
            word for word, true in (("in force", in_force), ("shown here", shown)) if true
        ),
    }


def promises_nothing(result: Result) -> bool:
    """Has a version no limit but those chosen by hand?"""
    return set(result.ready) <= set(result.by_hand)


def _promise(result: Result) -> str:
    """What stands behind a version's limits."""
    by_hand = result.by_hand
    if promises_nothing(result):
        return "none: by hand" if by_hand else "none: no type has a limit"
    return f"{result.promise}; by hand: {', '.join(by_hand)}" if by_hand else result.promise
