"""Latency: how long a part takes on this computer, against its budget."""

import pandas as pd
import streamlit as st

from backend.core import facts, runs
from backend.core.facts import Figure
from backend.core.runs import Run
from backend.deployment.latency import tables
from backend.deployment.latency.load import Load
from backend.deployment.latency.spec import BATCH, BUSY, COLD, PROVIDER, STAGES, THREADS, Result
from backend.numeric import hardware
from backend.plots import deployment as plots
from backend.records import RunState
from backend.wording import counted
from pages.ui import charts, forms, identity, resources, run_choice
from pages.ui.layout import tabs
from pages.ui.run_view import kind_page

CHANGED = {
    THREADS: "With more threads",
    BATCH: "Several parts in one call",
    PROVIDER: "With what computes",
    BUSY: "While another core works",
}
MOST = 4  # runs beside the one shown


def show(run: Run) -> None:
    result = runs.result(run, Result)
    figures = resources.facts("figures", run)
    _verdict(result)
    _figures(result, facts.by_name(figures))
    _doubts(run, result)
    beside = _beside(run)
    tabs(
        {
            "Spread": lambda: _spread(run, result, beside),
            "Step by step": lambda: _steps(run, beside),
            "What a change does": lambda: _changed(run, figures),
        }
    )


def _verdict(result: Result) -> None:
    """Whether it is fast enough, in one sentence."""
    words = f"99 of 100 parts are done within {_ms(result.p99)}"
    if result.budget is None:
        st.markdown(f"{words}, measured on {counted(result.repetitions, 'part')}.")
        return
    if result.keeps_budget:
        st.badge("Fast enough", icon=":material/check_circle:", color="green")
        more = ""
    elif result.keeps_budget is None:
        st.badge("Probably fast enough", icon=":material/help:", color="orange")
        more = " The 99 % figure could still lie above it: time more calls to be sure."
    else:
        slow = "Too slow while the computer was busy" if result.busy else "Too slow"
        st.badge(slow, icon=":material/cancel:", color="red")
        more = f" {1 - result.within:.1%} of the parts were late."
    st.markdown(f"{words}; the budget is {result.budget:g} ms.{more}")


def _figures(result: Result, known: dict[tuple[str, str], Figure]) -> None:
    start = "After the start of the program; right after a reboot it takes longer"
    own = "Processor time of a part: other work on the computer does not lengthen it"
    found = [
        ("Median", _percentile(result, known, 50), "Half of the parts are faster"),
        ("95 % within", _percentile(result, known, 95), ""),
        (
            "99 % within",
            _percentile(result, known, 99),
            "…: too few calls for a bound",
        ),
        ("Parts per second", f"{result.parts_per_second:.0f}", "One after the other"),
    ]
    if result.budget is not None:
        bounds = f"[{result.within_low:.1%}, {result.within_high:.1%}]"
        found.append(("Within the budget", f"{result.within:.1%} {bounds}", "Exact 95 % interval"))
    if result.cpu_p50 == result.cpu_p50:
        found.append(("Processor time", _ms(result.cpu_p50), own))
    if result.cold_ms == result.cold_ms:
        found.append(
            ("First verdict", f"{result.cold_ms / 1000:.1f} s", f"After the start. {start}")
        )
    charts.metrics(found)


def _percentile(result: Result, known: dict[tuple[str, str], Figure], share: int) -> str:
    """A percentile with its interval; `…` for an upper bound that so few calls do not give."""
    value = _ms({50: result.p50, 95: result.p95, 99: result.p99}[share])
    found = known.get((tables.MAIN, tables.metric(share)))
    if found is None or found.low != found.low:
        return value
    high = f"{found.high:.1f}" if found.high == found.high else "…"
    return f"{value} [{found.low:.1f}, {high}]"


def _doubts(run: Run, result: Result) -> None:
    """On what it was measured, and what makes it doubtful."""
    if result.busy:
        st.warning(charts.plain(result.busy), icon=":material/speed:")
    if result.machine and (changed := hardware.fingerprint().differences(result.machine)):
        words = charts.plain("; ".join(changed))
        st.warning(
            f"Measured on another computer, or before it was changed. From here to there: {words}. "
            "Measure again to know how fast it is here.",
            icon=":material/computer:",
        )
    if result.machine is None:
        st.caption("An older version measured this. For a new run choose a package in the form.")
    elif identity.may("work.submit") and st.button(
        "Measure again", icon=":material/replay:", type="primary" if result.busy else "secondary"
    ):
        forms.start("latency", run.spec, run.name, run.id)
    begins = "From the bytes of a picture to the verdict" if result.machine else "From the crop on"
    st.caption(charts.plain(f"{begins}: {result.variant}. {_machine(result)}"))
    st.caption(_conditions(result.load))


