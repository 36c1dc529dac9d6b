"""The labels of single parts, corrected by hand: GOOD, BAD, or left out."""

import pandas as pd
import streamlit as st

from backend.actions import results
from backend.core.runs import Run
from backend.images import curation
from backend.inspection.parts import relabelling
from backend.inspection.parts.crops import made_parts
from backend.records import Label
from backend.settings import settings
from pages.ui import address, charts, gallery, identity, links

BUTTONS = {
    Label.GOOD.name: ("It is GOOD", ":material/check:"),
    Label.BAD.name: ("It is BAD", ":material/close:"),
    relabelling.LEFT_OUT: ("Leave it out", ":material/block:"),
    relabelling.AS_MADE: ("As imported", ":material/restart_alt:"),
}


def show(run: Run, asked: str) -> None:
    """One part with its label, and what has been decided so far. asked: the part to begin at."""
    parts = made_parts(run.folder).set_index("part")
    key = f"part-{run.id}"
    if asked in parts.index:
        st.session_state[key] = asked
    part = st.selectbox("Part", list(parts.index), key=key)
    address.follow("image", part)
    left, right = st.columns([1, 2])
    with left, st.container(horizontal=True, key="large-pictures-part-label"):
        picture = gallery.overlaid(run.folder / parts.loc[part, "path"], None, None, 320)
        st.image(picture, width="stretch", alt=f"Part {part}")
    with right:
        _decide(run, str(part), Label(parts.loc[part, "label"]).name)
    _so_far(run)


def _decide(run: Run, part: str, imported: str) -> None:
    now = relabelling.decided(run.folder).get(part, relabelling.AS_MADE)
    told = f", now **{now}**" if now else ""
    st.markdown(f"**{charts.plain(part)}** was imported as **{imported}**{told}.")
    if not identity.may("results.relabel_part"):
        return
    with st.container(horizontal=True):
        for verdict, (words, icon) in BUTTONS.items():
            same = now == verdict or (not now and verdict == imported)
            if st.button(words, icon=icon, disabled=same, key=f"decide-{verdict}"):
                results.relabel_part(identity.actor(), settings(), run, part, verdict)
                st.rerun()
    undo = curation.newest(run.folder)
    if st.button("Undo", icon=":material/undo:", disabled=not undo, help=undo or None):
        results.undo(identity.actor(), settings(), run)
        st.rerun()


def _so_far(run: Run) -> None:
    found = relabelling.decided(run.folder)
    if not found:
        return
    st.caption("Models trained from now on use these labels; earlier ones stay as they are.")
    table = pd.DataFrame(found.items(), columns=["part", "label by hand"])
    st.dataframe(table, hide_index=True, alt="Parts whose label was corrected")
    links.to_kind("inspect", "Train a model with these labels", source=run.id)
