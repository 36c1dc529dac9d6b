"""Parts in a report: how many, of which types, and what the checks found."""

from collections.abc import Iterator

import pandas as pd

from backend.core import runs
from backend.core.runs import Run
from backend.inspection.parts.spec import Result
from backend.plots import parts as plots
from backend.records import Label
from backend.sharing.report import general, tiles
from backend.sharing.report.items import Chart, Item, Picture, Table

SHOWN = 24  # parts of each label


def said(run: Run) -> Iterator[str]:
    """What there is to learn from."""
    result = runs.result(run, Result)
    yield f"{result.holds}, of {len(result.features)} feature types in {result.groups} groups."
    yield f"From: {result.source}."


def items(run: Run) -> Iterator[Item]:
    """Counts, findings, pictures."""
    result, parts = runs.result(run, Result), general.rows(run, "parts")
    rows = [(name, good, bad) for name, (good, bad) in result.counts.items()]
    counts = pd.DataFrame(rows, columns=["feature", "GOOD", "BAD"])
    chart = plots.count_bars(result.counts)
    yield Chart("1-counts", "GOOD and BAD parts per feature type", "", chart, counts)
    found = general.rows(run, "part_findings")
    if len(found):
        shown = found[["level", "subject", "words"]]
        yield Table("2-checks", "What the checks found", "", shown)
    for place, label in enumerate((Label.GOOD, Label.BAD), start=3):
        mine = parts[parts["label"] == int(label)].sort_values("feature")
        chosen = mine.iloc[tiles.spread(len(mine), SHOWN)] if len(mine) else mine
        sheet = tiles.sheet(run.folder / str(path) for path in chosen["path"])
        if sheet is not None:
            words = "Taken evenly over the feature types, not chosen."
            yield Picture(f"{place}-{label.name.lower()}", f"{label.name} parts", words, sheet)


def limits(run: Run) -> Iterator[str]:
    """What was left out."""
    result = runs.result(run, Result)
    if result.left_out:
        yield f"{result.left_out} pictures, or parts of them, were not taken in."
