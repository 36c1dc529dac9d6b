"""Runs as a table with links: those under way first, then the newest."""

import pandas as pd
import streamlit as st

from backend.core import registry
from backend.core.runs import Run
from pages.ui import charts, links, project
from pages.ui.run_view import MARKS

COLUMNS = ["state", "job", "name", "submitted", "minutes", "id"]


def job_words(kinds: pd.Series) -> pd.Series:
    """The titles of kinds of run; a kind that this version does not know stays as it is."""
    return kinds.map({kind.name: kind.title for kind in registry.KINDS}).fillna(kinds)


def frame(active: list[Run], ended: pd.DataFrame) -> pd.DataFrame:
    """One row a run, columns as shown, where all projects are with its own. `ended` as `Store.runs`
    gives it."""
    rows = [
        (r.state, r.kind, r.name, r.created.replace(tzinfo=None), r.seconds, r.id, r.project)
        for r in reversed(active)
    ]
    columns = ["state", "kind", "name", "created", "seconds", "id", "project"]
    others = ended[~ended["id"].isin([run.id for run in active])]
    rows += others[columns].itertuples(index=False, name=None)
    found = pd.DataFrame(rows, columns=columns)
    words = {state.value: text for state, (_, text) in MARKS.items()}
    shown = pd.DataFrame(
        {
            "state": found["state"].map(lambda s: words[str(s)]),
            "job": job_words(found["kind"]),
            "name": found["name"],
            "submitted": found["created"],
            "minutes": pd.to_numeric(found["seconds"]) / 60,
            "id": found["id"],
        },
        columns=COLUMNS,
    )
    if project.all_of_them():
        shown.insert(3, "project", project.named(found["project"]))
    return shown


def show(active: list[Run], ended: pd.DataFrame, key: str) -> None:
    """The table; picking a row opens the run's page."""
    rows = frame(active, ended)
    event = st.dataframe(
        rows,
        hide_index=True,
        key=f"runs-{key}",
        on_select="rerun",
        selection_mode="single-row",
        placeholder="",
        column_config={
            "submitted": st.column_config.DatetimeColumn("submitted (UTC)", format="D MMM HH:mm"),
            "minutes": st.column_config.NumberColumn(format="%.1f"),
        },
        alt="Runs with state, job, name and time",
    )
    charts.csv(rows, f"runs-{key}")
    if event.selection.rows:
        chosen = rows.iloc[event.selection.rows[0]]["id"]
        st.switch_page(links.RUNS, query_params={"run": chosen})
