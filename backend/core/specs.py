"""Specs: frozen dataclasses that describe a job completely, one to one with JSON.

A spec may have `check()`, of its own fields together, and its kind `check_inputs(spec, runs)`, of
what its completed inputs hold: both raise UserError before any work starts.

One declaration of a field serves the form, the command line and the check:

    @dataclass(frozen=True)
    class GenerateSpec:
        count: int = param(150, "how many images", lo=1, hi=100_000)
"""

import dataclasses
import math
import sys
import types
import typing
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar, cast

from backend import glossary
from backend.records import UserError

SpecType = type[Any]
S = TypeVar("S")
_TYPES = {bool: "yes or no", float: "a number", int: "a whole number", str: "text"}


@dataclass(frozen=True)
class Param:
    """One field of a spec, as the form and the command line see it.

    type: bool, int, float or str, or the element type where `many`.
    lo, hi: inclusive range. choices: the allowed values.
    run: the kind of run whose id this field holds ("generate", …), "" where none.
    path: "file" or "folder" where the field is a path on the server, else "".
    when: (other field, its values): the field matters only then; None: always.
    within: (other field, its values and which of the choices each leaves); None: all of them.
    upload: kinds of file that the form takes from the browser instead of a path on the server.
    before: what runs had that were made before the field was there; None: its default.
    formerly: names that the field had in earlier versions.
    wants: what the run must hold to be of use here, a word that its section knows; "": anything.
    grows: the power of the field with which the job's time grows; 0: it hardly does.
    """

    name: str
    type: type
    default: Any
    help: str
    lo: float | None = None
    hi: float | None = None
    choices: tuple[Any, ...] | None = None
    run: str = ""
    path: str = ""
    many: bool = False
    optional: bool = False
    advanced: bool = False
    when: tuple[str, tuple[Any, ...]] | None = None
    within: tuple[str, Mapping[str, tuple[Any, ...]]] | None = None
    upload: tuple[str, ...] = ()
    before: Any = None
    formerly: tuple[str, ...] = ()
    wants: str = ""
    grows: float = 0

    @property
    def label(self) -> str:
        words = self.name.replace("_", " ").capitalize().replace("Lora", "LoRA")
        return glossary.LABELS.get(self.name, words)

    @property
    def runs(self) -> tuple[str, ...]:
        """The kinds of run whose id this field holds."""
        return tuple(self.run.split("|")) if self.run else ()

    @property
    def required(self) -> bool:
        return bool(self.run) and not self.optional and self.default == ""


def param(
    default: Any,
    help: str,
    *,
    lo: float | None = None,
    hi: float | None = None,
    choices: tuple[Any, ...] | None = None,
    run: str = "",
    path: str = "",
    optional: bool = False,
    advanced: bool = False,
    when: tuple[str, tuple[Any, ...]] | None = None,
    within: tuple[str, Mapping[str, tuple[Any, ...]]] | None = None,
    upload: tuple[str, ...] = (),
    before: Any = None,
    formerly: tuple[str, ...] = (),
    wants: str = "",
    grows: float = 0,
) -> Any:
    """Declare a spec field; see `Param` for the arguments."""
    extra = {
        "help": help,
        "lo": lo,
        "hi": hi,
        "choices": choices,
        "run": run,
        "path": path,
        "optional": optional,
        "advanced": advanced,
        "when": when,
        "within": within,
        "upload": upload,
        "before": before,
        "formerly": formerly,
        "wants": wants,
        "grows": grows,
    }
    return dataclasses.field(default=default, metadata=extra)


def params(spec_type: SpecType) -> tuple[Param, ...]:
    """The fields of a spec in the order of their declaration, those first on which others hang."""
    return _params(cast(Hashable, spec_type))


@cache
def _params(spec_type: Any) -> tuple[Param, ...]:
    hints = typing.get_type_hints(spec_type)
    found = [_param_of(field, hints[field.name]) for field in dataclasses.fields(spec_type)]
    return tuple(sorted(found, key=lambda p: not decides(p, found)))


def decides(p: Param, fields: Iterable[Param]) -> bool:
    """Does another field, or what may be chosen in it, hang on this one?"""
    hang = (link for other in fields for link in (other.when, other.within) if link)
    return any(link[0] == p.name for link in hang)


def offered(p: Param, values: Mapping[str, Any]) -> Param:
    """The field with the choices that these values of the others leave it."""
    if p.within is None:
        return p
    other, table = p.within
    return dataclasses.replace(p, choices=table[values[other]])


def matters(p: Param, values: Mapping[str, Any], known: Mapping[str, Param]) -> bool:
    """Does the field count with these values? It does not where another choice rules it out."""
    if p.when is None:
        return True
    other, wanted = p.when
    return values[other] in wanted and matters(known[other], values, known)


def counting(spec_type: SpecType, values: Mapping[str, Any]) -> dict[str, Any]:
    """The stored settings of a run that count: those that no other choice rules out."""
    known = {p.name: p for p in params(spec_type)}
    whole = defaults(spec_type) | dict(values)
    return {
        name: value
        for name, value in values.items()
        if name not in known or matters(known[name], whole, known)
    }


def _param_of(field: dataclasses.Field[Any], hint: Any) -> Param:
    many = typing.get_origin(hint) is tuple
    if many:
        hint = typing.get_args(hint)[0]
    if isinstance(hint, types.UnionType):
        raise TypeError(f"{field.name}: a spec field has one type")
    return Param(field.name, hint, field.default, many=many, **field.metadata)


def defaults(spec_type: SpecType) -> dict[str, Any]:
    return {p.name: p.default for p in params(spec_type)}


