"""Reports that people take away: of a run, of several, of a line, or of an experiment.

Putting one together needs every section; they are imported once somebody asks for a report, for
every page has the button.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from backend.core import audit, maintenance
from backend.core.audit import Actor
from backend.records import UserError
from backend.settings import Settings
from backend.sharing.report import apart, archive, formats
from backend.sharing.report.scope import Scope

if TYPE_CHECKING:
    from backend.experiments.experiment import Experiment


def write(
    actor: Actor, settings: Settings, experiment: "Experiment", run_id: str, target: Path | None
) -> Path:
    """Where the report of the repeat with that run in it lies now. Raises UserError."""
    from backend.experiments import experiment as experiments

    made = experiment.finder(settings.runs).of(run_id)
    path = target or settings.exports / f"{experiment.verb}-paper-{run_id}.zip"
    with audit.noting(settings.storage, actor, run_id) as note:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(archive.to_zip(experiments.report(experiment, made), made))
        note("write report", run_id, path.name)
    return path


def taken(actor: Actor, settings: Settings, scope: Scope, form: str) -> bytes:
    """The report as a file's content. form: of `formats`. Raises UserError where it cannot be."""
    with audit.noting(settings.storage, actor, *scope.runs, line=scope.line) as note:
        _, content = apart.made(settings.storage, scope, form)
        note("take report", scope.words, form)
    return content


def keep(actor: Actor, settings: Settings, scope: Scope, form: str, target: Path) -> None:
    """Write the report to a file. Raises UserError where it cannot be made or written."""
    from backend.sharing.report import asked

    with audit.noting(settings.storage, actor, *scope.runs, line=scope.line) as note:
        maintenance.refuse_missing_folder(target.parent)
        made = {run.id: run for run in asked.found(settings.storage, scope)}
        content = formats.written(asked.report(settings.storage, scope), made, form)
        try:
            target.write_bytes(content)
        except OSError as error:
            raise UserError(f"Cannot write {target}: {error.strerror}. Choose another.") from error
        note("take report", scope.words, form)
