"""Where somebody stands on a guided way, worked out from runs alone."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from backend.core import lineage, registry, runs, specs
from backend.core.runs import Run
from backend.inspection.threshold import active
from backend.records import Cause, RunState
from backend.settings import Settings
from backend.ways import parts, photographs, way
from backend.ways.way import Made, Stage, Standing, Step, Way
from tests.unit.inspection.test_threshold import make_inspected, make_threshold

WAYS = (photographs.WAY, parts.WAY)
GOOD_PARTS = {"n": 40, "n_good": 40, "n_bad": 0, "counts": {}, "groups": 40, "duplicates": 0}


class Shelf:
    """Runs looked up in their folders."""

    def __init__(self, root: Path):
        self.root = root

    def find(self, run_id: str) -> Run:
        return runs.read(runs.named(self.root, run_id))

    def dependents(self, run_id: str) -> list[str]:
        found = runs.readable(runs.folders(self.root))
        return [run.id for run in found if run_id in lineage.parents(run)]


@pytest.fixture
def shelf(storage: Settings) -> Shelf:
    return Shelf(storage.runs)


def made(
    shelf: Shelf, kind: str, result: dict[str, Any] | None = None, name: str = "", **values: Any
) -> Run:
    """A run, finished where it has a result."""
    run = runs.create(shelf.root, kind, values, name=name)
    if result is not None:
        runs.finish(run.folder, RunState.COMPLETED, result=result)
    return runs.read(run.folder)


def imported(shelf: Shelf, **result: Any) -> Run:
    """Parts that somebody took in."""
    return made(shelf, "parts", GOOD_PARTS | result, "bottles", source="folder")


def standings(found: list[Stage]) -> dict[str, Standing]:
    return {stage.step.key: stage.standing for stage in found}


def at(found: list[Stage], key: str) -> Stage:
    return next(stage for stage in found if stage.step.key == key)


def test_a_way_begins_with_what_takes_the_pictures_in(shelf):
    first = made(shelf, "parts", source="folder")
    found = way.stages(parts.WAY, first, shelf)
    assert at(found, parts.PARTS).standing is Standing.ACTIVE
    assert {stage.standing for stage in found[1:]} == {Standing.BLOCKED}
    assert at(found, parts.MODEL).why == "After “The parts”."
    assert at(found, parts.PACKAGE).why == "After “The parts”."


def test_the_next_step_is_filled_in_from_the_run_before(shelf):
    first = imported(shelf)
    found = way.stages(parts.WAY, first, shelf)
    assert at(found, parts.MODEL).standing is Standing.NEXT
    values = way.values(parts.WAY.step(parts.MODEL), way.made_by(found))
    assert values["parts_run"] == first.id
    assert values["folds"] == 5
    assert way.standing_words(found) == "1 of 7 steps done; next: Train on these parts"


def test_no_good_part_is_said_before_anything_starts(shelf):
    found = way.stages(parts.WAY, imported(shelf, n_good=0), shelf)
    assert at(found, parts.MODEL).standing is Standing.BLOCKED
    assert "None of the parts is GOOD" in at(found, parts.MODEL).why


def test_the_newest_run_of_these_parts_counts_and_no_other_s(shelf):
    first, other = imported(shelf), imported(shelf)
    made(shelf, "inspect", {}, parts_run=first.id)
    newest = made(shelf, "inspect", {}, parts_run=first.id)
    made(shelf, "inspect", {}, parts_run=other.id)
    found = at(way.stages(parts.WAY, first, shelf), parts.MODEL)
    assert found == Stage(parts.WAY.step(parts.MODEL), Standing.DONE, newest)


def test_a_step_done_again_asks_for_those_behind_it_again(shelf):
    first = imported(shelf)
    model = made(shelf, "inspect", {}, parts_run=first.id)
    made(shelf, "threshold", {}, inspect_run=model.id)
    assert at(way.stages(parts.WAY, first, shelf), parts.LIMITS).run is not None
    made(shelf, "inspect", {}, parts_run=first.id)
    assert at(way.stages(parts.WAY, first, shelf), parts.LIMITS).run is None


def test_a_failed_step_says_why(shelf):
    first = imported(shelf)
    model = made(shelf, "inspect", parts_run=first.id)
    runs.finish(model.folder, RunState.FAILED, error="Too few.", cause=Cause.MISTAKE)
    found = way.stages(parts.WAY, first, shelf)
    assert at(found, parts.MODEL).standing is Standing.STOPPED
    assert at(found, parts.MODEL).why == "Too few."
    assert at(found, parts.LIMITS).why == "After “Train on these parts”."


@pytest.mark.parametrize(("good", "standing"), [(30, Standing.NEXT), (5, Standing.BLOCKED)])
def test_limits_without_enough_good_parts_cannot_be_put_in_force(shelf, good, standing):
    model = runs.read(shelf.root / make_inspected(shelf.root, {"dots": (good, 3)}))
    make_threshold(shelf.root, model.id)
    first = runs.read(shelf.root / model.spec["parts_run"])
    found = at(way.stages(parts.WAY, first, shelf), parts.FORCE)
    assert found.standing is standing
    assert ("19 groups with GOOD parts" in found.why) == (standing is Standing.BLOCKED)


def test_the_way_of_parts_knows_what_is_in_force(shelf, storage):
    model = runs.read(shelf.root / make_inspected(shelf.root, {"dots": (30, 3)}))
    limits = make_threshold(shelf.root, model.id)
    first = runs.read(shelf.root / model.spec["parts_run"])
    active.activate(storage.storage, limits.folder, "Ada", "")
    found = way.stages(parts.WAY, first, shelf)
    assert at(found, parts.FORCE).standing is Standing.DONE
    assert at(found, parts.TAKE).why == "After “Package for the line”."
    made(shelf, "package", {}, model_run=model.id)
    found = way.stages(parts.WAY, first, shelf)
    assert at(found, parts.TAKE).standing is Standing.READY
    assert way.standing_words(found) == "6 of 7 steps done; next: Speed"


def _cannot(made: Made) -> str:
    return "It cannot be."


SHORT = Way(
    "short",
    "Short",
    "",
    (
        Step("first", "parts", "First", ""),
        Step("left", "inspect", "Left", "", {"parts_run": ("first",)}, obstacle=_cannot),
        Step("last", "threshold", "Last", "", {"inspect_run": ("first", "left")}),
    ),
    lambda run: True,
)


def test_a_step_that_the_data_do_not_allow_is_left_out_where_it_may_be(shelf):
    left = replace(SHORT.steps[1], skippable=True)
    going_on = replace(SHORT, steps=(SHORT.steps[0], left, SHORT.steps[2]))
    first = imported(shelf)
    assert standings(way.stages(going_on, first, shelf)) == {
        "first": Standing.DONE,
        "left": Standing.SKIPPED,
        "last": Standing.NEXT,
    }
    stopped = way.stages(SHORT, first, shelf)
    assert at(stopped, "left").why == "It cannot be."
    assert at(stopped, "last").standing is Standing.BLOCKED


def test_ways_are_found_by_how_they_began(shelf):
    simulated = made(shelf, "parts", GOOD_PARTS, source="simulator")
    mine = imported(shelf)
    ids = [simulated.id, "20200101T000000-parts-000000", mine.id]
    assert [run.id for run in way.beginnings(parts.WAY, ids, shelf, 5)] == [mine.id]
    photos = made(shelf, "generate", {}, teacher="folder")
    rendered = made(shelf, "generate", {}, teacher="renderer")
    found = way.beginnings(photographs.WAY, [rendered.id, photos.id], shelf, 5)
    assert [run.id for run in found] == [photos.id]


@pytest.mark.parametrize("one", WAYS, ids=lambda one: one.key)
def test_every_step_goes_on_from_earlier_ones_of_a_fitting_kind(one):
    kinds: dict[str, str] = {}
    for step in one.steps:
        assert set(step.before) <= set(kinds)
        assert all(one.step(key) in one.steps for key in step.together)
        if step.kind:
            known = {p.name: p for p in specs.params(registry.get(step.kind).spec_type)}
            for name, keys in step.inputs.items():
                assert all(kinds[key] in known[name].runs for key in keys)
                assert known[name].many or len(keys) == 1
        kinds[step.key] = step.kind
