"""What surrounds every page: the sidebar's state of work, and errors in plain words."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from backend.records import RunState, UserError
from pages.ui import charts, links, resources

log = logging.getLogger(__name__)


@contextmanager
def plain_errors() -> Iterator[None]:
    """Shows what a person can put right; anything else goes to the server's log."""
    try:
        yield
    except UserError as error:
        st.error(charts.plain(str(error)), icon=":material/error:")
    except Exception as error:
        if type(error).__module__.startswith("streamlit."):
            raise
        log.exception("page failed")
        st.error(
            "This page could not be built. The server's log says why; your data is untouched.",
            icon=":material/error:",
        )


def sidebar() -> None:
    """The product's mark, and what is running now on every page."""
    st.logo(str(links.WORDMARK), icon_image=str(links.ICON), size="large")
    with st.sidebar:
        try:
            active = resources.supervisor().active()
        except UserError as error:
            st.error(str(error), icon=":material/lock:")
            st.stop()
        running = [run for run in active if run.state is RunState.RUNNING]
        if active:
            words = f"{len(running)} running · {len(active) - len(running)} waiting"
            st.page_link(links.RUNS, label=words, icon=":material/pending:")
        else:
            st.caption("No job is running.")


def header(title: str, words: str) -> None:
    """A page's title and the sentence that says what one does here."""
    st.title(title, anchor=False)
    st.markdown(words)
