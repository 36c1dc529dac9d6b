"""What all of it was found on: hashes of the model, of every run, and of the line's own files."""

import hashlib
from collections.abc import Iterator
from contextlib import suppress

import pandas as pd

from backend.core import lineage, registry, runs, spreadsheet
from backend.core.runs import Run
from backend.deployment.package import contract
from backend.line import variant
from backend.line.review import decisions
from backend.records import UserError
from backend.sharing.report.acceptance import gate, speed
from backend.sharing.report.acceptance.evidence import Subject
from backend.sharing.report.items import Table
from backend.sharing.report.origin import HASHED, hash_of

Row = tuple[str, str, str]
FILES = ("facts", "artifacts", "spec.json", "result.json")  # of a run


def behind(about: Subject) -> list[Run]:
    """The runs that the protocol rests on itself."""
    named = [about.used.line_run, about.used.package_run, about.used.threshold_run]
    found = [about.run(run_id) for run_id in named if run_id]
    for piece in (gate.judged, speed.measured):
        with suppress(UserError):  # its own piece of evidence says what is missing
            found.append(piece(about))
    return found


def table(about: Subject) -> Table:
    """A row a file, folder or set of rows."""
    rows = [*_model(about), *_runs(about), *_line(about)]
    frame = pd.DataFrame(rows, columns=["what", "which", "SHA-256"])
    return Table("hashes", "Hashes of everything", HASHED, frame)


def _model(about: Subject) -> Iterator[Row]:
    folder = contract.folder_of(about.runs_folder / about.used.package_run)
    chosen = variant.of(about.storage, about.used.package_run)
    file = chosen.file or folder / contract.MODEL
    yield f"file that judges ({chosen.name})", file.name, contract.sha256(file)
    yield "golden parts", "golden", runs.fingerprint(folder / "golden")


def _runs(about: Subject) -> Iterator[Row]:
    """The runs behind the protocol, and those that these were made from."""
    mine = behind(about)
    named: dict[str, Run | None] = {run.id: run for run in mine}
    named |= {
        one.id: one.run for run in mine for one in lineage.ancestors(run) if one.id not in named
    }
    for run_id, run in named.items():
        if run is None:
            yield "run", run_id, "deleted, or damaged"
            continue
        which = f"{run.id} “{run.name}”" if run.name else run.id
        yield registry.get(run.kind).title.lower(), which, hash_of(run, *FILES)


def _line(about: Subject) -> Iterator[Row]:
    """Verdicts of the period, and decisions of people."""
    told = about.rows[["epoch", "sequence", "verdict", "score", "package", "thresholds"]]
    rows = spreadsheet.written(told)
    yield "verdicts of the period", f"{len(told):,} rows", hashlib.sha256(rows).hexdigest()
    journal = about.home / decisions.JOURNAL
    if journal.exists():
        yield "decisions of people", journal.name, runs.fingerprint(journal)
