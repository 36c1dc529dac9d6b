"""Compare runs: a table of all of a kind, and the chosen ones beside each other."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st

from backend.actions import sharing
from backend.core import registry
from backend.core.runs import Run
from backend.records import UserError
from backend.settings import settings
from backend.sharing import named
from backend.sharing.compare import beside, datasets, overlaid, paired, views
from backend.sharing.compare.views import View
from backend.sharing.report.scope import Scope
from pages.ui import address, charts, identity, links, project, report_view, resources
from pages.ui.layout import header, plain_errors

CHOSEN = "compared-runs"


def show() -> None:
    known = views.every(settings().storage)
    asked = known.get(st.query_params.get("view", ""))
    kinds = _kinds()
    if not kinds:
        st.info(
            "No run is completed yet. Start one from its own page, or the demo from the overview.",
            icon=":material/info:",
        )
        st.page_link(links.OVERVIEW, label="Overview", icon=":material/home:")
        return
    wanted = [run_id for run_id in st.query_params.get("runs", "").split(",") if run_id]
    first = asked.kind if asked else _kind_of(wanted) or max(kinds, key=kinds.__getitem__)
    if max(kinds.values()) == 1:
        st.info(
            "No kind has two completed runs yet, and a comparison needs two. Start one again with "
            "another setting: its page has “Run again”.",
            icon=":material/compare_arrows:",
        )
        st.page_link(links.RUNS, label="Runs", icon=":material/list_alt:")
    kind = st.selectbox(
        "Runs of",
        list(kinds),
        index=list(kinds).index(first) if first in kinds else 0,
        format_func=lambda name: registry.get(name).title,
        key=f"compare-kind-{first}",
    )
    view = _view(kind, asked if asked and asked.kind == kind else None)
    rows = _rows(view)
    _saved(known, view)
    if rows.empty:
        st.info(
            "No run of this kind has that in its name. Clear the field, or try fewer letters.",
            icon=":material/filter_alt_off:",
        )
        return
    newest = sorted(rows["id"], reverse=True)[:2]
    _chosen(view, rows, [run_id for run_id in wanted if run_id in set(rows["id"])] or newest)


def _rows(view: View) -> pd.DataFrame:
    """The runs of the view; among those of all projects with the name of their own."""
    rows = views.rows(resources.store(), view)
    if project.all_of_them():
        places = resources.store().of_runs(
            "SELECT id, project FROM runs WHERE kind = ?", [view.kind]
        )
        names = project.named(places.set_index("id")["project"])
        rows.insert(1, "project", rows["id"].map(names))
    return rows


def _kinds() -> dict[str, int]:
    """Kinds of which a run is completed, as the registry orders them → how many are."""
    found = resources.store().of_runs(
        "SELECT kind, count(*) AS n FROM runs WHERE state = 'completed' GROUP BY kind"
    )
    there = {str(kind): int(n) for kind, n in zip(found["kind"], found["n"], strict=True)}
    known = [kind.name for kind in registry.KINDS if not kind.service]
    return {name: there[name] for name in known if name in there}


def _kind_of(wanted: list[str]) -> str:
    """The kind of the runs that the address names."""
    try:
        return resources.supervisor().find(wanted[0]).kind if wanted else ""
    except UserError:
        return ""


def _view(kind: str, asked: View | None) -> View:
    """Which columns and which runs, from the fields above the table."""
    every = views.columns(kind)
    start = asked or View("", kind, views.first_columns(kind))
    key = f"{kind}-{start.name}"
    left, right = st.columns([1, 2])
    words = left.text_input("Name contains", start.words, key=f"words-{key}", max_chars=80)
    chosen = right.multiselect(
        "Columns",
        list(every),
        [name for name in start.columns if name in every],
        format_func=every.__getitem__,
        key=f"columns-{key}",
    )
    left, right = st.columns([2, 1], vertical_alignment="bottom")
    order = left.selectbox(
        "Sorted by",
        chosen or ["created"],
        index=chosen.index(start.order) if start.order in chosen else 0,
        format_func=every.__getitem__,
        key=f"order-{key}",
    )
    falling = right.toggle("Highest first", start.falling, key=f"falling-{key}")
    return View(start.name, kind, tuple(chosen), words, order, falling)


def _saved(known: dict[str, View], view: View) -> None:
    """Views to open, and the present one to keep under a name."""
    with st.expander(f"Saved views ({len(known)})", icon=":material/bookmark:"):
        for name, each in known.items():
            left, right = st.columns([4, 1], vertical_alignment="center")
            title = registry.get(each.kind).title
            left.page_link(
                "pages/sharing/compare.py",
                label=f"{charts.plain(name)} · {title}",
                icon=":material/table_view:",
                query_params={"view": name},
            )
            may = identity.may("sharing.remove_view")
            if may and right.button("Remove", key=f"remove-{name}", type="tertiary"):
                sharing.remove_view(identity.actor(), settings(), name)
                st.rerun()
        if not identity.may("sharing.save_view"):
            return
        left, right = st.columns([3, 1], vertical_alignment="bottom")
        name = left.text_input("Keep this table as", view.name, max_chars=named.LONGEST)
        if right.button("Keep", icon=":material/bookmark_add:", disabled=not name.strip()):
            kept = View(name.strip(), view.kind, view.columns, view.words, view.order, view.falling)
            sharing.save_view(identity.actor(), settings(), kept)
            st.query_params["view"] = kept.name
            st.rerun()


def _chosen(view: View, rows: pd.DataFrame, first: list[str]) -> None:
    """The table, and what was picked in it side by side. first: ids of those picked to begin with,
    and again where the rows are others."""
    key = f"{CHOSEN}-{view.kind}-{view.words}-{view.order}-{view.falling}"
    event = st.dataframe(
        rows.drop(columns="id"),
        hide_index=True,
        on_select="rerun",
        selection_mode="multi-row",
        selection_default={"selection": {"rows": np.flatnonzero(rows["id"].isin(first)).tolist()}},
        key=f"table-{key}",
        alt="Runs of this kind",
    )
    charts.csv(rows, f"runs-{view.kind}")
    ids = [str(rows["id"].iloc[place]) for place in event["selection"]["rows"]]
    if len(ids) < 2:
        st.caption("Pick two rows or more to see them side by side.")
        return
    address.follow("runs", ",".join(ids))
    _beside([resources.supervisor().find(run_id) for run_id in ids])


def _beside(runs: Sequence[Run]) -> None:
    """What differs, the figures, the curves, and tests where the test data are the same."""
    beside.check(runs)
    st.subheader("Side by side", anchor=False)
    tests, told = paired.table(runs)
    for words in told:
        st.info(charts.plain(words), icon=":material/info:")
    if len(tests):
        st.dataframe(tests, hide_index=True, alt="Differences on the same test data")
        st.caption("The difference itself, on the same test data; p adjusted after Holm.")
    differ, figures = beside.settings(runs), beside.figures(runs)
    if differ.empty:
        st.caption("All settings are the same.")
    else:
        st.dataframe(differ, hide_index=True, alt="Settings that differ")
    if len(figures):
        st.dataframe(figures, hide_index=True, alt="Figures with their 95 % intervals")
        charts.csv(figures, f"figures-{runs[0].id}")
    for chart in overlaid.charts(runs):
        st.markdown(f"**{charts.plain(chart.title)}**")
        name = f"{chart.name}-{'-'.join(run.id for run in runs)}"
        charts.figure(chart.untitled(), chart.data, name, chart.title)
        if chart.words:
            st.caption(chart.words)
    if len(runs) == 2 and runs[0].kind in datasets.KINDS:
        _changed(runs[0], runs[1])
    report_view.offer(Scope(tuple(run.id for run in runs)), f"comparison-of-{len(runs)}")


def _changed(first: Run, second: Run) -> None:
    """What the second set has, lacks or labels otherwise."""
    older, newer = sorted((first, second), key=lambda run: run.created)
    found = datasets.changes(older, newer)
    counts = found["change"].value_counts()
    told = ", ".join(f"{counts.get(word, 0)} {word}" for word in datasets.WORDS)
    st.markdown(f"**From {charts.plain(older.name or older.id)} on:** {told}.")
    if len(found):
        st.dataframe(found, hide_index=True, alt="Images that differ between the two sets")
        charts.csv(found, f"changes-{older.id}-{newer.id}")
    st.caption("An image is the same where its name is; labels count as people corrected them.")


header(
    "Compare runs",
    "Every run of a kind in one table, with the settings and figures that you choose. "
    "Pick some to see them beside each other, with a paired test where that can be had.",
)
with plain_errors():
    show()
