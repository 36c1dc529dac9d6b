"""People: who has an account, what they may do, and how others come in."""

from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator as Place

from backend.access import accounts, known_as, links
from backend.access.accounts import Account
from backend.access.rights import PURPOSES, Role
from backend.actions import people
from backend.records import UserError
from backend.settings import settings
from pages.ui import charts, identity
from pages.ui.layout import header

LINK = "one-time-link"


def show() -> None:
    header(
        "People",
        "Say who may come in, and what they may do. Invite somebody by a link, change a "
        "role, or take an account out of use.",
    )
    identity.check_admin()
    everybody = accounts.everybody(settings().storage)
    if not everybody:
        _first()
        return
    elsewhere = known_as.everybody(settings().storage)
    table = _table(everybody, elsewhere)
    st.dataframe(table, hide_index=True, alt="Accounts")
    charts.csv(table, "accounts")
    _told_link()
    _invite()
    _invited_already()
    _change(everybody, elsewhere)


def _first() -> None:
    """Nobody has an account: the first one is an admin's."""
    st.info(
        "Nobody has an account: everybody at this computer may do everything. Once there is one, "
        "everybody has to sign in, and the dashboard may be served to others.",
        icon=":material/lock_open:",
    )
    with st.form("first-admin"):
        name = st.text_input("Name of the first admin", max_chars=accounts.LONGEST)
        password = st.text_input("Password, at least 12 characters", type="password")
        again = st.text_input("The same again", type="password")
        if st.form_submit_button("Ask for sign-in from now on", type="primary"):
            _try(lambda: _add_first(name, password, again))


def _add_first(name: str, password: str, again: str) -> str:
    if password != again:
        raise UserError("The two passwords differ.")
    made = people.add(identity.actor(), settings(), name, Role.ADMIN, password)
    return f"{made.name} is an admin. Sign in now: this page closes in a moment."


def _table(everybody: list[Account], elsewhere: set[int]) -> pd.DataFrame:
    rows = [
        {
            "name": one.name,
            "role": one.role.value,
            "may sign in": _state(one, one.id in elsewhere),
            "since (UTC)": one.created[:16].replace("T", " "),
        }
        for one in everybody
    ]
    return pd.DataFrame(rows)


def _state(one: Account, elsewhere: bool) -> str:
    if one.disabled:
        return "no, disabled"
    if elsewhere:
        return "yes, by the plant's sign-in"
    return "yes" if one.has_password else "after choosing a password by the link"


def _told_link() -> None:
    if told := st.session_state.get(LINK):
        words, link = told
        st.success(f"{words} It works once, for seven days, and is not shown again.")
        st.code(link, language=None)


def _keep(words: str, path: str) -> None:
    """The link, to be shown above until another page is opened."""
    here = urlsplit(str(st.context.url or ""))
    st.session_state[LINK] = (words, f"{here.scheme}://{here.netloc}{path}")


def _invite() -> None:
    st.subheader("Invite somebody", anchor=False)
    st.caption(" · ".join(f"{role.value.capitalize()}: {PURPOSES[role]}" for role in Role))
    with st.form("invite", clear_on_submit=True):
        left, right = st.columns(2)
        name = left.text_input("Name", max_chars=accounts.LONGEST)
        role = right.selectbox("Role", [role.value for role in Role], index=1)
        if st.form_submit_button("Make an invitation link", icon=":material/link:"):
            _try(lambda: _invited(name, Role(role)))


def _invited(name: str, role: Role) -> str:
    path = people.invite(identity.actor(), settings(), name, role)
    _keep(f"Give this link to {charts.plain(name)}.", path)
    return ""


def _invited_already() -> None:
    """Invitations that nobody took up, and a way to make one void."""
    waiting = {one.name: one for one in links.invitations(settings().storage)}
    if not waiting:
        return
    st.subheader("Invitations not taken up", anchor=False)
    rows = [
        {
            "name": one.name,
            "role": one.role.value,
            "until (UTC)": f"{datetime.fromtimestamp(one.expires, UTC):%Y-%m-%d %H:%M}",
        }
        for one in waiting.values()
    ]
    st.dataframe(pd.DataFrame(rows), hide_index=True, alt="Invitations that nobody took up yet")
    left, right = st.columns(2, vertical_alignment="bottom")
    name = str(left.selectbox("Invitation of", list(waiting)))
    if right.button("Take this invitation back", icon=":material/link_off:"):
        _try(lambda: _taken_back(name))


def _taken_back(name: str) -> str:
    people.take_back(identity.actor(), settings(), name)
    return f"The invitation of {name} is void."


def _change(everybody: list[Account], elsewhere: set[int]) -> None:
    st.subheader("Change an account", anchor=False)
    by_name = {one.name: one for one in everybody}
    one = by_name[str(st.selectbox("Account", list(by_name)))]
    left, middle, right = st.columns(3, vertical_alignment="bottom")
    if one.id in elsewhere:
        left.markdown(f"Role **{one.role}**: it follows their groups at the plant's sign-in.")
    else:
        _change_role_or_password(one, left, middle)
    _let_in_or_not(one, right)


def _change_role_or_password(one: Account, left: Place, middle: Place) -> None:
    names = [role.value for role in Role]
    role = left.selectbox("Its role", names, names.index(one.role), key=f"role-{one.id}")
    if left.button("Change role", disabled=role == one.role, key=f"change-{one.id}"):
        _try(lambda: _role_changed(one, Role(str(role))))
    sure = middle.checkbox("The old password ends now", key=f"sure-reset-{one.id}")
    if middle.button("Make a link to a new password", disabled=not sure, key=f"reset-{one.id}"):
        _try(lambda: _reset(one))


def _let_in_or_not(one: Account, right: Place) -> None:
    if one.disabled:
        if right.button("Let them in again", key=f"enable-{one.id}"):
            _try(lambda: _enabled(one))
        return
    sure = right.checkbox("Close what is open of theirs", key=f"sure-disable-{one.id}")
    if right.button("Disable", disabled=not sure, icon=":material/block:", key=f"off-{one.id}"):
        _try(lambda: _disabled(one))


def _role_changed(one: Account, role: Role) -> str:
    people.set_role(identity.actor(), settings(), one.name, role)
    return f"{one.name} is {role} now."


def _reset(one: Account) -> str:
    path = people.reset(identity.actor(), settings(), one.name)
    _keep(f"{charts.plain(one.name)} chooses a new password by this link.", path)
    return ""


def _enabled(one: Account) -> str:
    people.enable(identity.actor(), settings(), one.name)
    return f"{one.name} may sign in again."


def _disabled(one: Account) -> str:
    people.disable(identity.actor(), settings(), one.name)
    return f"{one.name} is disabled."


def _try(change: Callable[[], str]) -> None:
    """Make a change, and tell what came of it."""
    st.session_state.pop(LINK, None)
    try:
        told = change()
    except UserError as error:
        st.error(charts.plain(str(error)), icon=":material/error:")
        return
    if told:
        st.toast(charts.plain(told))
    st.rerun()


show()
