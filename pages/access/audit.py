"""Audit log: who did what, from where, and whether the journal is whole."""

import pandas as pd
import streamlit as st

from backend.core import audit, chain
from backend.settings import settings
from backend.wording import counted
from pages.ui import charts, identity
from pages.ui.layout import header

NAMES = {"time": "when (UTC)", "actor": "who", "way": "by", "what": "what", "about": "about"}
NAMES |= {"detail": "more", "address": "from", "action": "as the file says it"}
SHOWN = 500


def show() -> None:
    header(
        "Audit log",
        "Every change, sign-in and refusal to sign in, newest first. Find who did what, and "
        "check that no line was changed or taken out.",
    )
    identity.check_admin()
    lines = audit.newest(settings().storage, count=10**9, whole=True)
    if not lines:
        st.info("Nothing was changed yet. The first change stands here.", icon=":material/info:")
        return
    frame = pd.DataFrame(lines)
    frame["time"] = frame["time"].str[:19].str.replace("T", " ")
    frame["what"] = frame["action"].map(audit.said)
    frame = frame[list(NAMES)]
    found = _filtered(frame).rename(columns=NAMES)
    shown = f", the newest {SHOWN} shown" if len(found) > SHOWN else ""
    st.caption(f"{len(found):,} of {counted(len(frame), 'line')}{shown}")
    st.dataframe(found.head(SHOWN), hide_index=True, alt="Who did what")
    charts.csv(found, "audit-log")
    _wholeness()


def _filtered(frame: pd.DataFrame) -> pd.DataFrame:
    """The lines that fit what is chosen; every filter left empty lets all through."""
    who, what, words = st.columns(3)
    people = who.multiselect("Who", sorted(frame["actor"].unique()), placeholder="everybody")
    actions = what.multiselect("What", sorted(frame["what"].unique()), placeholder="everything")
    text = words.text_input("Words", placeholder="a run, an address …").strip().lower()
    fits = pd.Series(True, index=frame.index)
    if people:
        fits &= frame["actor"].isin(people)
    if actions:
        fits &= frame["what"].isin(actions)
    if text:
        told = frame.agg(" ".join, axis=1).str.lower()
        fits &= told.str.contains(text, regex=False)
    return frame[fits]


def _wholeness() -> None:
    st.subheader("Is it whole?", anchor=False)
    st.markdown(
        "Each line bears a hash of the one before, so that a line changed or taken out is seen. "
        "Lines cut off at the end are not: press Check now and then, and keep the hash that it "
        "shows elsewhere."
    )
    before = st.text_input("A hash kept elsewhere", placeholder="may stay empty").strip()
    if st.button("Check", icon=":material/fact_check:"):
        found = chain.verify(settings().storage / audit.JOURNAL, before)
        for problem in found.problems[:20]:
            st.error(problem, icon=":material/error:")
        if not found.problems:
            st.success(f"{counted(found.lines, 'line')}, none changed or taken out.")
        st.code(found.newest or "no hash yet", language=None)


show()
