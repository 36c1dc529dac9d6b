"""A piece of evidence of the protocol, and what the pieces are about."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from backend.core import runs
from backend.core.runs import Run
from backend.line.promise.in_use import InUse
from backend.line.review.decisions import Decision
from backend.line.spec import Spec
from backend.records import RunState, UserError
from backend.sharing.report.items import Gap, Item, Table
from backend.sharing.report.scope import Period


@dataclass(frozen=True)
class Subject:
    """A line and what it goes by. rows: all parts of the period, as `of_line.parts` gives them.
    said: standing decisions about them."""

    storage: Path
    home: Path
    period: Period
    used: InUse
    rows: pd.DataFrame
    said: list[Decision]

    @property
    def runs_folder(self) -> Path:
        return self.storage / "runs"

    def run(self, run_id: str) -> Run:
        """Raises UserError where it is gone."""
        return runs.read(runs.named(self.runs_folder, run_id))

    @property
    def spec(self) -> Spec:
        """The line's settings."""
        return runs.spec(self.run(self.used.line_run), Spec)

    def newest(self, kind: str, fits: Callable[[Run], bool]) -> Run | None:
        """The newest completed run of a kind that fits."""
        folders = sorted(self.runs_folder.glob(f"*-{kind}-*"), reverse=True)
        made = (run for folder in folders for run in runs.readable([folder]))
        return next((r for r in made if r.state is RunState.COMPLETED and fits(r)), None)


@dataclass(frozen=True)
class Evidence:
    """found: what it says, in a sentence, "" where there is nothing to say. missing: what is
    missing and how to get it, "" where it is whole."""

    title: str
    found: str = ""
    missing: str = ""
    items: tuple[Item, ...] = ()


Piece = Callable[[Subject], Evidence]


def of(title: str, piece: Piece, about: Subject) -> Evidence:
    """The evidence of one piece; what cannot be had is what is missing."""
    try:
        return piece(about)
    except UserError as error:
        return Evidence(title, missing=str(error))


def overview(pieces: Iterable[Evidence]) -> Table:
    """What there is and what is not, a row a piece."""
    rows = [
        {
            "evidence": one.title,
            "state": "missing" if not one.found else "incomplete" if one.missing else "there",
            "what was found": one.found or "–",
        }
        for one in pieces
    ]
    words = "What is missing or incomplete says below how to get it."
    return Table("1-overview", "The evidence at a glance", words, pd.DataFrame(rows))


def shown(pieces: Iterable[Evidence]) -> Iterable[Item]:
    """Each piece's tables and charts, and what is missing in their place."""
    for place, one in enumerate(pieces, start=2):
        yield from one.items
        if one.missing:
            title = f"{one.title}: {'still ' if one.found else ''}missing"
            yield Gap(f"{place}-missing", title, one.missing)
