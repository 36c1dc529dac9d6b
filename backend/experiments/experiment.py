"""An experiment: what a person chooses, the plan that follows, and what its runs show."""

import math
import statistics
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from backend.core import registry, specs
from backend.core.runs import Run
from backend.experiments.plans import Finder, Plan, Step, settings_of
from backend.records import RunState, UserError
from backend.sharing.report.items import Gap, Item, Report

QUICK, PAPER = "quick", "paper"
Made = Mapping[str, Run]  # name of a step → its run


@dataclass(frozen=True)
class Choice:
    """What is chosen before a repeat.

    numbers: QUICK, small ones, or those of the PAPER. source_run: the images or parts to begin
    with, "" for new ones by `maker`. test_run: a frozen test set to judge on, "" for none.
    """

    numbers: str = QUICK
    maker: str = ""
    source_run: str = ""
    test_run: str = ""
    seed: int = 0


@dataclass(frozen=True)
class Chapter:
    """Some items of the report. needs: names of the steps that must be completed for it."""

    title: str
    needs: tuple[str, ...]
    items: Callable[[Made], Iterator[Item]]


@dataclass(frozen=True)
class Experiment:
    """verb: its name on the command line. source_kinds: runs that may be begun with. makers: who
    makes new images or parts → in words. holds: how many a run offers to begin with, 0 where it
    cannot be used. choice: what was chosen, read off the runs; differences:
    what is not as in the paper, a sentence each."""

    verb: str
    title: str
    source: str
    source_kinds: tuple[str, ...]
    makers: Mapping[str, str]
    holds: Callable[[Run], int]
    takes_test_set: bool
    plan: Callable[[Choice], Plan]
    choice: Callable[[Made], Choice]
    chapters: tuple[Chapter, ...]
    differences: Callable[[Made], Iterator[str]]

    @property
    def steps(self) -> tuple[Step, ...]:
        """Every step, also the one that makes what may be there already."""
        return self.checked_plan(Choice()).steps

    def checked_plan(self, choice: Choice) -> Plan:
        """The plan, made by the first maker where none is named. Raises UserError for a choice
        that this experiment does not have."""
        if choice.maker and choice.maker not in self.makers:
            known = ", ".join(self.makers)
            raise UserError(f"Maker: '{choice.maker}' is unknown. Choose one of: {known}.")
        if choice.test_run and not self.takes_test_set:
            raise UserError("Locked test images: this experiment takes none. Leave it out.")
        return self.plan(replace(choice, maker=choice.maker or next(iter(self.makers))))

    def finder(self, home: Path, projects: Collection[str] | None = None) -> Finder:
        return Finder(home, self.steps, projects)


def report(experiment: Experiment, made: Made) -> Report:
    """What the completed steps show so far."""
    items: list[Item] = []
    for chapter in experiment.chapters:
        if all(_is_done(made, name) for name in chapter.needs):
            items += _items(chapter, made)
    differences = tuple(experiment.differences(made))
    source = f"Published: {experiment.source}"
    return Report(
        *(experiment.title, (source,), tuple(items), differences, command(experiment, made)),
        limits_title="What is not as in the paper",
    )


def _is_done(made: Made, name: str) -> bool:
    return name in made and made[name].state is RunState.COMPLETED


def _items(chapter: Chapter, made: Made) -> list[Item]:
    """What a chapter shows; where a file is gone or damaged, that."""
    try:
        return list(chapter.items(made))
    except UserError as error:
        return [Gap(chapter.title.lower(), chapter.title, str(error))]


def command(experiment: Experiment, made: Made) -> str:
    """The command that repeats these runs, and where it would not do quite the same, that."""
    choice = experiment.choice(made)
    words = f"python -m backend repeat {experiment.verb} {_options(choice)}".strip()
    if _as_planned(experiment.checked_plan(choice), made):
        return words
    return f"{words}\n# some settings of these runs were others; runs.json has them all"


def _options(choice: Choice) -> str:
    given = vars(choice).items()
    return " ".join(f"--{name.replace('_', '-')} {value}" for name, value in given if value != "")


def _as_planned(plan: Plan, made: Made) -> bool:
    """Were all of these runs asked for as the plan has them?"""
    ids = {name: run.id for name, run in made.items()}
    return all(
        step.name in made and _asked_for(step, ids) == settings_of(made[step.name])
        for step in plan.steps
    )


def _asked_for(step: Step, ids: Mapping[str, str]) -> dict[str, Any]:
    return dict(vars(specs.from_json(registry.get(step.kind).spec_type, step.values(ids))))


def expected(experiment: Experiment, choice: Choice, home: Path) -> str:
    """How long a repeat takes on this computer, from those that were completed here."""
    plan = experiment.checked_plan(choice)
    past = [
        (experiment.choice(made), made)
        for made in experiment.finder(home).repeats(10)
        if all(run.state is RunState.COMPLETED for run in made.values())
    ]
    same = [(was, made) for was, made in past if was.numbers == choice.numbers]
    seconds = math.fsum(_seconds(experiment, step, same or past) for step in plan.steps)
    if not past:
        return "Not measured on this computer yet; each step tells its own time as it goes."
    minutes = f"{seconds / 60:.0f} min" if seconds >= 90 else f"{seconds:.0f} s"
    if same:
        return f"About {minutes}, as earlier repeats with these numbers took on this computer."
    return f"About {minutes}, reckoned from earlier repeats here with other numbers: a rough guess."


def _seconds(experiment: Experiment, step: Step, past: Sequence[tuple[Choice, Made]]) -> float:
    """Median over earlier repeats of a step's time, by how much there was to do."""
    rates = [
        (made[step.name].seconds or 0.0) / mine.work
        for was, made in past
        for mine in experiment.checked_plan(was).steps
        if mine.name == step.name and step.name in made
    ]
    return step.work * statistics.median(rates) if rates else 0.0
