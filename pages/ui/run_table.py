"""Runs as a table with links: those under way first, then the newest."""

import pandas as pd
import streamlit as st

from backend.core import registry
from backend.core.runs import Run
from pages.ui import charts, links, project
from pages.ui.run_view import mark

COLUMNS = ["state", "job", "name", "submitted", "minutes", "id"]


def job_words(kinds: pd.Series) -> pd.Series:
    """The titles of kinds of run; a kind that this version does not know stays as it is."""
    return kinds.map({kind.name: kind.title for kind in registry.KINDS}).fillna(kinds)


def frame(active: list[Run], ended: pd.DataFrame) -> pd.DataFrame:
    """One row a run, columns as shown, where all projects are with its own. `ended` as `Store.runs`
    gives it."""
    columns = ["state", "kind", "name", "seconds", "error", "id", "project", "created"]
    rows = [
        (*(getattr(r, name) for name in columns[:-1]), r.created.replace(tzinfo=None))
        for r in reversed(active)
    ]
    others = ended[~ended["id"].isin([run.id for run in active])]
    rows += others[columns].itertuples(index=False, name=None)
    found = pd.DataFrame(rows, columns=columns)
    shown = pd.DataFrame(
        {
            "state": [mark(*pair)[1] for pair in zip(found["state"], found["error"], strict=True)],
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
