"""Results of runs as their dataclasses, also those that an older version wrote."""

import dataclasses
import math
import types
import typing
from collections.abc import Mapping
from typing import Any, TypeVar

R = TypeVar("R")


def from_json(result_type: type[R], values: Mapping[str, Any]) -> R:
    """A result from its JSON. Fields that are gone since are passed over. One that is missing has
    its default, else it says that it is not known: see `_unknown`. A null among floats is NaN.

    Raises ValueError naming the field of another type.
    """
    hints = typing.get_type_hints(result_type)
    found = {
        field.name: _field(field.name, hints[field.name], values)
        for field in dataclasses.fields(typing.cast(Any, result_type))
        if field.name in values or not _has_default(field)
    }
    return result_type(**found)


def _has_default(field: dataclasses.Field[Any]) -> bool:
    none = dataclasses.MISSING
    return field.default is not none or field.default_factory is not none


def _field(name: str, hint: Any, values: Mapping[str, Any]) -> Any:
    if name not in values:
        return _unknown(hint)
    try:
        return _value(hint, values[name])
    except ValueError as error:
        raise ValueError(f"'{name}': {error}") from error


def _unknown(hint: Any) -> Any:
    """What stands for what was not written: NaN for a float, none of several, else None."""
    if hint is float:
        return math.nan
    outer = typing.get_origin(hint) or hint
    return outer() if outer in (tuple, list, dict, str) else None


def _may_be_none(hint: Any) -> bool:
    return isinstance(hint, types.UnionType) and types.NoneType in typing.get_args(hint)


def _value(hint: Any, value: Any) -> Any:
    """A JSON value in the type that a field declares. Raises ValueError where it is another."""
    if _may_be_none(hint):
        wanted = next(each for each in typing.get_args(hint) if each is not types.NoneType)
        return None if value is None else _value(wanted, value)
    outer, inner = typing.get_origin(hint) or hint, typing.get_args(hint)
    if outer in (tuple, list) and isinstance(value, list):
        return outer(_value(inner[0], each) for each in value)
    if outer is dict and isinstance(value, dict):
        return {key: _value(inner[1], each) for key, each in value.items()}
    if dataclasses.is_dataclass(hint) and isinstance(value, dict):
        return from_json(typing.cast(Any, hint), value)
    return _plain(hint, value)


def _plain(hint: Any, value: Any) -> Any:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if hint is float and (number or value is None):
        return math.nan if value is None else float(value)
    if hint is int and number and float(value).is_integer():
        return int(value)
    if hint in (str, bool) and isinstance(value, hint):
        return value
    raise ValueError(f"not {getattr(hint, '__name__', hint)} but {value!r}")
