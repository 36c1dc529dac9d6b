"""Part explorer: every part with its score, where the model looks, and the GOOD parts like it."""

from datetime import datetime
from pathlib import Path

import pandas as pd
import streamlit as st

from backend.core import runs
from backend.core.runs import Run
from backend.inspection.model.spec import Spec
from backend.inspection.parts.crops import made_parts
from backend.inspection.threshold.job import rated
from backend.records import Label, RunState
from backend.settings import settings
from backend.wording import counted
from pages.ui import (
    address,
    caveats,
    charts,
    gallery,
    links,
    part_view,
    resources,
    run_choice,
    run_view,
    thumbnails,
)
from pages.ui.layout import header

ORDERS = ("most wrong first", "highest score first", "lowest score first", "by name")
PAGE, ROW = 8, 64  # parts a page, px a row


def show() -> None:
    header(
        "Part explorer",
        "Look at single parts: what the model scored them, and where it sees something "
        "unusual. Beside each stand the GOOD parts that it resembles most.",
    )
    run_id = run_view.choose_run(("inspect",), run_choice.ended("inspect", RunState.COMPLETED))
    if not run_id:
        st.info("This starts from an anomaly model. Make that first:", icon=":material/arrow_back:")
        links.to_kind("inspect")
        return
    run = resources.supervisor().find(run_id)
    resources.take_in(run)
    if run.state is not RunState.COMPLETED:
        st.info("This anomaly model is not finished.", icon=":material/hourglass_empty:")
        links.to_kind("inspect", "See how far it is", run.id)
        return
    _explore(run)


def _explore(run: Run) -> None:
    caveats.alike(run)
    methods = _methods(run.id)
    columns = st.columns(4)
    method = columns[0].selectbox("Score", methods)
    limits = tuple(sorted(part_view.limits_in_force(run, method).items()))
    table = _rated(run.id, run.finished, method, limits).copy(deep=False)
    feature = columns[1].selectbox("Feature type", ["all", *sorted(table["feature"].unique())])
    label = columns[2].selectbox("Label", ["all", "GOOD", "BAD"])
    order = columns[3].selectbox("Order", ORDERS)
    rows = table if feature == "all" else table[table["feature"] == feature]
    rows = rows if label == "all" else rows[rows["label"] == Label[label]]
    rows = _ordered(rows, order).reset_index(drop=True)
    if rows.empty:
        st.info("No part meets this filter.", icon=":material/filter_alt_off:")
        return
    left, right = st.columns([5, 6], gap="medium")
    with left:
        picked = _sheet(run, rows, f"{run.id}-{method}-{feature}-{label}-{order}")
    asked = picked or _asked(table, rows)
    address.follow("part", asked)
    with right:
        part_view.show(run, table, table[table["part"] == asked].iloc[0], str(method))


def _asked(table: pd.DataFrame, rows: pd.DataFrame) -> str:
    """The part named in the address; the first of the rows where the filter has moved on."""
    asked = address.asked("part")
    if asked and (table["part"] == asked).any():
        return asked
    if asked:
        st.warning(f"This model has no part {charts.plain(asked)}.", icon=":material/link_off:")
    shown = address.shown("part")
    return shown if (rows["part"] == shown).any() else str(rows["part"].iloc[0])


def _methods(run_id: str) -> list[str]:
    """Those that scored parts, in the order of the table."""
    found = resources.store().of_runs(
        "SELECT method FROM scores WHERE run_id = ? GROUP BY method ORDER BY min(rowid)", [run_id]
    )
    return list(found["method"])


@st.cache_resource(ttl=3600, max_entries=4, show_spinner=False)
def _rated(
    run_id: str,
    finished: datetime | None,
    method: str,
    limits: tuple[tuple[str, tuple[float | None, float | None]], ...],
) -> pd.DataFrame:
    """As `rated`, worked out once: a finished run's scores no longer change."""
    return rated(settings().runs / run_id, method, dict(limits))


def _ordered(rows: pd.DataFrame, order: str) -> pd.DataFrame:
    column, ascending = {
        ORDERS[0]: ("wrong", False),
        ORDERS[1]: ("score", False),
        ORDERS[2]: ("score", True),
        ORDERS[3]: ("part", True),
    }[order]
    return rows.sort_values(column, ascending=ascending, kind="stable")


def _sheet(run: Run, rows: pd.DataFrame, key: str) -> str:
    """A page of parts with small pictures; the one that is picked, or ""."""
    st.subheader(counted(len(rows), "part"), anchor=False)
    shown = gallery.page_of(rows, f"page-{key}", PAGE)
    paths = _paths(run, shown["part"])
    frame = pd.DataFrame(
        {
            "picture": [thumbnails.thumbnail(paths[part], None) for part in shown["part"]],
            "part": shown["part"],
            "label": [Label(label).name for label in shown["label"]],
            "score": shown["score"],
            "verdict": shown["verdict"],
            "feature": shown["feature"],
        }
    )
    same_type = rows["feature"].nunique() == 1
    unsaid = [] if rows["verdict"].any() else ["verdict"]
    frame = frame.drop(columns=[*unsaid, *(["feature"] if same_type else [])])
    event = st.dataframe(
        frame,
        hide_index=True,
        key=f"sheet-{key}-{shown.index[0]}",
        row_height=ROW,
        height=ROW * len(frame) + 40,
        on_select="rerun",
        selection_mode="single-row",
        column_config={
            "picture": st.column_config.ImageColumn(width="small"),
            "score": st.column_config.NumberColumn(format="%.2f"),
        },
        alt="Parts with picture, feature type, label and score",
    )
    st.caption("Pick a row to see the part.")
    charts.csv(rows, f"parts-{run.id}")
    chosen = event.selection.rows
    return str(shown["part"].iloc[chosen[0]]) if chosen else ""


def _paths(run: Run, shown: pd.Series) -> dict[str, Path]:
    """Part → its picture, of those shown."""
    folder = settings().runs / runs.spec(run, Spec).parts_run
    parts = made_parts(folder)
    parts = parts[parts["part"].isin(shown)]
    return {p: folder / path for p, path in zip(parts["part"], parts["path"], strict=True)}


show()
