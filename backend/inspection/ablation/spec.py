"""Ablation: what the job is asked for, and what it gives back."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from backend.core import specs
from backend.core.specs import param
from backend.inspection.model.spec import Spec as ModelSpec
from backend.records import UserError

OWN = "as it is"
FIXED = (
    *("parts_run", "folds", "repeats", "seed", "jobs", "methods", "class_scores"),
    "best_per_type",
)


@dataclass(frozen=True)
class Spec:
    """Which model is taken as the start, and what is changed."""

    inspect_run: str = param("", "the anomaly model whose settings are varied", run="inspect")
    changes: tuple[str, ...] = param(
        ("timesteps = 1", "timesteps = 8", "strides = 32", "reference = mean", "steps = 0"),
        "settings of the anomaly model that differ, several with a comma between: "
        "mode = uses-bad, separation = 0.5",
    )
    resamples: int = param(
        300, "draws of the bootstrap over groups", lo=50, hi=10_000, advanced=True
    )
    jobs: int = param(1, "test rounds worked on at the same time", lo=1, hi=64, advanced=True)

    def check(self) -> None:
        grid(ModelSpec(parts_run="any"), self.changes)


@dataclass(frozen=True, kw_only=True)
class Result:
    """verdict: which settings the diffusion score is better or worse with, beyond chance.

    own_auroc: its mean AUROC as the model is. averaged: feature types that the mean is over.
    lookalikes: what copies and look-alikes across groups mean for these figures, "" for nothing.
    """

    verdict: str = ""
    settings: int
    own_auroc: float
    averaged: tuple[str, ...]
    folds: int
    mode: str
    lookalikes: str = ""


def grid(base: ModelSpec, changes: tuple[str, ...]) -> dict[str, ModelSpec]:
    """Words → settings, the model's own first. Raises UserError naming what does not fit."""
    found = {OWN: base}
    for line in changes:
        words = ", ".join(f"{k} = {v}" for k, v in _pairs(line).items())
        values = _typed(_pairs(line))
        changed = dataclasses.replace(base, **values)
        specs.validate(changed)
        if changed in found.values():
            if changed == base:
                continue
            raise UserError(f"Changes: '{words}' is there twice. Take one away.")
        found[words] = changed
    return found


def _pairs(line: str) -> dict[str, str]:
    """`dims = 50, steps = 0` as names and values."""
    found = {}
    for piece in line.split(","):
        name, sign, value = (word.strip() for word in piece.partition("="))
        if not sign or not name or not value:
            raise UserError(f"Changes: '{piece.strip()}' is not of the form: dims = 50.")
        found[name.replace(" ", "_").lower()] = value
    return found


def _typed(values: Mapping[str, str]) -> dict[str, Any]:
    """The values in the types of the anomaly model's settings."""
    known = {p.name: p for p in specs.params(ModelSpec) if p.name not in FIXED}
    found: dict[str, Any] = {}
    for name, text in values.items():
        if name not in known:
            raise UserError(f"Changes: '{name}' cannot be varied. Use one of {', '.join(known)}.")
        found[name] = specs.check(known[name], _parsed(known[name], text))
    return found


def _parsed(p: specs.Param, text: str) -> Any:
    if p.many:
        return [_one(p.type, word) for word in text.replace("+", " ").split()]
    return _one(p.type, text)


def _one(wanted: type, text: str) -> Any:
    """The text as a number or yes/no where one is wanted; else as it is, for the check to judge."""
    if wanted is bool:
        return {"yes": True, "true": True, "no": False, "false": False}.get(text.lower(), text)
    if wanted in (int, float):
        try:
            return float(text)
        except ValueError:
            return text
    return text
