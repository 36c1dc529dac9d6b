"""The first lines of a result: what came out, and what can be done with it."""

import streamlit as st

from backend.core.runs import Run
from pages.ui import links


def told(words: str, run: Run, *steps: tuple[str, str]) -> None:
    """A sentence on what came out, and links to what is made from it. steps: kind and label."""
    st.markdown(words)
    with st.container(horizontal=True):
        for kind, label in steps:
            links.to_kind(kind, label, source=run.id)
