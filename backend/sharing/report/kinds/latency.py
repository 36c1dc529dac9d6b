"""Latency in a report: how long a part takes on this computer."""

from collections.abc import Iterator

import pandas as pd

from backend.core import runs
from backend.core.runs import Run
from backend.deployment.latency import tables
from backend.deployment.latency.spec import COLD, STAGES, Result
from backend.plots import deployment as plots
from backend.sharing.report import general
from backend.sharing.report.items import Chart, Item
from backend.wording import counted

STEPS = {
    STAGES: "Where the time of a part goes",
    COLD: "From the start of the program to the first verdict",
}


def said(run: Run) -> Iterator[str]:
    """Is it fast enough, and where was it measured?"""
    result = runs.result(run, Result)
    words = f"99 of 100 parts are done within {result.p99:.1f} ms"
    if result.budget is None:
        yield f"{words}, measured on {counted(result.repetitions, 'part')}."
    else:
        kept = {True: "Fast enough", None: "Probably fast enough", False: "Too slow"}
        yield f"{kept[result.keeps_budget]}: {words}; the budget is {result.budget:g} ms."
    yield f"Measured on {result.cpu}, {counted(result.threads, 'thread')}: {result.variant}."


def items(run: Run) -> Iterator[Item]:
    """Times of every call, where they go, and the percentiles."""
    result, figures = runs.result(run, Result), general.rows(run, "figures")
    calls = tables.plain(general.rows(run, "latencies")).assign(run=run.name or run.id)
    if len(calls):
        yield Chart(
            "1-latency",
            "Parts done within a time",
            "From the bytes of a picture to the verdict, one part after the other.",
            plots.latency_ecdf(calls, result.budget, bool(result.busy)),
            calls,
        )
    for series, title in STEPS.items():
        mine: pd.DataFrame = tables.of_series(figures, series).assign(run=run.name or run.id)
        if len(mine):
            chart = plots.latency_steps(mine, title)
            yield Chart(f"2-{series}", title, "Medians, step by step.", chart, mine)
    yield from general.figures(run)


def limits(run: Run) -> Iterator[str]:
    """What makes the times doubtful elsewhere."""
    result = runs.result(run, Result)
    if result.busy:
        yield result.busy
    yield "On another computer times differ: measure there."
