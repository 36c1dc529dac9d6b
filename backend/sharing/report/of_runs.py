"""The report of one run."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from backend import glossary
from backend.core import registry, runs
from backend.core.runs import Run
from backend.inspection.parts import lookalikes
from backend.records import RunState, UserError
from backend.sharing.report import general, origin
from backend.sharing.report.items import Gap, Item, Report
from backend.sharing.report.kinds import (
    dataset,
    detector,
    distill,
    gate,
    inspect,
    latency,
    parts,
    similarity,
    study,
    threshold,
)


@dataclass(frozen=True)
class Contents:
    """What a kind of run shows.

    said: what came out, in sentences. limits: what a reader must not conclude.
    """

    said: Callable[[Run], Iterator[str]]
    items: Callable[[Run], Iterator[Item]]
    limits: Callable[[Run], Iterator[str]]


def _said(run: Run) -> Iterator[str]:
    """The verdict of a kind that has one, else what it is for."""
    verdict = getattr(runs.result(run, registry.get(run.kind).result_type), "verdict", "")
    yield glossary.said(str(verdict)) if verdict else registry.get(run.kind).summary


def _items(run: Run) -> Iterator[Item]:
    yield from general.figures(run)
    yield from general.curves(run)


def _limits(run: Run) -> Iterator[str]:
    return iter(())


ANY = Contents(_said, _items, _limits)
KINDS = {
    "detector": Contents(detector.said, detector.items, detector.limits),
    "study": Contents(study.said, study.items, study.limits),
    "inspect": Contents(inspect.said, inspect.items, inspect.limits),
    "threshold": Contents(threshold.said, threshold.items, threshold.limits),
    "gate": Contents(gate.said, gate.items, gate.limits),
    "latency": Contents(latency.said, latency.items, latency.limits),
    "similarity": Contents(similarity.said, similarity.items, similarity.limits),
    "parts": Contents(parts.said, parts.items, parts.limits),
    "dataset": Contents(dataset.said, dataset.items, dataset.limits),
    "distill": Contents(distill.said, distill.items, distill.limits),
}


def report(run: Run) -> Report:
    """The whole report of a completed run. Raises UserError for any other."""
    if run.state is not RunState.COMPLETED:
        raise UserError(
            f"The run '{run.name or run.id}' is {run.state.value}, so there is nothing to report. "
            "Choose one that is completed."
        )
    runs.refuse_archived(run.folder)
    contents, kind = KINDS.get(run.kind, ANY), registry.get(run.kind)
    return Report(
        title=f"{kind.title}: {run.name or run.id}",
        lead=tuple(contents.said(run)),
        items=tuple(_kept(contents, run)),
        limits=told(run),
        command=origin.command(run),
        origin=(general.result(run), general.settings(run), *origin.tables(run)),
    )


def _kept(contents: Contents, run: Run) -> Iterator[Item]:
    """The items; where a file is gone or damaged, that in place of what is left."""
    try:
        yield from contents.items(run)
    except UserError as error:
        yield Gap("gap", "Not all of it can be shown", str(error))


def told(run: Run) -> tuple[str, ...]:
    """What was noticed, warned of, and not measured; each once."""
    return tuple(dict.fromkeys(_told(run)))


def _told(run: Run) -> Iterator[str]:
    found = runs.result(run, registry.get(run.kind).result_type)
    for note in (lookalikes.warning(run.folder), *getattr(found, "notes", ())):
        if note:
            yield glossary.said(note)
    yield from KINDS.get(run.kind, ANY).limits(run)
