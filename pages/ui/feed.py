"""What colleagues did lately, and who spoke of the one who looks."""

import streamlit as st

from backend.core import audit
from backend.core.audit import Line
from backend.settings import settings
from pages.ui import charts, identity, resources

MOST = 8
OWN_BUSINESS = ("sign in", "sign out", "was refused", "change password", "ask")
PROJECTS = (
    *("add project", "rename project", "change members"),
    *("archive project", "bring back project"),
)


def show() -> None:
    """Nothing where nobody has to sign in: there is no colleague then."""
    me = identity.account()
    if me is None:
        return
    sees = resources.supervisor().sees
    newest = audit.newest(settings().storage, 200)
    no_news = (*OWN_BUSINESS, *PROJECTS)  # a project's name is for who may see it
    lines = [x for x in newest if x.action not in no_news and sees(x.about)]
    of_me = [x for x in lines if x.action == "comment" and me.name in x.detail.split(", ")]
    for line in of_me[:3]:
        words = f"**{charts.plain(line.actor)}** speaks of you: {charts.plain(line.about)}"
        st.page_link(
            "pages/system/runs.py",
            label=words,
            icon=":material/alternate_email:",
            query_params={"run": line.about},
        )
    others = [x for x in lines if x.actor != me.name][:MOST]
    if others:
        with st.expander("What colleagues did lately", icon=":material/group:"):
            st.markdown("\n".join(f"- {_told(line)}" for line in others))


def _told(line: Line) -> str:
    when, about = line.time[5:16].replace("T", " "), line.detail or line.about
    words = f"**{charts.plain(line.actor)}** · {audit.said(line.action)} · {charts.plain(about)}"
    return f"{when} · {words}".rstrip(" ·")
