"""The dashboard as one person sees it, in the project that they look at."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from backend.core import jobs, projects
from backend.core.audit import Actor
from backend.core.jobs import Supervisor
from backend.core.runs import Run
from backend.core.store import OfProject
from backend.records import UserError
from backend.settings import Settings


@dataclass(frozen=True)
class Window:
    """Every run that a page shows is listed or found through here.

    who: looks, and may see what their projects hold. project: the id of the one they look at: only
    its runs are listed, and what they ask for belongs to it; `projects.ALL`: those of every one
    they may see are listed, and nothing is started.
    """

    owner: Supervisor
    who: Actor
    project: str

    @property
    def settings(self) -> Settings:
        return self.owner.settings

    @property
    def store(self) -> OfProject:
        """The database with the runs of this project alone."""
        return OfProject(self.owner.store, *self.places)

    @cached_property
    def places(self) -> tuple[str, ...]:
        """The ids of the projects that are looked at; archived ones are not among all."""
        if self.project != projects.ALL:
            return (self.project,)
        seen = projects.seen(self.settings.storage, self.who.name, self.who.role)
        return tuple(i for i, one in seen.items() if not one.archived)

    @property
    def problems(self) -> dict[str, str]:
        """Run or table → why it cannot be taken in, of what they may see."""
        return {name: words for name, words in self.owner.problems.items() if self.sees(name)}

    def sees(self, name: str) -> bool:
        """May they see the run of this id, or the line of this name? What is neither, they may."""
        try:
            self._check(name)
            if name and (self.settings.storage / "lines" / name).is_dir():
                self.check_line(name)
        except UserError:
            return False
        return True

    @cached_property
    def _lines(self) -> dict[str, str]:
        """Name of a line → the id of its project."""
        return projects.lines(self.settings.runs)

    def _check(self, run_id: str) -> None:
        projects.check_runs(self.settings.storage, self.who.name, self.who.role, [run_id])

    def holds(self, run_ids: Iterable[str], line: str = "") -> bool:
        """Does what is about these runs, or this line, belong to this project?"""
        if line:
            return self._lines.get(line, projects.DEFAULT) in self.places
        places = {projects.of_run(self.settings.storage, run_id) for run_id in run_ids}
        return places <= set(self.places)

    def active(self) -> list[Run]:
        """Pending and running runs of this project, oldest first."""
        return [run for run in self.owner.active() if run.project in self.places]

    def elsewhere(self) -> int:
        """How many runs of other projects are pending or running: they share the queue."""
        return sum(run.project not in self.places for run in self.owner.active())

    def find(self, run_id: str) -> Run:
        """The run of that id, of whatever project they may see. Raises UserError where there is
        none, or they may not."""
        self._check(run_id)
        return self.owner.find(run_id)

    def lines(self, names: Iterable[str]) -> list[str]:
        """Those of these lines that belong to this project, in their order."""
        return [one for one in names if self.holds((), one)]

    def check_line(self, name: str) -> None:
        """Raises UserError where a line belongs to a project that they may not see."""
        place = self._lines.get(name)
        if place is not None:
            projects.check_seen(self.settings.storage, self.who.name, self.who.role, place)

    def dependents(self, run_id: str) -> list[str]:
        """Runs whose settings name this one, of whatever project they may see."""
        return [other for other in self.owner.dependents(run_id) if self.sees(other)]

    def knows(self, run: Run) -> bool:
        """Is the run in the database as its folder is now?"""
        return self.owner.knows(run)

    def tick(self) -> None:
        """Take in what ended."""
        self.owner.tick()

    def waits_for(self, run: Run) -> list[str]:
        """Input runs that a pending run still waits for."""
        return self.owner.waits_for(run)

    # What people ask for; backend/actions has checked that they may.

    def check_place(self, *run_ids: str) -> None:
        """Raises UserError where they may start nothing in what they look at, or nothing that is
        made from these runs."""
        storage = self.settings.storage
        if self.project == projects.ALL:
            raise UserError(
                "You look at all projects, and a run belongs to one. Choose that in the sidebar, "
                "then start it."
            )
        projects.check_seen(storage, self.who.name, self.who.role, self.project)
        jobs.place_of(self.settings, run_ids, self.project)

    def submit(self, kind: str, values: Mapping[str, Any], name: str = "", parent: str = "") -> Run:
        self.check_place()
        return self.owner.submit(kind, values, name, parent, self.project)

    def resume(self, run_id: str) -> None:
        self.owner.resume(run_id)

    def cancel(self, run_id: str) -> bool:
        return self.owner.cancel(run_id)

    def move(self, run_ids: Sequence[str], project: str) -> list[str]:
        return self.owner.move(run_ids, project)

    def delete(self, run_id: str) -> None:
        self.owner.delete(run_id)

    def restore(self, run_id: str) -> None:
        self.owner.restore(run_id)

    def empty_trash(self) -> list[str]:
        return self.owner.empty_trash()
