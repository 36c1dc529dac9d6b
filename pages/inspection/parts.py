"""Parts: simulate printed parts or import one's own, and check what is there."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from backend.core import facts, runs
from backend.core.runs import Run
from backend.glossary import SEPARATION
from backend.inspection.parts import relabelling
from backend.inspection.parts.checks import data_checks
from backend.inspection.parts.spec import Result
from backend.plots import parts as parts_plots
from backend.records import Label
from backend.wording import counted
from pages.ui import charts, gallery, links, part_checks, resources, verdict
from pages.ui.run_view import kind_page

ROWS = 1000  # of a page of the table
TELLING = {"brightness": "brightness", "edge": "area"}
ALIKE = ("all", "copy or look-alike", "copy or look-alike in another group")


def show(run: Run) -> None:
    result = runs.result(run, Result)
    parts = _parts(run)
    entries = [
        ("Parts", str(result.n), ""),
        ("GOOD", str(result.n_good), ""),
        ("BAD", str(result.n_bad), ""),
        (
            "Groups",
            str(result.groups),
            "Parts of one group always stay together, in training or in the test",
        ),
    ]
    if result.left_out:
        entries.append(("Left out", str(result.left_out), "Pictures or parts not taken in"))
    words = f"{counted(result.n or 0, 'part')}, {result.n_good} GOOD and {result.n_bad} BAD. Mend "
    words += "what the checks below call a problem, then train a model on the GOOD ones."
    verdict.told(words, run, ("inspect", "Train an anomaly model on these parts"))
    charts.metrics(entries)
    part_checks.alike_across_groups(run, links.BY_KIND["parts"].path)
    part_checks.show(run, result)
    _left_out(run)
    counts = pd.DataFrame(
        [(name, good, bad) for name, (good, bad) in result.counts.items()],
        columns=["feature", "GOOD", "BAD"],
    )
    draw = partial(parts_plots.count_bars, result.counts)
    charts.of_run(run, "counts", draw, counts, "GOOD and BAD parts per feature type")
    if parts["brightness"].notna().any():
        _spread(run, parts)
    st.subheader("The parts", anchor=False)
    _gallery(run, parts)
    _all(run, parts)


def _all(run: Run, parts: pd.DataFrame) -> None:
    """The table of all parts, a page at a time, where it is opened."""
    fold = st.expander(
        "Table of all parts", icon=":material/table:", key=f"all-{run.id}", on_change="rerun"
    )
    if fold.open:
        with fold:
            rows = gallery.page_of(parts, f"all-page-{run.id}", ROWS)
            st.dataframe(rows, hide_index=True, alt="Parts with their label, group and measures")
            charts.csv(parts, f"parts-{run.id}")


def _parts(run: Run) -> pd.DataFrame:
    """Every part with what was measured of it; empty columns for a run made before the checks."""
    return _joined(resources.state(run), run).copy(deep=False)


@st.cache_resource(ttl=3600, max_entries=4, show_spinner=False)
def _joined(state: resources.State, _run: Run) -> pd.DataFrame:
    """As `_parts`, joined once for each state of what people said of the parts."""
    made = resources.facts("parts", _run).drop(columns="run_id").dropna(axis=1, how="all")
    parts = relabelling.applied(made, _run.folder)
    checks = resources.facts("part_checks", _run).drop(columns="run_id")
    joined = parts.merge(checks, on="part", how="left")
    edge = np.sqrt(joined["width"].astype(float) * joined["height"].astype(float))
    return joined.assign(edge=edge.round(1))


def _left_out(run: Run) -> None:
    rows = resources.facts("left_out", run)
    if rows.empty:
        return
    with st.expander(f"Left out ({len(rows)})", icon=":material/hide_image:"):
        shown = rows[["file", "reason", "where"]]
        st.dataframe(shown, hide_index=True, alt="Pictures that were not taken in, and why")
        charts.csv(shown, f"left-out-{run.id}")


def _spread(run: Run, parts: pd.DataFrame) -> None:
    """One measure's distribution, and whether it alone tells GOOD from BAD."""
    st.subheader("Are GOOD and BAD taken in the same way?", anchor=False)
    left, right = st.columns(2)
    titles = {key: title for key, (title, _) in parts_plots.MEASURES.items()}
    measure = left.segmented_control(
        "Measure", list(titles), format_func=titles.__getitem__, default="brightness", required=True
    )
    few = 1 < parts["group"].nunique() <= data_checks.FEW_GROUPS
    by = "type"
    if few:
        by = right.segmented_control("By", ["type", "group"], default="type", required=True)
    columns = ["part", "feature", "label", "group", measure]
    charts.of_run(
        run,
        f"{measure}-{by}",
        lambda: parts_plots.spread(parts, measure, by == "group"),
        parts[columns],
        f"{titles[measure]} of GOOD and BAD parts by {by}",
    )
    if measure in TELLING:
        _telling(run, measure, titles[measure])


