"""Which report is asked for: of one run, of several, of a line, or a line's acceptance protocol."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from backend.core import places, runs
from backend.core.runs import Run
from backend.records import UserError
from backend.sharing.report import of_acceptance, of_comparison, of_line, of_runs
from backend.sharing.report.items import Item, Report, Table
from backend.sharing.report.scope import Period, Scope


def found(storage: Path, scope: Scope) -> tuple[Run, ...]:
    """The runs behind a report of this scope. Raises UserError where one is gone."""
    if scope.protocol:
        return tuple(of_acceptance.behind(storage, scope.line, scope.period))
    return tuple(runs.read(runs.named(storage / "runs", run_id)) for run_id in scope.runs)


def report(storage: Path, scope: Scope) -> Report:
    """The report, without where things lie on this computer. Raises UserError where there is
    nothing to report."""
    return _without_places(_report(storage, scope))


def _report(storage: Path, scope: Scope) -> Report:
    if scope.protocol:
        return of_acceptance.report(storage, scope.line, scope.period)
    if scope.line:
        return of_line.report(storage, scope.line, scope.period)
    if not scope.runs:
        raise UserError("Name a run, several of one kind, or a line.")
    chosen: Sequence[Run] = found(storage, scope)
    if len(chosen) > 1:
        return of_comparison.report(chosen)
    return _of_one(storage, chosen[0])


def _of_one(storage: Path, run: Run) -> Report:
    """A line's run says what the line did; any other has a result."""
    if run.kind == "line" and run.name:
        return of_line.report(storage, run.name, Period())
    return of_runs.report(run)


def _without_places(report: Report) -> Report:
    """The report with of each absolute path only its last part."""
    return replace(
        report,
        lead=tuple(map(places.hidden, report.lead)),
        limits=tuple(map(places.hidden, report.limits)),
        command=places.hidden(report.command),
        items=tuple(map(_item, report.items)),
        origin=tuple(map(_table, report.origin)),
    )


def _item(item: Item) -> Item:
    item = replace(item, words=places.hidden(item.words))
    return _table(item) if isinstance(item, Table) else item


def _table(table: Table) -> Table:
    return replace(table, frame=table.frame.map(places.values))
