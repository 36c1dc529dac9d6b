"""Help: what each page does, its method, limits and words, from the documents in docs/."""

import pandas as pd
import streamlit as st

from backend import glossary, manual
from backend.manual import Picture, Section
from pages.ui import address, charts, help_topics, links
from pages.ui.layout import header
from pages.ui.links import Entry

MOST = 30  # sections that a search shows
FIND = "help-find"
NAMED = ("page", "doc", "section")  # what the address may name


def show() -> None:
    header(
        "Help",
        "Find what a page does, how its method works, what it does not tell, and what its words "
        "mean. All of it stands in the folder docs of the program too.",
    )
    query = st.query_params
    if any(query.get(name) for name in NAMED):  # a link was followed: the search is over
        st.session_state[FIND] = ""
    asked = st.text_input(
        "Find in all documents",
        placeholder="words, as escape rate",
        max_chars=80,
        key=FIND,
        on_change=query.clear,
    )
    for name in NAMED:
        address.follow(name, query.get(name, ""), turn=True)
    entry = next((e for e in links.every() if query.get("page") == (e.url or "overview")), None)
    if asked.strip():
        _found(asked)
    elif entry is not None:
        _page(entry)
    elif query.get("doc", "") in manual.documents():
        _document(query["doc"], query.get("section", ""))
    else:
        _contents()


def _found(asked: str) -> None:
    """Sections and words of the glossary with all that was asked for."""
    terms = [one for one in glossary.TERMS if asked.lower() in f"{one.words} {one.meaning}".lower()]
    found = manual.find(asked)
    if not found and not terms:
        st.info("Nothing has all of these words. Try fewer of them.", icon=":material/search_off:")
    for one in found[:MOST]:
        title = "" if one.level == 1 else f"{manual.sections(one.document)[0].title}: "
        links.to_help(
            f"**{charts.plain(title + one.title)}**", doc=one.document, section=one.anchor
        )
        st.caption(charts.plain(manual.around(one.text, asked)))
    if len(found) > MOST:
        st.caption(f"{len(found) - MOST} more have them: ask for more words.")
    _words(terms)


def _page(entry: Entry) -> None:
    """All that helps with one page."""
    st.subheader(entry.title, anchor=False)
    links.to_page(entry, f"To the page {entry.title}")
    row = manual.about_page(entry.title)
    st.markdown(_said(row, "pages"))
    topics = [manual.section(place) for place in help_topics.of(entry.path)]
    for one in topics:
        with st.expander(one.title, icon=":material/article:", key=f"help-{entry.url}-{one.place}"):
            _text(one)
            links.to_help(f"All of {manual.sections(one.document)[0].title}", doc=one.document)
    _words(manual.terms("\n".join((row, entry.title, *(one.text for one in topics)))))
    links.to_help("All documents")


def _document(name: str, anchor: str) -> None:
    """A document with its table of contents, or one section of it."""
    every = manual.sections(name)
    chosen = [one for one in every if anchor and one.anchor == anchor]
    links.to_help("All documents", icon="arrow_upward")
    if chosen:
        links.to_help(f"All of {every[0].title}", doc=name, icon="arrow_upward")
    else:
        with st.expander("Contents", expanded=True, icon=":material/toc:"):
            st.markdown(
                "\n".join(
                    f"{'  ' * (one.level - 2)}- [{one.title}](#{one.anchor})" for one in every[1:]
                )
                or every[0].title
            )
    for one in chosen or every:
        st.subheader(one.title, anchor=one.anchor or name)
        _text(one)


def _contents() -> None:
    """Every page's help, and every document."""
    st.subheader("By page", anchor=False)
    for section, entries in links.SECTIONS.items():
        with st.expander(section, key=f"help-of-{section}"), st.container(horizontal=True):
            for entry in entries:
                links.to_help(entry.title, page=entry.url or "overview")
    st.subheader("Documents", anchor=False)
    for name in manual.documents():
        links.to_help(manual.sections(name)[0].title, doc=name)


def _text(one: Section) -> None:
    """A section with its pictures; links lead on within these pages."""
    for piece in manual.pieces(one.text):
        if isinstance(piece, Picture):
            st.image(str(piece.file), caption=charts.plain(piece.words))
        elif piece.strip():
            st.markdown(_said(piece, one.document))


def _said(text: str, document: str) -> str:
    return manual.linked(manual.worded(text), document, links.help_address).replace("$", "\\$")


def _words(terms: list[glossary.Term]) -> None:
    if terms:
        st.subheader("Words", anchor=False)
        rows = [(term.words, f"{term.meaning}.") for term in terms]
        table = pd.DataFrame(rows, columns=["word", "what it means"])
        st.table(table, border="horizontal", hide_index=True, alt="Words and their meaning")


show()