def _telling(run: Run, measure: str, title: str) -> None:
    figures = resources.facts("figures", run)
    rows = figures[figures["metric"] == data_checks.MEASURES[TELLING[measure]]]
    if rows.empty:
        return
    draw = partial(parts_plots.tell_tales, rows, title, data_checks.TELLS)
    alt = f"{SEPARATION.words} by {title.lower()} alone per feature type"
    charts.of_run(run, f"alone-{measure}", draw, rows.drop(columns="run_id"), alt)
    st.caption(
        f"A model may learn the lighting or the crop instead of the defect where {title.lower()} "
        f"alone reaches more than {data_checks.TELLS}. A defect that makes the part darker does so "
        "too: then it is no fault."
    )


def _gallery(run: Run, parts: pd.DataFrame) -> None:
    left, middle, right = st.columns(3)
    feature = left.selectbox("Feature type", ["all", *sorted(parts["feature"].unique())])
    label = middle.selectbox("Label", ["all", "GOOD", "BAD"])
    alike = right.selectbox("Copies", ALIKE)
    shown = parts if feature == "all" else parts[parts["feature"] == feature]
    shown = shown if label == "all" else shown[shown["label"] == Label[label]]
    shown = _alike(shown, alike)
    masks = "mask_path" in parts and st.toggle("Show defect masks")
    if shown.empty:
        st.info("No part is like this.", icon=":material/search_off:")
        return
    rows = gallery.page_of(shown, f"parts-{run.id}-{feature}-{label}-{alike}")
    with st.container(horizontal=True, key=f"small-pictures-{run.id}"):
        for row in facts.records(rows):
            mask = row.get("mask_path") if masks else None
            mask_path = run.folder / mask if isinstance(mask, str) else None
            picture = gallery.overlaid(run.folder / row["path"], mask_path, None, 160)
            caption = _caption(row, alike != ALIKE[0])
            st.image(
                picture, width="stretch", caption=caption, alt=f"Part {row['part']}, {caption}"
            )


def _caption(row: Mapping[str, Any], with_group: bool) -> str:
    words = f"{row['feature']} · {Label(row['label']).name}"
    words += f": {row['defect']}" if row["defect"] else ""
    return charts.plain(f"{words} · {row['part']}, group {row['group']}" if with_group else words)


def _alike(parts: pd.DataFrame, which: str) -> pd.DataFrame:
    """Those that look like another, side by side."""
    if which == ALIKE[0]:
        return parts
    copies = parts["digest"].notna() & parts.duplicated("digest", keep=False)
    alike = parts[copies | (parts["near_group"] > 0)]
    if which == ALIKE[2]:
        alike = alike[alike["leak"].fillna(False).astype(bool)]
    return alike.sort_values(["near_group", "digest", "part"])


kind_page(
    "parts",
    "Pictures of single parts, GOOD and BAD, by feature type, and checked before "
    "anything is learned from them. Simulate printed ones, let a detector cut them out "
    "of full pictures, or bring your own: a folder or zip with a `metadata.csv` "
    "(`file_name,feature,label`), MVTec AD folders, or folders called `good` and `bad`.",
    show,
)
