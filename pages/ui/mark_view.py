"""A run's star, tags and note, to see and to change."""

import streamlit as st

from backend.actions import sharing
from backend.core.runs import Run
from backend.settings import settings
from backend.sharing import marks
from backend.sharing.marks import LONGEST_NOTE, Mark
from pages.ui import charts, identity


def offer(run: Run) -> None:
    """A button that unfolds them; the note stands beside it."""
    marked = marks.every(settings().storage)
    mark = marked.get(run.id, marks.NONE)
    icon = ":material/star:" if mark.star else ":material/bookmark:"
    with st.popover("Star, tags, note", icon=icon, key=f"mark-{run.id}"):
        star = st.toggle("Star", mark.star, key=f"star-{run.id}")
        known = sorted({*marks.tags(marked), *mark.tags})
        tags = st.multiselect(
            "Tags",
            known,
            list(mark.tags),
            accept_new_options=True,
            placeholder="product, line, customer …",
            key=f"tags-{run.id}",
        )
        note = st.text_area("Note", mark.note, max_chars=LONGEST_NOTE, key=f"note-{run.id}")
        barred = not identity.may("sharing.mark")
        if st.button("Save", type="primary", key=f"save-mark-{run.id}", disabled=barred):
            changed = Mark(star, tuple(tags), note or "")
            sharing.mark(identity.actor(), settings(), run.id, changed)
            st.rerun()
        if mark.time:
            when = mark.time[:16].replace("T", " ")
            st.caption(f"Last changed by {charts.plain(mark.who)}, {when} UTC.")
    if mark.note:
        st.caption(charts.plain(mark.note))
