"""Latency: how long a part takes on this computer."""

import streamlit as st

from backend.plots import deployment as deployment_plots
from backend.runs import Run
from pages.ui import charts, owner
from pages.ui.run_view import kind_page

SOURCE_B_BUDGET_MS = 50.0


def show(run: Run) -> None:
    result = run.result or {}
    rows = owner.facts("latencies", run)
    charts.metrics(
        [
            ("Median", f"{result['p50']:.1f} ms", "Half of the parts are faster"),
            ("95 % within", f"{result['p95']:.1f} ms", ""),
            ("99 % within", f"{result['p99']:.1f} ms", ""),
            ("Parts per second", f"{result['parts_per_second']:.0f}", "One after the other"),
        ]
    )
    st.caption(f"{result['variant']} on {result['cpu']}, n = {len(rows)} after a warm-up.")
    budget = st.toggle("Show source B's budget (50 ms a part on a Jetson AGX)")
    charts.figure(
        deployment_plots.latency_histogram(rows, SOURCE_B_BUDGET_MS if budget else None),
        rows.drop(columns="run_id"),
        f"latency-{run.id}",
        "Histogram of milliseconds per part with percentiles",
    )
    over = (rows["milliseconds"] > SOURCE_B_BUDGET_MS).mean()
    st.markdown(f"{over:.1%} of the parts took longer than {SOURCE_B_BUDGET_MS:.0f} ms.")


kind_page(
    "latency",
    "Time an exported model on this computer, part by part, from picture to score.",
    show,
)
