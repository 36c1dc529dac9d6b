"""History: every verdict of a line, by time, type, serial number and verdict."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from backend.line import history
from backend.line.history import Asked
from backend.line.part import Verdict
from backend.plots import line as line_plots
from backend.sharing.report.scope import Period, Scope
from backend.wording import counted
from pages.ui import charts, line_view, report_view, resources
from pages.ui.layout import header

PAGE = 50
DAYS_WIDTH = 260  # px, in which two days stand whole
SHOWN = ["time", "serial", "feature", "verdict", "score", "ms", "reason", "epoch", "sequence"]


def show() -> None:
    header(
        "History",
        "Every verdict of a line, by time, type and serial number. Filter it, look at the "
        "pictures, and take away a report or the acceptance protocol.",
    )
    chosen = line_view.choose()
    if chosen is None:
        return
    name, home = chosen
    asked = _ask(name)
    found = history.rows(resources.store(), home, asked)
    st.markdown(f"**{counted(len(found), 'part')}**")
    if found.empty:
        st.info("No part meets this filter.", icon=":material/filter_alt_off:")
        return
    spans = history.spans(found)
    charts.figure(
        line_plots.over_time(spans, f"Parts by verdict, n = {len(found)}"),
        spans,
        f"history-{name}",
        "Parts by verdict over time",
    )
    _table(home, found)
    begin, end = (datetime.fromtimestamp(t, UTC) for t in (asked.begin, asked.end))
    period = Period(begin, end)
    with st.container(horizontal=True):
        report_view.offer(Scope(line=name, period=period), f"line-{name}")
        report_view.protocol(name, period)


def _ask(name: str) -> Asked:
    today = datetime.now(UTC).date()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        days: Any = st.date_input(
            "Days (UTC)",
            (today - timedelta(days=7), today),
            max_value=today,
            width=DAYS_WIDTH,
            key=f"days-{name}",
        )
        wanted = st.multiselect("Verdicts", [v.value for v in Verdict], key=f"verdicts-{name}")
        serial = st.text_input("Serial number contains", key=f"serial-{name}", max_chars=80)
        feature = st.text_input("Feature type", key=f"feature-{name}", max_chars=80)
    first, last = (days[0], days[-1]) if days else (today, today)
    begin = datetime(first.year, first.month, first.day, tzinfo=UTC)
    end = datetime(last.year, last.month, last.day, tzinfo=UTC) + timedelta(days=1)
    return Asked(begin.timestamp(), end.timestamp(), tuple(wanted), serial.strip(), feature.strip())


def _table(home: Path, found: pd.DataFrame) -> None:
    """The newest first, a page at a time; a picked row with its picture."""
    found = found.iloc[::-1].reset_index(drop=True)
    pages = -(-len(found) // PAGE)
    page = st.pagination(pages) if pages > 1 else 1
    some = found.iloc[(page - 1) * PAGE : page * PAGE].reset_index(drop=True)
    event: Any = st.dataframe(
        some[SHOWN],
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row",
        column_config={
            "time": st.column_config.DatetimeColumn("time (UTC)", format="D MMM HH:mm:ss"),
            "serial": "serial number",
            "feature": "feature type",
            "score": st.column_config.NumberColumn(format="%.2f"),
            "ms": st.column_config.NumberColumn("took, ms", format="%.0f"),
            "epoch": st.column_config.NumberColumn("start", help="How often it was started"),
            "sequence": st.column_config.NumberColumn("part", help="Its number since that start"),
        },
        key=f"rows-{home.name}-{page}",
    )
    charts.csv(found, f"verdicts-{home.name}")
    if event.selection.rows:
        line_view.crop(home, some.iloc[event.selection.rows[0]], 260)
    else:
        st.caption("Pick a row to see its picture, where one was kept.")


show()
