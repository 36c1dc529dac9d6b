"""Red rabbits: known defects on the line's own GOOD parts; does it find them, day by day?"""

import time
from pathlib import Path

import pandas as pd
import streamlit as st

from backend.line import report
from backend.line.rabbits import journal, rates
from backend.line.review import decisions, queue
from backend.numeric.shares import Share
from backend.plots import rabbits as plots
from backend.settings import settings
from pages.ui import charts, line_view, links, resources
from pages.ui.layout import header, plain_errors

DAYS = 30.0


def show() -> None:
    header(
        "Red rabbits",
        "See daily whether a line still finds known defects, painted onto its own GOOD parts and "
        "judged beside them. They are marked and never count as parts: no machine, count, rate or "
        "alarm hears of them.",
    )
    chosen = line_view.choose()
    if chosen is None:
        return
    name, home = chosen
    with plain_errors():
        found = journal.read(home, time.time() - DAYS * 86400)
        if found.empty:
            _none()
            return
        _rates(name, found)
        _days(name, found)
        _sizes(name, found)
        _newest(home, found)


@st.cache_data(ttl=15, max_entries=4, show_spinner=False)
def _parts(name: str) -> pd.DataFrame:
    home = report.home(settings().storage, name)
    return queue.parts(resources.store(), home, time.time(), DAYS)


def _none() -> None:
    st.info(
        f"No red rabbit was judged in the last {DAYS:.0f} days. Set the line's “Red rabbits a "
        "shift” above 0, with the material of its parts or a student that paints their defects.",
        icon=":material/cruelty_free:",
    )
    links.to_kind("line", "Look at the line's settings")


def _rates(name: str, found: pd.DataFrame) -> None:
    """All of them beside real BAD parts: the gap between the two."""
    home = report.home(settings().storage, name)
    true = rates.real(_parts(name), decisions.standing(home))
    today = found[found["day"] == found["day"].max()]
    tiles = [
        ("Found today", _share(rates.of(today)), f"On {today['day'].iloc[0]:%Y-%m-%d}, UTC"),
        ("Red rabbits", _share(rates.of(found)), f"Found in the last {DAYS:.0f} days"),
        ("Real BAD parts", _share(true), "Found of those that people called BAD, drawn by lot"),
    ]
    charts.metrics(tiles)
    if not true.n:
        st.caption(
            "How far painted defects are like real ones is not known: no BAD part drawn by lot was "
            "reviewed yet."
        )
        line_view.to_review(name)
    else:
        st.caption(
            "Painted defects show that the line still sees; only the real ones show how well. "
            "Where the two lie apart, paint others: another material, or a student of your own "
            "defects."
        )


def _share(one: Share) -> str:
    if not one.n:
        return "–"
    return f"{one.k}/{one.n} [{one.low:.0%}, {one.high:.0%}]"


def _days(name: str, found: pd.DataFrame) -> None:
    rows = rates.by_day(found)
    if len(rows) > 1:
        charts.figure(
            plots.by_day(rows, f"Red rabbits found a day, n = {int(rows['n'].sum())}"),
            rows,
            f"rabbits-days-{name}",
            "Share of red rabbits that is found each day, with intervals",
        )


def _sizes(name: str, found: pd.DataFrame) -> None:
    rows = rates.by_size(found)
    charts.figure(
        plots.by_size(rows, f"Red rabbits found by size, n = {len(found)}"),
        rows,
        f"rabbits-sizes-{name}",
        "Share of red rabbits that is found by the size of the defect, with intervals",
    )


def _newest(home: Path, found: pd.DataFrame) -> None:
    """The newest ones, those that were missed first."""
    newest = found.tail(200).iloc[::-1].sort_values("found", kind="stable")
    st.markdown("#### The newest, missed ones first")
    shown = newest[["time", "feature", "kind", "size", "verdict", "score", "good"]]
    moment = pd.to_datetime(shown["time"], unit="s")
    st.dataframe(
        shown.assign(time=moment),
        hide_index=True,
        column_config={
            "time": st.column_config.DatetimeColumn("time (UTC)", format="D MMM HH:mm"),
            "feature": "feature type",
            "kind": "defect",
            "size": st.column_config.NumberColumn("size, % of the picture", format="%.2f"),
            "score": st.column_config.NumberColumn("score", format="%.2f"),
            "good": st.column_config.NumberColumn("score without it", format="%.2f"),
        },
        alt="The newest red rabbits",
    )
    charts.csv(found, f"rabbits-{home.name}")
    first = newest[["picture", "feature", "kind", "verdict"]].head(6).astype(str)
    there = first[[(home / path).is_file() for path in first["picture"]]]
    if len(there):
        words = [f"{f}, {k}: {v}" for _, f, k, v in there.itertuples(index=False)]
        st.image([str(home / path) for path in there["picture"]], words, width=140)


show()
