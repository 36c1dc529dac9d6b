"""What surrounds every page: the sidebar's state of work, and errors in plain words."""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from string import Template

import streamlit as st

from backend.core import runs
from backend.core.runs import Run
from backend.records import RunState, UserError
from pages.ui import address, bell, charts, identity, links, project, resources

log = logging.getLogger(__name__)
STYLE = Path(__file__).with_name("style.css")
# A chart is drawn as wide as the window; on paper its drawing is scaled to the sheet.
PRINTING = """<script>
  const drawings = () => document.querySelectorAll(".main-svg");
  window.onbeforeprint = () => drawings().forEach((svg) => svg.setAttribute(
    "viewBox", `0 0 ${svg.getAttribute("width")} ${svg.getAttribute("height")}`));
  window.onafterprint = () => drawings().forEach((svg) => svg.removeAttribute("viewBox"));
</script>"""

# An open page whose session ended makes room for the sign-in.
ASKING = """<script>
  window.distilleryAsks ??= setInterval(async () => {
    const answer = await fetch("/alive", {cache: "no-store"}).catch(() => null);
    if (answer?.status === 401)
      location.assign("/sign-in?next=" + encodeURIComponent(location.pathname + location.search));
  }, 3000);
</script>"""
# A name has no character that means anything in HTML (backend/access/accounts.py).
HERE = Template(
    """<a class="who-is-here" href="/account" target="_self">
    <span class="initials" aria-hidden="true">$initials</span>
    <span>$name<br><small>$role · account, sign out</small></span></a>"""
)


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
        if words := _archived(error):
            st.error(charts.plain(words), icon=":material/archive:")
            return
        log.exception("page failed")
        st.error(
            "This page could not be built. The server's log says why; your data is untouched.",
            icon=":material/error:",
        )


def _archived(error: Exception) -> str:
    """Where a file is that was missing, if its run is archived; "" for any other error."""
    try:
        if isinstance(error, FileNotFoundError) and error.filename:
            runs.refuse_archived_file(Path(str(error.filename)))
    except UserError as told:
        return str(told)
    return ""


def sidebar() -> None:
    """The product's mark, what is running now on every page, who is here, and the style of
    pages."""
    st.logo(str(links.WORDMARK), icon_image=str(links.ICON), size="large")
    st.html(STYLE)
    st.html(PRINTING, unsafe_allow_javascript=True)
    st.html(ASKING, unsafe_allow_javascript=True)
    with st.sidebar:
        try:
            window = resources.supervisor()
        except UserError as error:
            st.error(str(error), icon=":material/lock:")
            st.stop()
        project.choose()
        bell.ring()
        _work(window.active(), window.elsewhere())
        if found := identity.account():
            st.html(HERE.substitute(initials=found.initials, name=found.name, role=found.role))


def _work(active: list[Run], elsewhere: int) -> None:
    """What is under way in this project, and how much in others, which share its turn."""
    running = [run for run in active if run.state is RunState.RUNNING]
    others = f" · {elsewhere} in other projects" if elsewhere else ""
    if active:
        words = f"{len(running)} running · {len(active) - len(running)} waiting{others}"
        st.page_link(links.RUNS, label=words, icon=":material/pending:")
    else:
        st.caption(f"No job is running{' here' if others else ''}{others}.")


def told_project() -> None:
    """Above a page on a phone, whose sidebar is folded away: which project it shows."""
    if words := project.words():
        with st.container(key="project-told"):
            st.caption(f":material/folder_shared: {charts.plain(words)}")


def header(title: str, words: str) -> None:
    """A page's title, two sentences that say what one does here, and the way to its help."""
    st.title(title, anchor=False)
    st.markdown(f"{words} {links.help_words(st.session_state.get(address.PAGE, ''))}")


def tabs(draw: Mapping[str, Callable[[], object]]) -> None:
    """Tabs by name, of which the open one alone is built: the others cost the server nothing."""
    for tab, build in zip(
        st.tabs(list(draw), on_change="rerun", key="tab"), draw.values(), strict=True
    ):
        if tab.open:
            with tab:
                build()
