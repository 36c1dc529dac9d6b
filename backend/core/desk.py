"""Where a job is asked for: at the dashboard's queue, or on the command line without it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from backend.core import jobs, runs
from backend.core.runs import Run
from backend.settings import Settings


class Desk(Protocol):
    """What the dashboard's supervisor and the command line both take. Each raises UserError."""

    @property
    def settings(self) -> Settings: ...

    def check_place(self, *run_ids: str) -> None:
        """Raises UserError where nothing that is made from these runs may be started from here."""

    def submit(
        self, kind: str, values: Mapping[str, Any], name: str = "", parent: str = ""
    ) -> Run: ...

    def resume(self, run_id: str) -> None: ...

    def cancel(self, run_id: str) -> bool: ...

    def move(self, run_ids: Sequence[str], project: str) -> list[str]: ...


class Owner(Desk, Protocol):
    """What the dashboard's supervisor alone does, for it owns the database."""

    def delete(self, run_id: str) -> None: ...

    def restore(self, run_id: str) -> None: ...

    def empty_trash(self) -> list[str]: ...


@dataclass(frozen=True)
class CommandLine:
    """queued: the dashboard's queue is to run what is submitted, not this process.

    project: the id of the project of what is submitted; None: that of what it is made from.
    """

    settings: Settings
    queued: bool = False
    project: str | None = None

    def check_place(self, *run_ids: str) -> None:
        """Raises UserError where the project is no place for new runs that are made from these."""
        jobs.place_of(self.settings, run_ids, self.project)

    def submit(self, kind: str, values: Mapping[str, Any], name: str = "", parent: str = "") -> Run:
        return jobs.submit(
            self.settings,
            kind,
            values,
            name=name,
            parent=parent,
            queued=self.queued,
            project=self.project,
        )

    def find(self, run_id: str) -> Run:
        """The run of that id. Raises UserError where there is none, or it is damaged."""
        return runs.read(runs.named(self.settings.runs, run_id))

    def resume(self, run_id: str) -> None:
        jobs.resume(self.settings, self.find(run_id), queued=self.queued)

    def move(self, run_ids: Sequence[str], project: str) -> list[str]:
        """Let ended runs belong to another project; the ids of those that did not before."""
        return [run.id for run in jobs.move(self.settings, run_ids, project)]

    def cancel(self, run_id: str) -> bool:
        """Ask a run to stop; False where it ended already."""
        return jobs.request_cancel(self.find(run_id).folder)
