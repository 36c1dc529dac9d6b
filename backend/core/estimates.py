"""What a job will take, from what jobs of its kind took on this computer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from backend.core import specs
from backend.core.specs import Param
from backend.numeric.hardware import duration

NEWEST = 5
NONE = "No estimate yet: no such run on this computer."


@dataclass(frozen=True)
class Measured:
    """A completed run: its settings as stored, and its wall time, s."""

    spec: Mapping[str, Any]
    seconds: float


def words(spec: Any, done: Sequence[Measured]) -> str:
    """The expected time, from the newest runs of the same choices, each scaled to these settings;
    else what the settings can tell by themselves. done: newest first."""
    alike = [one for one in done if _same_choices(spec, one.spec)][:NEWEST]
    if not alike:
        told = spec.estimate() if hasattr(spec, "estimate") else ""
        return str(told) or NONE
    expected = median(one.seconds * factor(spec, one.spec) for one in alike)
    runs = "the newest such run" if len(alike) == 1 else f"the {len(alike)} newest such runs"
    names = [p.label.lower() for p in specs.params(type(spec)) if p.grows and _counts(p, spec)]
    scaled = f", scaled by {' and '.join(names)}" if names else ""
    return (
        f"About {duration(expected)}, from {runs} on this computer{scaled}. With more or larger "
        "images, or beside other jobs, it takes longer."
    )


def factor(spec: Any, before: Mapping[str, Any]) -> float:
    """How many times as long a run with the settings `before` these settings take."""
    found = 1.0
    for p in specs.params(type(spec)):
        if p.grows and _counts(p, spec):
            new, old = (_amount(v) for v in (getattr(spec, p.name), before.get(p.name, p.default)))
            found *= (new / old) ** p.grows if new > 0 and old > 0 else 1.0
    return found


def _amount(value: Any) -> float:
    """A number, the sum of several, or how many texts there are."""
    if isinstance(value, (list, tuple)):
        return float(sum(v if isinstance(v, (int, float)) else 1 for v in value))
    return float(value)


def _counts(p: Param, spec: Any) -> bool:
    known = {other.name: other for other in specs.params(type(spec))}
    return specs.matters(p, vars(spec), known)


def _same_choices(spec: Any, before: Mapping[str, Any]) -> bool:
    """Were all choices that count then the same as now?"""
    return all(
        before.get(p.name, p.default) == getattr(spec, p.name)
        for p in specs.params(type(spec))
        if p.choices and not p.many and _counts(p, spec)
    )
