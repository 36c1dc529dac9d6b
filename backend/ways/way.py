"""A guided way: steps that are runs, and where somebody stands on it.

A way begins with the run that took in the pictures. The run of a later step is the newest of its
kind that was made from the runs of the steps before, so a way goes on in any browser, and what
was started from another page counts too.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import islice
from typing import Any, Protocol

from backend.core import lineage, registry, runs, specs
from backend.core.runs import Run
from backend.records import RunState, UserError

Made = Mapping[str, Run]  # key of a step → its run, the newest


class Standing(StrEnum):
    """Where a step stands. READY: something may be taken away, as often as wanted. SKIPPED: it
    cannot be done with this data, and the way goes on."""

    DONE = "done"
    ACTIVE = "under way"
    STOPPED = "stopped"
    NEXT = "next"
    READY = "ready"
    BLOCKED = "blocked"
    SKIPPED = "left out"


class Book(Protocol):
    """Where runs are looked up: the dashboard's supervisor."""

    def find(self, run_id: str) -> Run: ...

    def dependents(self, run_id: str) -> list[str]: ...


def _nothing(made: Made) -> dict[str, Any]:
    return {}


def _no_words(made: Made) -> str:
    return ""


PASSED = (Standing.DONE, Standing.READY, Standing.SKIPPED)


@dataclass(frozen=True)
class Step:
    """A step of a way.

    kind: of its run; "" for one that a person does, as putting in force. words: what it is for.
    inputs: field of the kind → steps whose runs go in there. after: steps that come before though
    no field names them. settings: what differs from the kind's defaults. obstacle: why the data do
    not allow it, "" where they do; the way then goes on without it where it is skippable.
    together: steps that are queued with it. told: what its run gave, in a few words. reached: is a
    step without a run done? None: it may be done as often as wanted.
    """

    key: str
    kind: str
    title: str
    words: str
    inputs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    after: tuple[str, ...] = ()
    settings: Callable[[Made], dict[str, Any]] = _nothing
    obstacle: Callable[[Made], str] = _no_words
    skippable: bool = False
    optional: bool = False
    together: tuple[str, ...] = ()
    told: Callable[[Made], str] = _no_words
    reached: Callable[[Made], bool] | None = None

    @property
    def before(self) -> tuple[str, ...]:
        """Keys of the steps that it goes on from."""
        return (*(key for keys in self.inputs.values() for key in keys), *self.after)


@dataclass(frozen=True)
class Way:
    """key: of its page. begins: is this a run that somebody begins this way with?"""

    key: str
    title: str
    words: str
    steps: tuple[Step, ...]
    begins: Callable[[Run], bool]

    def step(self, key: str) -> Step:
        return next(step for step in self.steps if step.key == key)


@dataclass(frozen=True)
class Stage:
    """A step with its run, where it stands, and why it goes no further."""

    step: Step
    standing: Standing
    run: Run | None = None
    why: str = ""


def stages(way: Way, first: Run, book: Book) -> list[Stage]:
    """Where each step of a way stands that began with the run `first`."""
    found: list[Stage] = []
    for step in way.steps:
        found.append(_stage(step, way, found, first, book))
    return found


def made_by(found: Iterable[Stage]) -> dict[str, Run]:
    """Key of a step → its run, of those that have one."""
    return {stage.step.key: stage.run for stage in found if stage.run is not None}


def _stage(step: Step, way: Way, before: list[Stage], first: Run, book: Book) -> Stage:
    made = made_by(before)
    is_first = step is way.steps[0]
    run = first if is_first else _newest(step, made, book)
    if run is not None and step.kind:
        return Stage(step, standing_of(run), run, run.error)
    missing = _missing(step, before)
    if missing:
        return Stage(step, Standing.BLOCKED, why=_waits_for(missing))
    if words := step.obstacle(made):
        skipped = Standing.SKIPPED if step.skippable else Standing.BLOCKED
        return Stage(step, skipped, why=words)
    return Stage(step, _standing_without_run(step, made))


def _standing_without_run(step: Step, made: Made) -> Standing:
    if step.kind:
        return Standing.NEXT
    if step.reached is None:
        return Standing.READY
    return Standing.DONE if step.reached(made) else Standing.NEXT


def standing_of(run: Run) -> Standing:
    """Where the step of a run stands."""
    if run.state is RunState.COMPLETED:
        return Standing.DONE
    return Standing.STOPPED if run.state.ended else Standing.ACTIVE


def _missing(step: Step, before: list[Stage]) -> list[Stage]:
    """The steps before that have to be done first."""
    return [s for s in before if s.step.key in step.before and s.standing not in PASSED]


def _waits_for(missing: list[Stage]) -> str:
    first = missing[0]
    if first.standing is Standing.BLOCKED and first.why.startswith("After"):
        return first.why
    return f"After “{first.step.title}”."


def _newest(step: Step, made: Made, book: Book) -> Run | None:
    """The newest run of a step that was made from the runs of the steps before."""
    from_these = [made[key] for keys in step.inputs.values() for key in keys if key in made]
    if not step.kind or not from_these:
        return None
    since = max(made[key].created for key in step.before if key in made)
    wanted = {run.id for run in from_these}
    ids = [i for i in book.dependents(from_these[-1].id) if f"-{step.kind}-" in i]
    known = [run for run in (_found(book, run_id) for run_id in ids) if run is not None]
    fitting = [
        run
        for run in known
        if run.kind == step.kind
        and run.project == from_these[-1].project
        and run.created >= since
        and wanted <= set(lineage.parents(run))
    ]
    return max(fitting, key=lambda run: run.created, default=None)


def _found(book: Book, run_id: str) -> Run | None:
    """The run, None for one that is damaged or was deleted this moment."""
    try:
        return book.find(run_id)
    except UserError:
        return None


def values(step: Step, made: Made) -> dict[str, Any]:
    """All settings of a step's next run, filled in from the runs before."""
    spec_type = registry.get(step.kind).spec_type
    many = {p.name for p in specs.params(spec_type) if p.many}
    chosen: dict[str, Any] = {}
    for name, keys in step.inputs.items():
        ids = [made[key].id for key in keys if key in made]
        chosen[name] = ids if name in many else next(iter(ids), "")
    return specs.defaults(spec_type) | step.settings(made) | chosen


def standing_words(found: list[Stage]) -> str:
    """How far a way is, in a few words."""
    steps = [stage for stage in found if not stage.step.optional]
    at = next((stage for stage in steps if stage.standing not in PASSED), steps[-1])
    done = sum(stage.standing in PASSED for stage in steps)
    return f"{done} of {len(steps)} steps done; {at.standing.value}: {at.step.title}"


def beginnings(way: Way, run_ids: Iterable[str], book: Book, most: int) -> list[Run]:
    """The first of these runs with which somebody began this way."""

    def begun() -> Iterator[Run]:
        for run_id in run_ids:
            run = _found(book, run_id)
            if run is not None and way.begins(run):
                yield run

    return list(islice(begun(), most))


def setting(run: Run, name: str) -> Any:
    """One of the settings a run was asked for with, its kind's default where it names none."""
    return vars(runs.spec(run, registry.get(run.kind).spec_type))[name]
