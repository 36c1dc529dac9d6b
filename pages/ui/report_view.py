"""The button that gives a run's report, in the form that its reader needs."""

from collections.abc import Callable

import streamlit as st

from backend.actions import reports, sharing
from backend.settings import settings
from backend.sharing.report import formats, paper
from backend.sharing.report.scope import Period, Scope
from pages.ui import identity, links, share_links

FORMS = {  # form: label, icon, what it is for
    formats.HTML: ("Page (HTML)", "public", "About 5 MB: charts to move in, no network needed"),
    formats.STATIC: ("Page for e-mail (HTML)", "mail", "Under 1 MB, charts as drawings"),
    formats.PDF: ("PDF", "picture_as_pdf", "For paper, A4"),
    formats.ZIP: ("Data and pictures (ZIP)", "folder_zip", "The page, rows as CSV and Parquet"),
}
DAYS = {1: "1 day", 7: "7 days", 30: "30 days", 90: "90 days", 365: "a year"}
TYPES = {
    formats.HTML: "text/html",
    formats.STATIC: "text/html",
    formats.PDF: "application/pdf",
    formats.ZIP: "application/zip",
}


RUN = (
    "All about it in one file, for somebody without an account: what came out, how sure, "
    "who made it, from what data, and the command that makes it anew."
)
PROTOCOL = (
    "For a customer's audit: golden parts, false alarms, escapes, agreement of people and line, "
    "detection by size of the defect, latency, gate, hashes, and room for signatures. What is "
    "missing is said, with the way to get it."
)


def protocol(line: str, period: Period) -> None:
    """A button for the acceptance protocol of a line."""
    scope = Scope(line=line, period=period, protocol=True)
    offer(scope, f"acceptance-{line}", "Acceptance protocol", "contract", PROTOCOL)


def offer(
    scope: Scope, name: str, label: str = "Report", icon: str = "summarize", words: str = RUN
) -> None:
    """A button that unfolds the forms. name: of the file, without ending. words: what is in it."""
    with st.popover(label, icon=f":material/{icon}:", key=f"report-{name}"):
        st.caption(words)
        printer = bool(paper.browser())
        for form, (title, mark, purpose) in FORMS.items():
            st.download_button(
                title,
                _content(scope, form),
                file_name=f"{name}{formats.ENDINGS[form]}",
                mime=TYPES[form],
                icon=f":material/{mark}:",
                help=purpose if printer or form != formats.PDF else paper.MISSING,
                disabled=form == formats.PDF and not printer,
                on_click="ignore",
                width="stretch",
                key=f"report-{form}-{name}",
            )
        if identity.may("sharing.share"):
            st.divider()
            _share(scope, name)


def _share(scope: Scope, name: str) -> None:
    """Makes a link by which anybody reads the report, and shows it with its code."""
    left, right = st.columns([1, 1], vertical_alignment="bottom")
    days = left.selectbox(
        "A link to it lasts", list(DAYS), format_func=DAYS.__getitem__, index=1, key=f"days-{name}"
    )
    if right.button("Make a link", icon=":material/link:", key=f"share-{name}", width="stretch"):
        with st.spinner("Making the page …"):
            made = sharing.share(identity.actor(), settings(), scope, days)
        st.session_state[f"shared-{name}"] = made.token
    token = st.session_state.get(f"shared-{name}")
    if token:
        share_links.show(token)
        st.page_link(links.SHARED, label="All links, and take one back", icon=":material/link:")
    st.caption("Who has the link reads this one report, without an account, and nothing else.")


def _content(scope: Scope, form: str) -> Callable[[], bytes]:
    """Makes the file once the button is pressed."""
    actor = identity.actor()
    return lambda: reports.taken(actor, settings(), scope, form)
