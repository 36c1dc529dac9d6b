"""Who is at this browser: who signed in, or where nobody has to, whoever typed a name."""

import streamlit as st

from backend.access import accounts, database, rights, sessions
from backend.access.accounts import Account
from backend.access.rights import Role
from backend.core.audit import Actor, Way
from backend.records import UserError
from backend.settings import settings

NAME, ROLE = "name-typed-here", "role-here"


def look() -> None:
    """Who is here, looked up once for all that a page asks `may`; at each run of app.py.

    A change closes the page's websocket (access/guard.py), and each action asks anew.
    """
    st.session_state[ROLE] = actor().role


def account() -> Account | None:
    """Who signed in at this browser; None where nobody has to, or the session ended."""
    storage = settings().storage
    if not database.there(storage):
        return None
    token = str(st.context.cookies.get(sessions.cookie(database.installation(storage)), ""))
    with database.reading(storage) as db:
        return sessions.whose(db, token, sessions.lifetime(settings()))


def actor() -> Actor:
    """Who asks for a change on a page: the account's owner, or the name last typed in this browser
    where nobody has to sign in."""
    if found := account():
        return Actor(found.name, Way.PAGE, found.role, str(st.context.ip_address or ""))
    return Actor(st.session_state.get(NAME, ""), Way.PAGE, _without_account())


def may(action: str) -> bool:
    """Whether who is at this browser may do it; a page hides what they may not."""
    return rights.may(_role(), action)


def is_admin() -> bool:
    """Whether who is at this browser looks after people, or nobody has to sign in."""
    return _role() is Role.ADMIN


def check_admin() -> None:
    """Raises UserError on a page that is for admins alone."""
    if not is_admin():
        raise UserError("This page is for admins. Ask one of them, or for that role.")


def ask(key: str) -> str:
    """The name of who signed in; else a field for it, which the actor bears from then on."""
    if found := account():
        return found.name
    typed = (st.text_input("Who", key=key, placeholder="your name") or "").strip()
    if typed:
        st.session_state[NAME] = typed
    return typed


def _role() -> Role | None:
    if ROLE not in st.session_state:
        look()
    found: Role | None = st.session_state[ROLE]
    return found


def _without_account() -> Role | None:
    return None if accounts.asked_for(settings()) else Role.ADMIN
