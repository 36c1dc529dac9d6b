"""Compare students: quality against training time and size, side by side."""

import pandas as pd
import streamlit as st

from backend.actions import work
from backend.core import facts, registry, runs, specs
from backend.plots import student as student_plots
from backend.records import UserError
from backend.students import comparison
from backend.students.similarity.spec import Spec
from pages.ui import charts, identity, links, resources, run_choice, student_metrics
from pages.ui.layout import header, plain_errors

COSTS = {"minutes": "Minutes of training", "megabytes": "Megabytes", "speed": "Images a second"}


def show() -> None:
    students = resources.store().read(comparison.STUDENTS).set_index("id")
    if students.empty:
        st.info("No student is finished yet. Make one first:", icon=":material/arrow_back:")
        links.to_kind("distill")
        return
    students["words"] = [run_choice.run_words(str(i), n) for i, n in students["name"].items()]
    chosen = st.multiselect(
        "Students",
        list(students.index),
        default=list(students.index[:8]),
        format_func=students["words"].to_dict().__getitem__,
    )
    rows = students.loc[chosen]
    _missing(rows[rows["measured"].isna()])
    measured = rows[rows["measured"].notna()]
    if measured.empty:
        st.info(
            "None of these is measured yet. Start Similarity for one, and its figures stand here.",
            icon=":material/info:",
        )
        return
    figures = pd.concat(
        [
            resources.store().facts("figures", run).assign(student=i)
            for i, run in zip(measured.index, measured["measured"], strict=True)
        ]
    )
    _chart(measured, figures)
    _table(measured, figures)


def _missing(rows: pd.DataFrame) -> None:
    """Students without measures, and a button that has them measured."""
    if rows.empty:
        return
    waiting = {
        runs.spec(run, Spec).student_run
        for run in resources.supervisor().active()
        if run.kind == "similarity"
    }
    words = "; ".join(charts.plain(w) for w in rows["words"])
    left, right = st.columns([4, 1], vertical_alignment="center")
    left.warning(f"Not measured yet: {words}", icon=":material/straighten:")
    queued = [student for student in rows.index if student in waiting]
    label = "Being measured" if len(queued) == len(rows) else "Measure them"
    right.button(
        label,
        icon=":material/play_arrow:",
        disabled=len(queued) == len(rows) or not identity.may("work.submit"),
        on_click=_measure,
        args=([str(student) for student in rows.index.difference(queued)],),
    )


def _measure(students: list[str]) -> None:
    """Called before the page is built, so that no rerun on the way to the button loses a press."""
    defaults = specs.defaults(registry.get("similarity").spec_type)
    for student in students:
        try:
            values = defaults | {"student_run": student}
            work.submit(identity.actor(), resources.supervisor(), "similarity", values)
        except UserError as error:
            st.error(charts.plain(str(error)), icon=":material/error:")


def _chart(students: pd.DataFrame, figures: pd.DataFrame) -> None:
    qualities = comparison.known(figures)
    costs = [cost for cost in COSTS if students[cost].notna().any()]
    left, right = st.columns(2)
    quality = left.selectbox("Quality", qualities)
    cost = right.selectbox("Cost", costs, format_func=COSTS.__getitem__)
    metric = comparison.QUALITIES[quality][1]
    rows = comparison.with_quality(students, figures, quality)
    shown = rows.assign(student=rows["words"]).rename(columns={cost: COSTS[cost]})
    shown["megabytes"] = rows["megabytes"]
    charts.figure(
        student_plots.quality_against_cost(
            shown, f"{quality} ({comparison.BETTER.get(metric, 'higher is better')})", COSTS[cost]
        ),
        rows[["words", "recipe", "minutes", "megabytes", "speed", "value", "low", "high"]],
        f"students-{quality}-{cost}",
        f"{quality} of each student against {COSTS[cost].lower()}",
    )
    st.caption(student_metrics.MEANINGS[metric])


def _table(students: pd.DataFrame, figures: pd.DataFrame) -> None:
    """One row a student; intervals are in the CSV below the chart and on each student's page."""
    by_student = {student: facts.by_name(mine) for student, mine in figures.groupby("student")}
    rows = []
    for row in students.reset_index().to_dict("records"):
        mine = by_student.get(row["id"], {})
        rows.append(
            {
                "student": row["words"],
                "recipe": row["recipe"],
                "images": row["images"],
                "minutes": round(row["minutes"], 1),
                "MB": round(row["megabytes"], 1),
                "images/s": "–" if pd.isna(row["speed"]) else f"{row['speed']:.0f}",
                **{
                    name: student_metrics.words(mine.get(key))
                    for name, key in comparison.QUALITIES.items()
                },
            }
        )
    frame = pd.DataFrame(rows)
    st.dataframe(
        frame,
        hide_index=True,
        column_config={"student": st.column_config.TextColumn(pinned=True, width=200)},
        alt="Students with their measures",
    )
    charts.csv(frame, "students")
    st.caption("Images a second, on one core, are known for students that were exported.")


header(
    "Compare students",
    "Which student is worth its time and its megabytes? Choose finished students; each figure is "
    "that of its newest similarity run, with a 95 % interval.",
)
with plain_errors():
    show()