def _machine(result: Result) -> str:
    if result.machine is None:
        return f"{result.cpu}."
    found = result.machine
    card = f", {found.gpu}" if found.gpu else ""
    return (
        f"{found.cpu}{card}, {counted(found.cores, 'core')}, ONNX Runtime {found.onnxruntime}, "
        f"fingerprint {found.id}."
    )


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
    told += [f"{counted(load.other_jobs, 'other job')} of this program"]
    told += [f"{load.mhz / 1000:.1f} GHz"] if load.mhz else []
    told += ["processor slowed down"] if load.throttled else []
    told += ["on battery"] if load.on_battery else []
    return f"{'; '.join(told)}."


def _beside(run: Run) -> dict[str, Run]:
    """This run and those chosen to stand beside it: words → run."""
    words = run_choice.ended("latency", RunState.COMPLETED)
    others = [run_id for run_id in words if run_id != run.id]
    found = {words.get(run.id) or run_choice.run_words(run.id, run.name): run}
    if others:
        chosen = st.multiselect(
            "Compare with",
            others,
            format_func=words.__getitem__,
            max_selections=MOST,
            placeholder="another package, or another computer's run",
            key=f"beside-{run.id}",
        )
        found |= {words[run_id]: resources.supervisor().find(run_id) for run_id in chosen}
    return found


def _spread(run: Run, result: Result, beside: dict[str, Run]) -> None:
    """The plain calls of these runs on one picture, and their figures in a table."""
    frames = [resources.facts("latencies", one).assign(run=words) for words, one in beside.items()]
    rows = pd.concat(frames)
    charts.figure(
        plots.latency_ecdf(tables.plain(rows), result.budget, bool(result.busy)),
        rows.drop(columns="run_id"),
        f"latency-{run.id}",
        "Share of the parts done within each time, with the budget",
    )
    if len(beside) > 1:
        table = pd.DataFrame([_row(words, one) for words, one in beside.items()])
        st.dataframe(table, hide_index=True, alt="The runs' percentiles side by side")
        charts.csv(table, f"latency-beside-{run.id}")


def _row(words: str, run: Run) -> dict[str, str]:
    result = runs.result(run, Result)
    known = facts.by_name(resources.facts("figures", run))
    within = {f"{share} % within": _percentile(result, known, share) for share in tables.SHARES}
    machine = result.machine.id if result.machine else "unknown"
    return {
        "run": words,
        **within,
        "package": f"{result.kind}, {result.size} px" if result.size else result.kind,
        "measured": result.variant,
        "computer": f"{result.cpu}, {machine}",
        "busy": "yes" if result.busy else "no",
    }


def _steps(run: Run, beside: dict[str, Run]) -> None:
    """Where the time of a part goes, and that of the first verdict."""
    titles = {
        STAGES: "Where the time of a part goes",
        COLD: "From the start of the program to the first verdict",
    }
    for series, title in titles.items():
        frames = [
            tables.of_series(resources.facts("figures", one), series).assign(run=words)
            for words, one in beside.items()
        ]
        rows = pd.concat(frames)
        if len(rows):
            by_processor = rows["metric"].eq(tables.PROCESSOR).all()
            name = f"{title} (processor time)" if by_processor else title
            made = plots.latency_steps(rows, name)
            charts.figure(made, rows, f"{series}-{run.id}", f"{title}, step by step")


def _changed(run: Run, figures: pd.DataFrame) -> None:
    """What one change at a time does."""
    found = {series: rows for series in CHANGED if len(rows := tables.of_series(figures, series))}
    for left in range(0, len(found), 2):
        pair = list(found.items())[left : left + 2]
        for column, (series, rows) in zip(st.columns(2), pair, strict=False):
            with column:
                made = plots.latency_medians(rows, CHANGED[series])
                charts.figure(made, rows, f"{series}-{run.id}", f"{CHANGED[series]}, medians")


def _ms(value: float) -> str:
    return f"{value:.{2 if value < 10 else 1 if value < 100 else 0}f} ms"


kind_page(
    "latency",
    "How long a part takes on this computer, from the bytes of its picture to the "
    "verdict, against the time that it may take. Measure it on the computer that is to "
    "judge, while that does what it always does.",
    show,
)
