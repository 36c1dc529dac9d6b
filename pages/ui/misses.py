"""The known BAD parts that a version of the thresholds misses, in red where they are many."""

import streamlit as st

from backend.core.runs import Run
from backend.inspection.threshold import misses
from backend.records import UserError
from pages.ui import charts


def alarm(run: Run) -> bool:
    """Says in red that the version misses a third or more of the known BAD parts; does it?"""
    words = misses.misses(run.folder)
    if words:
        st.error(charts.plain(words), icon=":material/error:")
    return bool(words)


def tile(run: Run) -> tuple[str, str]:
    """The misses of all types as a figure, and what it means."""
    meaning = "Known BAD parts that are called GOOD, and the interval of their share"
    found = misses.missed(run.folder)
    if not found:
        return "–", "No BAD part is known"
    one = found[0]
    count = one.count.replace(" of ", "/")  # as wide as a tile
    return f"{count} [{one.low:.0%}, {one.high:.0%}]", meaning


def short(run: Run) -> str:
    """`5 of 20`, or a dash where no BAD part is known."""
    try:
        found = misses.missed(run.folder)
    except UserError:  # a damaged run among others
        return "–"
    return found[0].count if found else "–"
