"""Review queue: parts that a person judges one by one, with the keyboard."""

import time
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from backend.actions import reviews
from backend.line import report, watch
from backend.line.review import decisions, queue, rates, repeats
from backend.line.review.decisions import Decision, Said
from backend.line.review.queue import Wanted
from backend.line.review.repeats import Draw
from backend.records import UserError
from backend.settings import settings
from backend.wording import counted
from pages.ui import charts, identity, line_view, links, resources
from pages.ui.layout import header, plain_errors

KEYS = {Said.GOOD: ("Good", "G", "check"), Said.BAD: ("Bad", "B", "close")}
KEYS |= {Said.UNSURE: ("Unsure", "U", "question_mark")}
MAP, ERROR = "review-map", "review-error"
WIDTH = 420  # px of the picture


@st.cache_data(ttl=15, max_entries=4, show_spinner=False)
def _parts(name: str) -> pd.DataFrame:
    """The parts of a line that are to be looked at, as they were some seconds ago."""
    home = report.home(settings().storage, name)
    return queue.parts(resources.store(), home, time.time())


def show() -> None:
    header(
        "Review queue",
        "Judge parts one by one: those between the limits, and some drawn by lot. You do not see "
        "what the line said, so that your word is your own.",
    )
    chosen = line_view.choose()
    if chosen is None:
        return
    name, home = chosen
    with st.container(horizontal=True):
        who = identity.ask("review-who")
        why = st.segmented_control(
            "Parts",
            [queue.ALL, queue.BORDERLINE, queue.BLIND],
            default=queue.ALL,
            key=f"review-why-{name}",
            required=True,
        )
        opinion = st.segmented_control(
            "Looked at before?",
            [queue.FIRST, queue.SECOND],
            default=queue.FIRST,
            key=f"review-opinion-{name}",
            required=True,
        )
    if not identity.may("reviews.decide"):
        st.info("You may look; engineers decide.", icon=":material/visibility:")
    elif not who:
        st.info("Enter your name: each decision bears it.", icon=":material/badge:")
    workbench(home, Wanted(str(why), str(opinion)), who)


@st.fragment
def workbench(home: Path, wanted: Wanted, who: str) -> None:
    """One part at a time; a decision rebuilds this alone."""
    with plain_errors():
        problem = st.session_state.pop(ERROR, "")
        if problem:
            st.error(charts.plain(problem), icon=":material/error:")
        rows, standing, again = _parts(home.name), decisions.standing(home), repeats.of(home)
        waiting = repeats.dealt(rows, standing, wanted, again, who)
        _progress(rows, standing, len(waiting))
        if waiting:
            _part(home, rows, waiting[0], who, again)
        else:
            _nothing(home, rows, wanted)
        _undo(home, standing, who)
        _made_of_it(home, rows, standing)


def _progress(rows: pd.DataFrame, standing: list[Decision], left: int) -> None:
    looked = len(rates.judged(rows, standing)) + repeats.count(standing)
    total = looked + left
    if total:
        what = "look" if repeats.count(standing) else "part"
        st.progress(looked / total, f"{looked} of {counted(total, what)} done, {left} left")


def _part(home: Path, rows: pd.DataFrame, place: decisions.Place, who: str, again: Draw) -> None:
    """The picture, and what to say of it. Its buttons are this part's alone: a key pressed before
    the next part is there counts for no part. Where parts come again, nothing tells which."""
    row = rows[(rows["epoch"] == place[0]) & (rows["sequence"] == place[1])].iloc[0]
    with st.container(horizontal_alignment="center"):
        picture = watch.picture(home, str(row["picture"]), st.session_state.get(MAP, False))
        if picture is not None:
            st.image(picture, width=WIDTH)
        if again.share:
            st.markdown(f"**{charts.plain(row['feature'] or 'part')}**", width="content")
        else:
            serial = charts.plain(f"{row['feature']} {row['serial']}".strip() or "part")
            st.markdown(f"**{serial}** · {row['time']:%Y-%m-%d %H:%M} UTC", width="content")
    with st.container(horizontal=True, horizontal_alignment="center"):
        for said, (label, key, icon) in KEYS.items():
            st.button(
                label,
                icon=f":material/{icon}:",
                shortcut=key,
                disabled=not (who and identity.may("reviews.decide")),
                key=f"say-{said.value}-{home.name}-{place[0]}-{place[1]}",
                on_click=_say,
                args=(home, place, said),
            )
        st.button("Map", icon=":material/layers:", shortcut="M", key="map", on_click=_turn_map)


def _say(home: Path, place: decisions.Place, said: Said) -> None:
    try:
        reviews.decide(identity.actor(), home, place, said.value)
    except UserError as error:
        st.session_state[ERROR] = str(error)


def _turn_map() -> None:
    st.session_state[MAP] = not st.session_state.get(MAP, False)


def _undo(home: Path, standing: list[Decision], who: str) -> None:
    """The newest decision of this person, and the way back."""
    mine = [one for one in standing if one.who == who]
    with st.container(horizontal=True, horizontal_alignment="center", vertical_alignment="center"):
        st.button(
            "Take back",
            icon=":material/undo:",
            shortcut="Z",
            key="take-back",
            disabled=not (mine and identity.may("reviews.take_back")),
            on_click=_take_back,
            args=(home,),
        )
        if mine:
            last = mine[-1]
            st.caption(f"Your last: part {last.epoch}-{last.sequence}, {last.decision}")


def _take_back(home: Path) -> None:
    try:
        reviews.take_back(identity.actor(), home)
    except UserError as error:
        st.session_state[ERROR] = str(error)


def _nothing(home: Path, rows: pd.DataFrame, wanted: Wanted) -> None:
    """Why nothing is left, and what to do."""
    if rows.empty:
        st.info(
            f"No part of the last {queue.DAYS:.0f} days waits for a person. A line draws some by "
            "lot where its setting “Blind share” is above 0, and keeps each between its limits.",
            icon=":material/inbox:",
        )
        links.to_kind("line", "Look at the line's settings")
    elif wanted != Wanted():
        st.info("Nothing is left here. Choose other parts above.", icon=":material/done_all:")
    else:
        st.success("All parts were looked at.", icon=":material/done_all:")
        line_view.to_promise(home.name, "See what the line lets through")
    gone = int((~rows["kept"]).sum()) if len(rows) else 0
    if gone:
        st.caption(f"{gone} more cannot be shown: their pictures went when room was needed.")


def _made_of_it(home: Path, rows: pd.DataFrame, standing: list[Decision]) -> None:
    """What the line lets through, and labels for the next training."""
    looked = rates.judged(rows, standing)
    if looked.empty:
        return
    st.divider()
    found = rates.of(rows, standing)
    words = f"Of the parts drawn by lot: escapes {rates.words(found.escapes)}"
    st.markdown(charts.plain(words + "."))
    counts = looked["truth"].value_counts()
    with st.container(horizontal=True, vertical_alignment="center"):
        line_view.to_promise(home.name)
        label = f"Make labels of {counts.get('good', 0)} GOOD and {counts.get('bad', 0)} BAD"
        barred = not (counts.get("good", 0) and identity.may("reviews.make_parts"))
        if st.button(label, icon=":material/category:", disabled=barred):
            run = _labelled(home, rows)
            st.success("They become a run of parts, for the next training.")
            links.to_kind("parts", "Open the parts", run.id)


def _labelled(home: Path, rows: pd.DataFrame) -> Any:
    return reviews.make_parts(identity.actor(), resources.supervisor(), home, rows)


show()
