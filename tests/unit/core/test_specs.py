"""Specs: one declaration serves the form, the command line, JSON and the check."""

import json
from dataclasses import dataclass

import numpy as np
import pytest

from backend.core import specs
from backend.core.specs import param
from backend.detection.detector.spec import Spec
from backend.detection.mixing import AS_THEY_COME, MIXED, Mixing
from backend.records import UserError


@dataclass(frozen=True)
class Example:
    count: int = param(3, "how many", lo=1, hi=10)
    share: float = param(0.5, "part of the whole", lo=0, hi=1)
    fast: bool = param(False, "be quick")
    mode: str = param("a", "which way", choices=("a", "b"))
    names: tuple[str, ...] = param(("x",), "several", choices=("x", "y"))
    source_run: str = param("", "input", run="generate")
    folder: str = param("", "pictures", path="folder")

    def check(self) -> None:
        if self.fast and self.count > 5:
            raise UserError("Fast allows a count of 5 at most.")


GOOD = {"source_run": "r", "folder": "/"}


def test_json_and_back_is_the_same_spec():
    spec = specs.from_json(Example, GOOD | {"names": ["y", "x"], "share": 1})
    plain = specs.to_json(spec)
    assert json.loads(json.dumps(plain)) == plain, "as JSON reads it back"
    assert specs.from_json(Example, plain) == spec
    assert isinstance(spec.share, float)
    assert spec.names == ("y", "x")


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("count", 0, "Count must be between 1 and 10; got 0."),
        ("count", 11, "Count must be between 1 and 10; got 11."),
        ("count", 2.5, "Count must be a whole number"),
        ("count", True, "Count must be a whole number"),
        ("count", "3", "Count must be a whole number"),
        ("count", None, "Count must be a whole number"),
        ("count", 10**400, "Count must be a whole number"),
        ("share", float("nan"), "Share must be a number"),
        ("share", float("inf"), "Share must be a number"),
        ("share", 10**400, "Share must be a number"),
        ("share", -0.01, "Share must be between 0 and 1"),
        ("fast", 1, "Fast must be yes or no"),
        ("mode", "c", "Mode must be one of: a, b"),
        ("mode", ["a"], "Mode must be text"),
        ("names", "x", "Names must be a list"),
        ("names", ["x", "z"], "Names must be one of: x, y"),
        ("source_run", "", "Source run is missing: choose a finished 'generate' run."),
        ("source_run", "a\0b", "Source run must be text"),
        ("folder", "", "Folder is missing"),
        ("folder", "caf\udce9", "Folder must be text"),
        ("colour", "red", "Unknown setting 'colour'. Known are: count, share"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_by_name(field, value, words):
    with pytest.raises(UserError) as refused:
        specs.from_json(Example, GOOD | {field: value})
    assert words in str(refused.value)


def test_the_bounds_themselves_are_allowed():
    for count, share in ((1, 0), (10, 1), (10.0, 1.0)):
        spec = specs.from_json(Example, GOOD | {"count": count, "share": share})
        assert (spec.count, spec.share) == (count, share)
        assert isinstance(spec.count, int)


def test_a_missing_field_takes_its_default_and_is_checked_too():
    with pytest.raises(UserError, match="Source run is missing"):
        specs.from_json(Example, {"folder": "/"})


def test_the_specs_own_check_sees_all_fields():
    with pytest.raises(UserError, match="Fast allows"):
        specs.from_json(Example, GOOD | {"fast": True, "count": 6})


def test_the_form_sees_every_declaration():
    found = {p.name: p for p in specs.params(Example)}
    assert list(found)[:2] == ["count", "share"]
    assert (found["count"].lo, found["count"].hi, found["count"].type) == (1, 10, int)
    assert found["names"].many
    assert found["names"].type is str
    assert found["source_run"].required
    assert not found["folder"].required
    assert specs.defaults(Example)["mode"] == "a"


def test_a_field_of_two_types_is_a_programming_error():
    @dataclass(frozen=True)
    class Wrong:
        size: int | None = param(None, "size")

    with pytest.raises(TypeError, match="size"):
        specs.params(Wrong)


def test_a_result_becomes_plain_json():
    @dataclass(frozen=True)
    class Result:
        auroc: float
        scores: object
        by_name: dict

    plain = specs.to_json(Result(np.float32("nan"), np.arange(2), {1: (np.int64(4), float("inf"))}))
    assert plain == {"auroc": None, "scores": [0, 1], "by_name": {"1": [4, None]}}
    json.dumps(plain, allow_nan=False)
    with pytest.raises(TypeError, match="set"):
        specs.to_json(Result(0.5, {1}, {}))


@dataclass(frozen=True)
class Branched:
    teacher: str = param("a", "who", choices=("a", "b"))
    mode: str = param("plain", "how", choices=("plain", "over"), when=("teacher", ("b",)))
    start_run: str = param("", "from what", run="generate", when=("mode", ("over",)))


def test_a_field_that_another_choice_rules_out_may_stay_empty():
    specs.from_json(Branched, {"teacher": "b"})
    specs.from_json(Branched, {"teacher": "a", "mode": "over"})
    with pytest.raises(UserError, match="Start run is missing"):
        specs.from_json(Branched, {"teacher": "b", "mode": "over"})


def test_fields_on_which_others_hang_come_first():
    @dataclass(frozen=True)
    class Counted:
        count: int = param(1, "how many", lo=0, hi=9)

    @dataclass(frozen=True)
    class Mixed(Branched, Counted):
        pass

    assert [p.name for p in specs.params(Mixed)] == ["teacher", "mode", "count", "start_run"]


def test_an_older_runs_settings_are_read_without_those_that_are_gone():
    spec = specs.stored(Spec, {"preset": "paper", "size": 640, "gone": 1})
    assert (spec.size, spec.recipe().size) == (640, 128)
    counting = specs.counting(Spec, {"preset": "paper", "size": 640, "seed": 3})
    assert counting == {"preset": "paper", "seed": 3}


def test_an_older_run_means_what_was_done_before_a_field_was_there():
    """Its worker and its page take it alike; a new run has the default."""
    older = {"dataset_run": "x"}
    assert specs.stored(Spec, older).mixings() == (AS_THEY_COME,)
    assert specs.stored(Spec, older).alarm_rate == 1.0
    assert specs.from_json(Spec, specs.as_made(Spec, older)).mixings() == (AS_THEY_COME,)
    assert specs.from_json(Spec, older).mixings() == (Mixing(MIXED, 0.5),)
    assert specs.stored(Spec, older | {"real_share": 0.7}).real_share == 0.7


@dataclass(frozen=True)
class Narrowed:
    stuff: str = param("tin", "what", choices=("tin", "felt"))
    faults: tuple[str, ...] = param(
        ("dent",),
        "which",
        choices=("dent", "tear"),
        within=("stuff", {"tin": ("dent",), "felt": ("tear",)}),
    )


def test_a_field_offers_what_another_leaves_of_its_choices():
    stuff, faults = specs.params(Narrowed)
    assert specs.decides(stuff, (stuff, faults)) and not specs.decides(faults, (stuff, faults))
    assert specs.offered(faults, {"stuff": "felt"}).choices == ("tear",)
    assert specs.offered(stuff, {}) is stuff
    assert specs.from_json(Narrowed, {"stuff": "felt", "faults": ["tear"]}).faults == ("tear",)
    with pytest.raises(UserError, match="Faults: 'dent' does not go with stuff 'felt'"):
        specs.from_json(Narrowed, {"stuff": "felt"})


def test_a_field_is_found_by_the_name_that_it_had_in_an_earlier_version():
    @dataclass(frozen=True)
    class Renamed:
        model_run: str = param("", "the model", run="inspect", formerly=("inspect_run",))

    assert specs.as_made(Renamed, {"inspect_run": "a"}) == {"model_run": "a"}
    assert specs.stored(Renamed, {"inspect_run": "a"}) == Renamed("a")
    with pytest.raises(UserError, match="Unknown setting 'inspect_run'"):
        specs.from_json(Renamed, {"inspect_run": "a"})