def to_json(record: Any) -> dict[str, Any]:
    """A spec or result as JSON reads it back: lists for tuples, null for NaN and infinity.

    Raises TypeError where a field holds something JSON has no word for.
    """
    return {name: _plain(value) for name, value in dataclasses.asdict(record).items()}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if type(value).__module__ == "numpy":
        return _plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    raise TypeError(f"a spec or result cannot hold a {type(value).__name__}")


def as_made(spec_type: SpecType, values: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a run that was made, maybe before some of the fields were there."""
    known = params(spec_type)
    before = {p.name: p.before for p in known if p.before is not None}
    renamed = {old: p.name for p in known for old in p.formerly}
    return before | {renamed.get(name, name): value for name, value in values.items()}


def from_json(spec_type: SpecType, values: Mapping[str, Any]) -> Any:
    """Build and check a spec. Raises UserError naming the field that does not fit."""
    known = {p.name: p for p in params(spec_type)}
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise UserError(
            f"Unknown setting '{unknown[0]}'. Known are: {', '.join(known)}. Correct the name."
        )
    checked = {name: check(known[name], value) for name, value in values.items()}
    spec = spec_type(**checked)
    validate(spec)
    return spec


def stored(spec_type: type[S], values: Mapping[str, Any]) -> S:
    """The settings of a run that was made, maybe by an older version: those that are gone since are
    passed over, new ones mean what was done before, and choices and ranges may have been others.

    Raises UserError for a value of another type.
    """
    known = _unbounded(cast(Hashable, spec_type))
    whole = as_made(spec_type, values)
    given = {name: value for name, value in whole.items() if name in known}
    return spec_type(**{name: check(known[name], value) for name, value in given.items()})


@cache
def _unbounded(spec_type: Any) -> dict[str, Param]:
    """Name → field that takes any value of its type."""
    return {
        p.name: dataclasses.replace(p, lo=None, hi=None, choices=None) for p in params(spec_type)
    }


def validate(spec: Any) -> None:
    """Check every field and the spec's own `check()`, if it has one. Raises UserError."""
    known = {p.name: p for p in params(type(spec))}
    values = {name: getattr(spec, name) for name in known}
    for p in known.values():
        check(p, values[p.name])
        if matters(p, values, known):
            _check_given(p, values[p.name])
            _check_offered(p, values, known)
    if hasattr(spec, "check"):
        spec.check()


def check(p: Param, value: Any) -> Any:
    """The value in the field's type, or UserError in words for a person."""
    if p.many:
        if isinstance(value, str) or not isinstance(value, (list, tuple)):
            raise UserError(f"{p.label} must be a list; got '{value}'. Put it into one.")
        return tuple(check_one(p, item) for item in value)
    return check_one(p, value)


def check_one(p: Param, value: Any) -> Any:
    """One value in the field's type, of several where it takes `many`; else UserError."""
    value = _as_type(p, value)
    if p.choices is not None and value not in p.choices:
        allowed = ", ".join(str(c) for c in p.choices)
        raise UserError(f"{p.label} must be one of: {allowed}; got '{value}'. Choose one of these.")
    below = p.lo is not None and value < p.lo
    above = p.hi is not None and value > p.hi
    if below or above:
        cure = f"Lower it to {p.hi:.10g}" if above else f"Raise it to {p.lo:.10g}"
        raise UserError(f"{p.label} must be {range_words(p)}; got {value}. {cure}.")
    return value


def _check_given(p: Param, value: Any) -> None:
    """Raises UserError where a field that must be filled in is empty."""
    if p.required and value == "":
        raise UserError(f"{p.label} is missing: choose a finished {run_words(p)} run.")
    if p.path and not p.optional and value == "":
        raise UserError(f"{p.label} is missing: name a {p.path} on this computer.")


def _check_offered(p: Param, values: Mapping[str, Any], known: Mapping[str, Param]) -> None:
    """Raises UserError for a choice that another field's value rules out."""
    if p.within is None:
        return
    left, other = offered(p, values).choices or (), known[p.within[0]]
    chosen = values[p.name] if p.many else (values[p.name],)
    for value in chosen:
        if value not in left:
            raise UserError(
                f"{p.label}: '{value}' does not go with {other.label.lower()} "
                f"'{values[other.name]}'. Choose from: {', '.join(map(str, left))}."
            )


def _as_type(p: Param, value: Any) -> Any:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    finite = number and abs(value) <= sys.float_info.max
    if p.type is bool and isinstance(value, bool):
        return value
    if p.type is float and finite:
        return float(value)
    if p.type is int and finite and float(value).is_integer():
        return int(value)
    if p.type is str and isinstance(value, str) and _is_storable(value):
        return value
    raise UserError(f"{p.label} must be {_wanted(p)}; got '{value}'. Correct it.")


def _wanted(p: Param) -> str:
    """What the field takes, in words."""
    if p.choices is not None and p.type is not str:
        return f"{_TYPES[p.type]}, one of: {', '.join(map(str, p.choices))}"
    return f"{_TYPES[p.type]} {range_words(p)}".strip()


def _is_storable(text: str) -> bool:
    """No NUL and no lone surrogate (a file name that is not UTF-8): the database refuses them."""
    return "\0" not in text and not any("\ud800" <= c <= "\udfff" for c in text)


def run_words(p: Param) -> str:
    """The kinds of run that the field takes, as a person says it."""
    return " or ".join(f"'{kind}'" for kind in p.runs)


def range_words(p: Param) -> str:
    """The allowed range as a person says it, "" where there is none."""
    if p.lo is None and p.hi is None:
        return ""
    if p.lo is None:
        return f"at most {p.hi:.10g}"
    if p.hi is None:
        return f"at least {p.lo:.10g}"
    return f"between {p.lo:.10g} and {p.hi:.10g}"
