"""Latency: how long a part takes on this computer."""

import streamlit as st

from backend import published
from backend.core import runs
from backend.core.runs import Run
from backend.deployment.latency.load import Load
from backend.deployment.latency.spec import Result
from backend.plots import deployment as deployment_plots
from pages.ui import charts, forms, resources
from pages.ui.run_view import kind_page


def show(run: Run) -> None:
    result = runs.result(run, Result)
    rows = resources.facts("latencies", run)
    charts.metrics(
        [
            ("Median", _ms(result.p50), "Half of the parts are faster"),
            ("95 % within", _ms(result.p95), ""),
            ("99 % within", _ms(result.p99), ""),
            ("Parts per second", f"{result.parts_per_second:.0f}", "One after the other"),
        ]
    )
    busy = result.busy
    if busy:
        st.warning(charts.plain(busy), icon=":material/speed:")
    if st.button(
        "Measure again", icon=":material/replay:", type="primary" if busy else "secondary"
    ):
        forms.start("latency", run.spec, run.name, run.id)
    st.caption(f"{result.variant} on {result.cpu}, n = {len(rows)} after a warm-up.")
    st.caption(_conditions(result.load))
    budget = st.toggle(
        f"Show source B's budget ({published.LATENCY_MS:.0f} ms a part on a Jetson AGX)",
        help=published.SOURCE_B,
    )
    charts.figure(
        deployment_plots.latency_histogram(
            rows, published.LATENCY_MS if budget else None, bool(busy)
        ),
        rows.drop(columns="run_id"),
        f"latency-{run.id}",
        "Histogram of milliseconds per part with percentiles",
    )
    over = (rows["milliseconds"] > published.LATENCY_MS).mean()
    st.markdown(f"{over:.1%} of the parts took longer than {published.LATENCY_MS:.0f} ms.")


def _ms(value: float) -> str:
    return f"{value:.2f} ms" if value < 10 else f"{value:.1f} ms"


def _conditions(load: Load | None) -> str:
    """How busy the computer was, as far as it told."""
    if load is None:
        return "How busy the computer was is not known: an older version measured this."
    words = [
        f"{share:.0%} of {load.cores} cores {when}"
        for share, when in ((load.others_before, "before"), (load.others_during, "meanwhile"))
        if share is not None
    ]
    told = [f"At work on other things: {', '.join(words)}"] if words else []
    told += [f"load average {load.load:.1f} a core"] if load.load is not None else []
    told += [f"{load.other_jobs} other jobs of this program"]
    told += [f"{load.mhz / 1000:.1f} GHz"] if load.mhz else []
    told += ["processor slowed down"] if load.throttled else []
    told += ["on battery"] if load.on_battery else []
    return f"{'; '.join(told)}."


kind_page(
    "latency",
    "Time an exported model on this computer, part by part, from picture to score.",
    show,
)
