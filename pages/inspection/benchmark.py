"""A public set, or a plant's own tree, judged by its own split, beside what others published."""

import pandas as pd
import streamlit as st

from backend.core import runs
from backend.core.runs import Run
from backend.glossary import SEPARATION
from backend.inspection.benchmark import report
from backend.inspection.benchmark.spec import Result
from backend.plots import benchmark as benchmark_plots
from backend.wording import counted
from pages.ui import caveats, charts, resources
from pages.ui.run_view import kind_page


def show(run: Run) -> None:
    result = runs.result(run, Result)
    figures, auroc, located, left_out = (
        resources.facts(name, run) for name in ("figures", "auroc", "localisation", "left_out")
    )
    rows = report.table(figures, auroc, located, result)
    _head(rows, result)
    caveats.noted(result.notes)
    shown = report.in_words(rows)
    mean = rows["category"] == report.MEAN
    st.subheader("Mean over the categories", anchor=False)
    _frame(report.means(shown))
    st.subheader("Each category", anchor=False)
    charts.figure(
        benchmark_plots.categories(rows),
        rows,
        f"benchmark-{run.id}",
        f"{SEPARATION.words} of each category, with intervals and published figures",
    )
    _frame(shown[~mean])
    _how(rows, result)
    _left_out(left_out)
    _page(run)


def _head(rows: pd.DataFrame, result: Result) -> None:
    """What came out, and on how many pictures."""
    mine = rows[(rows["category"] == report.MEAN) & (rows["source"] == report.OURS)].iloc[0]
    ends = [("auroc", SEPARATION.short), ("aupro", report.AUPRO)]
    entries = [
        (words, charts.interval(*(mine.get(f"{n}{e}") for e in ("", "_low", "_high"))), "")
        for n, words in ends
        if pd.notna(mine.get(n))
    ]
    price = "–" if result.part_ms is None else f"{result.part_ms:.1f} ms"
    entries.append(("A part costs", price, "Processor time on one thread, median over categories"))
    name = charts.plain(result.dataset or "Own tree")
    st.caption(
        f"{name}: {counted(len(result.categories), 'category', 'categories')}, mean of the method "
        f"{mine['method']}; judged on {result.n_good} GOOD and {result.n_bad} BAD pictures."
    )
    charts.metrics(entries)


def _frame(rows: pd.DataFrame) -> None:
    st.dataframe(rows, hide_index=True, alt="Figures of the benchmark and published ones")


def _how(rows: pd.DataFrame, result: Result) -> None:
    """Features, way and sources."""
    if others := report.sources(rows):
        st.caption("Published: " + "  \n".join(map(charts.plain, others)))
    with st.expander("How this was measured", icon=":material/straighten:"):
        told = [f"Features: {result.backbone}.", *report.READ_AS]
        st.markdown("\n".join(f"- {charts.plain(line)}" for line in told))


def _left_out(rows: pd.DataFrame) -> None:
    if len(rows):
        st.markdown("**Left out**")
        st.dataframe(rows[["file", "reason"]], hide_index=True, alt="What was left out, and why")


def _page(run: Run) -> None:
    """The whole as one file that opens in any browser."""
    file = run.artifacts / "benchmark.html"
    if file.is_file():
        st.download_button(
            "One page to take away",
            file.read_bytes,
            file_name=f"benchmark-{run.id}.html",
            mime="text/html",
            icon=":material/download:",
            on_click="ignore",
        )


kind_page(
    "benchmark",
    "Judge the anomaly model on a public set, or on your own tree, by the split that it "
    "brings. See it beside what others published.",
    show,
)
