"""Ask the data: a question in SQL over what runs and lines left, read-only."""

import io
from collections.abc import Callable

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from backend.actions import sharing
from backend.line import watch
from backend.plots import styled
from backend.settings import settings
from backend.sharing import named
from backend.sharing.query import questions
from backend.wording import counted
from pages.ui import charts, identity, resources
from pages.ui.layout import header, plain_errors

SQL, ANSWER = "question-sql", "question-answer"
FIRST = """SELECT runs.name, subject, metric, value, low, high, n
FROM figures JOIN runs ON runs.id = figures.run_id
ORDER BY runs.created DESC
LIMIT 100"""
RUNS = (
    "SELECT id, kind, name, state, created, started, finished, seconds, CAST(spec AS VARCHAR) AS "
    "spec, CAST(result AS VARCHAR) AS result, error, parent, project FROM runs"
)
SHAPES = {"bars": "bar", "lines": "lines", "points": "markers"}
MOST_DRAWN = 5000  # rows of a chart


def show() -> None:
    _kept()
    st.session_state.setdefault(SQL, FIRST)
    left, right = st.columns([2, 1])
    with left:
        sql = st.text_area("Question (SQL, one SELECT)", key=SQL, height=180, max_chars=20_000)
        st.caption(
            f"At most {questions.SECONDS} s, {questions.MOST_ROWS:,} rows and "
            f"{questions.MOST_BYTES // 1_000_000} MB. Only the tables "
            "listed here can be read, and nothing can be changed."
        )
        barred = not identity.may("sharing.ask")
        if barred:
            st.info("Engineers ask; give one of them your question.", icon=":material/info:")
        if st.button("Ask", type="primary", icon=":material/play_arrow:", disabled=barred):
            with st.spinner("Looking …"):
                _ask(sql)
    with right:
        _schema()
    answer = st.session_state.get(ANSWER)
    if answer is not None:
        _answer(answer)


def _ask(sql: str) -> None:
    st.session_state.pop(ANSWER, None)
    known = resources.store().read(RUNS)
    lines = resources.supervisor().lines(watch.names(settings().storage))
    st.session_state[ANSWER] = sharing.ask(identity.actor(), settings(), sql, known, lines)


def _schema() -> None:
    """Tables and their columns."""
    tables = questions.schema()
    table = st.selectbox("Table", list(tables))
    rows = pd.DataFrame(tables[table].items(), columns=["column", "type"])
    st.dataframe(rows, hide_index=True, height=230, alt=f"Columns of the table {table}")


def _answer(answer: questions.Answer) -> None:
    """Rows, as a table and a chart, to take away."""
    rows = answer.rows
    more = f" There are more: the first {len(rows):,} are shown." if answer.more else ""
    st.markdown(f"**{counted(len(rows), 'row')}.**{more}")
    st.dataframe(rows, hide_index=True, alt="The answer's rows")
    with st.container(horizontal=True):
        charts.csv(rows, "answer")
        st.download_button(
            "Parquet",
            _parquet(rows),
            file_name="answer.parquet",
            icon=":material/download:",
            type="tertiary",
            on_click="ignore",
        )
    if len(rows) and len(rows.columns) > 1:
        _chart(rows)


def _parquet(rows: pd.DataFrame) -> Callable[[], bytes]:
    def made() -> bytes:
        buffer = io.BytesIO()
        rows.to_parquet(buffer, index=False)
        return buffer.getvalue()

    return made


def _chart(rows: pd.DataFrame) -> None:
    """One column against another."""
    numbers = list(rows.select_dtypes("number").columns)
    if not numbers:
        return
    columns = st.columns(3)
    shape = columns[0].selectbox("Chart", list(SHAPES))
    across = columns[1].selectbox("Across", list(rows.columns))
    up = columns[2].selectbox("Up", [name for name in numbers if name != across] or numbers)
    some = rows.head(MOST_DRAWN)
    figure = go.Figure()
    if SHAPES[shape] == "bar":
        figure.add_bar(x=some[across], y=some[up])
    else:
        figure.add_scatter(x=some[across], y=some[up], mode=SHAPES[shape])
    name = f"{up} by {across}"
    made = styled(figure, f"{name}, n = {len(some):,}", str(across), str(up))
    st.plotly_chart(made, key="answer-chart", alt=name)


def _kept() -> None:
    """Questions kept under a name."""
    found = questions.every(settings().storage)
    with st.expander(f"Saved questions ({len(found)})", icon=":material/bookmark:"):
        for name, sql in found.items():
            left, right = st.columns([4, 1], vertical_alignment="center")
            left.button(
                charts.plain(name),
                icon=":material/database_search:",
                type="tertiary",
                key=f"open-{name}",
                on_click=_open,
                args=(sql,),
            )
            may = identity.may("sharing.remove_question")
            if may and right.button("Remove", key=f"remove-{name}", type="tertiary"):
                sharing.remove_question(identity.actor(), settings(), name)
                st.rerun()
        if not identity.may("sharing.save_question"):
            return
        left, right = st.columns([3, 1], vertical_alignment="bottom")
        name = left.text_input("Keep the question below as", max_chars=named.LONGEST)
        if right.button("Keep", icon=":material/bookmark_add:", disabled=not name.strip()):
            sql = st.session_state.get(SQL, FIRST)
            sharing.save_question(identity.actor(), settings(), name.strip(), sql)
            st.rerun()


def _open(sql: str) -> None:
    """Called before the page is built, so that the field may be filled in."""
    st.session_state[SQL] = sql
    st.session_state.pop(ANSWER, None)


header(
    "Ask the data",
    "A question in SQL over every figure, score and verdict that is stored here. Take "
    "the answer as a table, a chart, CSV or Parquet.",
)
with plain_errors():
    show()
