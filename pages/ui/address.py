"""The browser's address: it follows what is shown, so that it can be kept and shared.

Streamlit itself would add a step to the browser's history for each change, and Back would lead from
a page to the same page. A script in the page replaces the step instead.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import streamlit as st

PAGE, HEEDED, SHOWN, WISHED = (
    *("address_page", "address_heeded"),
    *("address_shown", "address_wished"),
)
SCRIPT = """
export default function ({ data }) {
  const url = new URL(window.location.href);
  for (const [name, value] of Object.entries(data)) 
    if (value) url.searchParams.set(name, value);
    else url.searchParams.delete(name);
  if (url.href !== window.location.href) window.history.replaceState({}, "", url);
}
"""


def arrive(page: str) -> None:
    """Note which page is built: another one heeds its address anew, and forgets the choice of run
    made on the one before."""
    if st.session_state.get(PAGE) != page:
        for name in (HEEDED, SHOWN, "run"):
            st.session_state.pop(name, None)
        st.session_state[PAGE] = page


def asked(name: str) -> str:
    """What the address asks for, where that is new: neither heeded before nor put there by
    `follow`; else ""."""
    value = st.query_params.get(name, "")
    heeded, shown = _kept(HEEDED), _kept(SHOWN)
    if not value or value in (heeded.get(name), shown.get(name)):
        return ""
    heeded[name] = value
    return str(value)


def shown(name: str) -> str:
    """What `follow` put into the address last, "" where nothing."""
    return str(_kept(SHOWN).get(name, ""))


def follow(name: str, value: str) -> None:
    """Let the address name what is shown, once the page is built."""
    _kept(SHOWN)[name] = _kept(WISHED)[name] = value


def settle() -> None:
    """Put into the address what the page has asked for; on another page anew, though it be the
    same."""
    wished = st.session_state.pop(WISHED, {})
    if wished:
        _component()(key=f"address-{st.session_state.get(PAGE, '')}", data=wished)


@cache
def _component() -> Callable[..., Any]:
    return st.components.v2.component("distillery_address", js=SCRIPT)


def _kept(place: str) -> dict[str, Any]:
    found: dict[str, Any] = st.session_state.setdefault(place, {})
    return found
