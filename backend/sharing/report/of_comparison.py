"""The report of several runs of one kind beside each other."""

from collections.abc import Iterator, Sequence

import pandas as pd

from backend.core import registry
from backend.core.runs import Run
from backend.records import RunState, UserError
from backend.sharing.compare import beside, overlaid, paired
from backend.sharing.report import general, of_runs, origin
from backend.sharing.report.items import Gap, Item, Report, Table


def report(runs: Sequence[Run]) -> Report:
    """The whole comparison. Raises UserError where these cannot be compared."""
    beside.check(runs)
    open_ones = [run.name or run.id for run in runs if run.state is not RunState.COMPLETED]
    if open_ones:
        raise UserError(f"Not completed: {', '.join(open_ones)}. Leave these out.")
    kind, (tests, told) = registry.get(runs[0].kind), paired.table(runs)
    found = [f"{row['runs']}: {row['in words']}." for row in tests.to_dict("records")]
    ids = [run.id for run in runs]
    return Report(
        title=f"{kind.title}: {len(runs)} runs compared",
        lead=(*found, *told),
        items=tuple(_items(runs, tests)),
        limits=tuple(_limits(runs)),
        command=" ".join(["python -m backend report", *ids, "--out comparison.html"]),
        origin=tuple(table for run in runs for table in _origin(run)),
    )


def _items(runs: Sequence[Run], tests: pd.DataFrame) -> Iterator[Item]:
    if len(tests):
        words = "The difference itself, on the same test data; p adjusted after Holm."
        yield Table("1-tests", "Tested in pairs", words, tests)
    yield Table("2-figures", "Figures side by side", general.LIKE, beside.figures(runs))
    settings = beside.settings(runs)
    if settings.empty:
        yield Gap("3-settings", "Settings that differ", "None: all settings are the same.")
    else:
        yield Table("3-settings", "Settings that differ", "", settings)
    try:
        yield from overlaid.charts(runs)
    except UserError as error:
        yield Gap("4-curves", "Curves", str(error))


def _origin(run: Run) -> Iterator[Table]:
    for table in origin.tables(run):
        name, title = f"{table.name}-{run.id}", f"{run.name or run.id}: {table.title.lower()}"
        yield Table(name, title, table.words, table.frame)


def _limits(runs: Sequence[Run]) -> Iterator[str]:
    for name, run in zip(beside.names(runs), runs, strict=True):
        yield from (f"{name}: {sentence}" for sentence in of_runs.told(run))
    yield "Runs were chosen by whoever made this page: the best of many looks better than it is."
