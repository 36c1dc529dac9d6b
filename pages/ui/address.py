"""The browser's address: it follows what is shown, so that it can be kept and shared.

Streamlit itself would add a step to the browser's history for each change, and Back would lead from
a page to the same page, or for none, and Back would leave a page that one reads on in. A script in
the page does what each change asks for. It keeps for the next visit, too, what was looked at last.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import streamlit as st

PAGE, HEEDED, SHOWN, WISHED, KEPT = (
    *("address_page", "address_heeded", "address_shown", "address_wished", "address_kept"),
)
TURN = "address_turn"
COOKIE = "distillery_last_"
SCRIPT = """
let stepped = false;  // Back or Forward is the last that the reader did
addEventListener("popstate", () => { stepped = true; });
for (const act of ["click", "keydown"])
  addEventListener(act, () => { stepped = false; }, true);

export default function ({ data }) {
  const url = new URL(window.location.href);
  for (const [name, value] of Object.entries(data.wished))
    if (value) url.searchParams.set(name, value);
    else url.searchParams.delete(name);
  const change = data.turn ? "pushState" : "replaceState";
  const late = data.turn && stepped;  // of a page that the reader has left meanwhile
  if (url.href !== window.location.href && !late) window.history[change]({}, "", url);
  const safe = url.protocol === "https:" ? "; Secure" : "";
  for (const [name, value] of Object.entries(data.kept))
    document.cookie = `${name}=${encodeURIComponent(value)}; path=/; SameSite=Lax${safe}; max-age=`
      + (value ? 31536000 : 0);
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


def follow(name: str, value: str, turn: bool = False) -> None:
    """Let the address name what is shown, once the page is built. turn: what is shown is a page of
    its own to who reads it, and Back leads to the one before."""
    if turn and _kept(SHOWN).get(name, value) != value:
        st.session_state[TURN] = True
    _kept(SHOWN)[name] = _kept(WISHED)[name] = value


def keep(name: str, value: str) -> None:
    """Keep in this browser, for a year, what was looked at last; "": nothing."""
    _kept(KEPT)[COOKIE + name] = value


def last(name: str) -> str:
    """What was kept when this window was opened, "" where nothing."""
    return str(st.context.cookies.get(COOKIE + name, ""))


def settle() -> None:
    """Put into the address what the page has asked for; on another page anew, though it be the
    same."""
    found = {
        n: st.session_state.pop(place, {}) for n, place in (("wished", WISHED), ("kept", KEPT))
    }
    if found["wished"] or found["kept"]:
        data = found | {"turn": st.session_state.pop(TURN, False)}
        _component()(key=f"address-{st.session_state.get(PAGE, '')}", data=data)


@cache
def _component() -> Callable[..., Any]:
    return st.components.v2.component("distillery_address", js=SCRIPT)


def _kept(place: str) -> dict[str, Any]:
    found: dict[str, Any] = st.session_state.setdefault(place, {})
    return found
