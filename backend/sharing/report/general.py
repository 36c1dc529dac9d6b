"""What every run can show, whatever its kind: figures with intervals, curves, settings, result."""

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from backend import glossary, plots
from backend.core import facts, registry, runs, specs
from backend.core.runs import Run
from backend.sharing.report.items import Chart, Item, Table
from backend.wording import known

BIG = 20  # from here on a figure is written as a whole number
LIKE = "A figure in brackets is its 95 % interval: so far chance alone may have moved it. n counts "
LIKE += "what it was measured on."


def rows(run: Run, table: str) -> pd.DataFrame:
    """A run's rows of a table of facts, none where it wrote none. Raises UserError if damaged."""
    if not facts.path(run.folder, table).exists():
        return pd.DataFrame(columns=list(facts.columns(table)))
    return facts.read(run.folder, table)


def figure(value: float | None, low: float | None = None, high: float | None = None) -> str:
    """`0.62 [0.53, 0.72]`; large values as whole numbers, a dash where there is none."""
    if value is None or not known(value):
        return "–"
    if low is None or high is None or not known(low) or not known(high):
        return _number(value)
    return f"{_number(value)} [{_number(low)}, {_number(high)}]"


def _number(value: float) -> str:
    text = (
        f"{value:,.0f}"
        if abs(value) >= BIG
        else f"{value:.3f}"
        if abs(value) < 10
        else f"{value:.1f}"
    )
    return text.replace("-", "−")


def figures(run: Run, title: str = "Figures") -> Iterator[Item]:
    """The table `figures`, a row a figure."""
    found = rows(run, "figures")
    if found.empty:
        return
    triples = found[["value", "low", "high"]].itertuples(index=False, name=None)
    frame = pd.DataFrame(
        {
            "of": [glossary.said(str(name)) for name in found["subject"]],
            "figure": [glossary.said(str(name)) for name in found["metric"]],
            "value [95 % interval]": [figure(*triple) for triple in triples],
            "n": ["–" if pd.isna(n) else f"{int(n):,}" for n in found["n"]],
        }
    )
    yield Table("figures", title, LIKE, frame)


def curves(run: Run) -> Iterator[Item]:
    """Losses and metrics over the steps of a training."""
    frame = plots.curve_frame(runs.events(run.folder))
    for place, (title, mine) in enumerate(plots.split_curves(frame).items(), start=1):
        chart = plots.curves(mine, title)
        yield Chart(f"curves-{place}", title, "As it learned, step by step.", chart, mine)


def settings(run: Run) -> Table:
    """What was asked for, of it what counted."""
    counting = specs.counting(registry.get(run.kind).spec_type, run.spec)
    return Table("settings", "Settings", "", named(counting))


def result(run: Run) -> Table:
    """What came out, figure by figure."""
    found = specs.to_json(runs.result(run, registry.get(run.kind).result_type))
    plain = {name: value for name, value in found.items() if not _long(value)}
    return Table("result", "Result", "", named(plain))


def _long(value: Any) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and len(value) > 12)


def named(values: Mapping[str, Any]) -> pd.DataFrame:
    """Names and values as a person reads them."""
    pairs = [(glossary.called(k), glossary.said(glossary.value(v))) for k, v in values.items()]
    return pd.DataFrame(pairs, columns=["name", "value"])
