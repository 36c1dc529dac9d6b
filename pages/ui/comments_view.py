"""Comments on a run, below what it gave."""

import streamlit as st

from backend.access import accounts
from backend.actions import work
from backend.core import comments
from backend.core.runs import Run
from backend.records import UserError
from backend.settings import settings
from pages.ui import charts, identity


def show(run: Run) -> None:
    """What was said about it, and a field to say more."""
    found = comments.of(run.folder)
    count = f" ({len(found)})" if found else ""
    with st.expander(f"Comments{count}", icon=":material/comment:", key=f"comments-{run.id}"):
        for one in found:
            when = one.time[:16].replace("T", " ")
            st.markdown(f"**{charts.plain(one.who)}** · {when} UTC  \n{charts.plain(one.words)}")
        if not found:
            st.caption("Nobody said anything yet.")
        if identity.may("work.comment"):
            _ask(run)


def _ask(run: Run) -> None:
    if identity.account() is None:
        identity.ask(f"who-says-{run.id}")
    with st.form(f"comment-{run.id}", clear_on_submit=True, border=False):
        words = st.text_area(
            "Your comment",
            max_chars=comments.LONGEST,
            placeholder="@name shows it to that person on the overview",
        )
        if st.form_submit_button("Comment", icon=":material/send:"):
            try:
                names = [one.name for one in accounts.everybody(settings().storage)]
                work.comment(identity.actor(), settings(), run.id, str(words), names)
            except UserError as error:
                st.error(charts.plain(str(error)), icon=":material/error:")
            else:
                st.rerun()
