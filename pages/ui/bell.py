"""How many notices somebody at this browser has not read, beside the work in the sidebar."""

import streamlit as st

from backend.access import accounts
from backend.notices import box
from backend.notices.box import Notice
from backend.settings import settings
from pages.ui import identity, links, project


def person() -> str:
    """Whose reading it is: the account's, or everybody's where nobody signs in."""
    found = identity.account()
    return accounts.key(found.name) if found else ""


def is_for(notice: Notice) -> bool:
    """Is it about something that who looks may see?"""
    return notice.project in project.seen()


def ring() -> None:
    """A link to the notices, where some are new."""
    if not box.there(settings().storage):
        return
    count = sum(is_for(one) for one in box.unread(settings().storage, person()))
    if count:
        words = "1 new notice" if count == 1 else f"{count} new notices"
        st.page_link(links.NOTICES, label=words, icon=":material/notifications_active:")
