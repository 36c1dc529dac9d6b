"""Plans: runs as steps, each waiting for those it starts from; and which runs a plan became."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from backend.core import lineage, registry, runs, specs
from backend.core.runs import Run
from backend.records import UserError

LOOKED_AT = 50  # newest runs of a kind


@dataclass(frozen=True)
class Step:
    """One run of a plan. `settings` differ from the defaults of its kind.

    inputs: spec field → name of the step whose run goes in there, or the names of several.
    marks: the settings by which a run is known as this step's, among others of its kind.
    work: how much there is to do, in a unit of the step's own, by which measured times are scaled.
    """

    kind: str
    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    inputs: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)
    marks: tuple[str, ...] = ()
    work: float = 1.0

    @property
    def sources(self) -> list[tuple[str, str]]:
        """Spec field and name of a step, for each of its inputs."""
        several = {n: (s,) if isinstance(s, str) else s for n, s in self.inputs.items()}
        return [(name, source) for name, sources in several.items() for source in sources]

    def values(self, made: Mapping[str, str]) -> dict[str, Any]:
        """The step's full settings. made: name of a step → id of its run."""
        spec_type = registry.get(self.kind).spec_type
        many = {p.name for p in specs.params(spec_type) if p.many}
        chosen: dict[str, Any] = {name: [] for name in self.inputs if name in many}
        for name, source in self.sources:
            if name in many:
                chosen[name].append(made[source])
            else:
                chosen[name] = made[source]
        return specs.defaults(spec_type) | dict(self.settings) | chosen

    def fits(self, run: Run) -> bool:
        """Does the run bear the step's marks?"""
        known = settings_of(run)
        return all(known[name] == self.settings[name] for name in self.marks)


@dataclass(frozen=True)
class Plan:
    """Steps in order; the last one's run stands for all. given: name of a step that is not made
    here → id of the run that takes its place."""

    title: str
    steps: tuple[Step, ...]
    given: dict[str, str] = field(default_factory=dict)

    def name_of(self, step: Step) -> str:
        """What the step's run is called; a service by its own name alone."""
        if registry.is_service(step.kind):
            return step.name
        return f"{self.title}: {step.name}"


def settings_of(run: Run) -> dict[str, Any]:
    """All settings of a run, by name; those that an earlier version lacked at their defaults."""
    return dict(vars(runs.spec(run, registry.get(run.kind).spec_type)))


class Finder:
    """Finds which runs plans of these steps became. home: the folder of runs. projects: ids
    of those whose runs alone count, None for all.

    Reads each kind of run once, so ask a new one each time.
    """

    def __init__(
        self, home: Path, steps: tuple[Step, ...], projects: Collection[str] | None = None
    ):
        self.home = home
        self.projects = projects
        self.steps = steps
        self._read: dict[str, list[Run]] = {}
        self._found: dict[str, list[Run]] = {}

    def ended_in(self, last: Run) -> dict[str, Run]:
        """Name of a step → its run, in the plan's order; a deleted one is left out.

        First what `last` was made from, then the newest run of each other step that starts there.
        """
        made = self._behind(last)
        for step in self.steps:
            if step.name not in made and {source for _, source in step.sources} <= made.keys():
                inputs = {(name, made[source].id) for name, source in step.sources}
                branch = self._branch(step, inputs) if inputs else None
                made |= {step.name: branch} if branch else {}
        return {step.name: made[step.name] for step in self.steps if step.name in made}

    def repeats(self, limit: int = 20) -> list[dict[str, Run]]:
        """The newest of these plans, newest first, as `ended_in` gives each."""
        found: list[dict[str, Run]] = []
        for last in self._newest(self.steps[-1].kind):
            if not self._in_order(self._behind(last)):
                continue
            whole = self.ended_in(last)
            if all(step.name in whole for step in self.steps if step.marks):
                found.append(whole)
            if len(found) == limit:
                break
        return found

    def of(self, run_id: str) -> dict[str, Run]:
        """The newest of these plans with that run in it. Raises UserError where there is none."""
        run = runs.read(runs.named(self.home, run_id))
        if run.kind == self.steps[-1].kind and self._in_order(self._behind(run)):
            return self.ended_in(run)
        for made in self.repeats():
            if run_id in (one.id for one in made.values()):
                return made
        raise UserError(
            f"The run '{run_id}' is part of no repeat of this paper. Choose one from the list."
        )

    def _behind(self, last: Run) -> dict[str, Run]:
        """Name of a step → its run, of `last` and what it was made from."""
        made = {self.steps[-1].name: last}
        for step in reversed(self.steps):
            if step.name in made:
                made = self._inputs(step, made[step.name]) | made
        return made

    def _inputs(self, step: Step, run: Run) -> dict[str, Run]:
        named: dict[str, list[str]] = defaultdict(list)
        for name, run_id in lineage.links_of(run.kind, run.spec):
            named[name].append(run_id)
        ids = {source: named[name].pop(0) for name, source in step.sources if named[name]}
        return {source: one for source, run_id in ids.items() for one in self._there(run_id)}

    def _there(self, run_id: str) -> list[Run]:
        """The run of that id; none where it was deleted or is damaged."""
        if run_id not in self._found:
            self._found[run_id] = runs.readable([self.home / run_id])
        return self._found[run_id]

    def _in_order(self, made: Mapping[str, Run]) -> bool:
        """Do those runs that there are bear the marks of their steps?"""
        return all(step.fits(made[step.name]) for step in self.steps if step.name in made)

    def _branch(self, step: Step, inputs: set[lineage.Link]) -> Run | None:
        """The newest run of the step that starts from these; one that still counts goes first."""
        fitting = [
            run
            for run in self._newest(step.kind)
            if inputs <= set(lineage.links_of(run.kind, run.spec)) and step.fits(run)
        ]
        return next((run for run in fitting if not run.state.resumable), next(iter(fitting), None))

    def _newest(self, kind: str) -> list[Run]:
        if kind not in self._read:
            named = runs.folders(self.home, kind)
            if self.projects is not None:
                named = [path for path in named if runs.project_of(path) in self.projects]
            read = runs.readable(named[-LOOKED_AT:])
            self._read[kind] = sorted(read, key=lambda run: run.created, reverse=True)
            self._found |= {run.id: [run] for run in read}
        return self._read[kind]
