"""Who is at this browser: today whoever typed a name, and the one who signed in later."""

import streamlit as st

from backend.core.audit import Actor, Way

NAME = "name-typed-here"


def actor() -> Actor:
    """Who asks for a change on a page, under the name last typed in this browser, if any."""
    return Actor(st.session_state.get(NAME, ""), Way.PAGE)


def ask(key: str) -> str:
    """A field for the name, which the actor bears from then on; "" where it is empty."""
    typed = (st.text_input("Who", key=key, placeholder="your name") or "").strip()
    if typed:
        st.session_state[NAME] = typed
    return typed
