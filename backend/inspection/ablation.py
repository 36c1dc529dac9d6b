"""What each setting of an anomaly model is worth: the same folds with one thing changed at a time.

The first setting is the model's own. Every other is compared with it on the same parts, in pairs.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backend import facts, runs, specs
from backend.inspection import crossval
from backend.records import Progress, UserError
from backend.specs import param
from backend.wording import chance, known

OWN = "as it is"
FIXED = ("parts_run", "folds", "repeats", "seed", "jobs", "methods", "class_scores")
BESIDE = ("padim",)  # scored on the same features, to tell these from the diffusion's own settings


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
    jobs: int = param(1, "folds worked on at the same time", lo=1, hi=64, advanced=True)

    def check(self) -> None:
        grid(crossval.Spec(parts_run="any"), self.changes)


@dataclass(frozen=True)
class Result:
    """verdict: which settings the diffusion score is better or worse with, beyond chance.

    own_auroc: its mean AUROC as the model is. averaged: feature types that the mean is over.
    lookalikes: what copies and look-alikes across groups mean for these figures, "" for nothing.
    """

    verdict: str
    settings: int
    own_auroc: float
    averaged: tuple[str, ...]
    folds: int
    mode: str
    lookalikes: str


def grid(base: crossval.Spec, changes: tuple[str, ...]) -> dict[str, crossval.Spec]:
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
    known = {p.name: p for p in specs.params(crossval.Spec) if p.name not in FIXED}
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


def run(spec: Spec, out_dir: Path, progress: Progress) -> Result:
    """Cross-validate every setting; writes the facts table `ablations`."""
    from backend.inspection import ablating, folds, lookalikes

    folder = runs.sibling(out_dir, spec.inspect_run)
    base = specs.from_json(crossval.Spec, runs.read(folder).spec)
    base = dataclasses.replace(base, jobs=spec.jobs, methods=BESIDE, class_scores=False)
    settings = grid(base, spec.changes)
    progress(0.01, "reading crops")
    data = folds.load(runs.sibling(out_dir, base.parts_run), base.size)
    judge = ablating.Judge.of(data, spec.resamples, base.seed)
    for setting in settings.values():
        folds.planned(setting, data)  # what cannot be divided is told before hours of work
    rows: list[dict[str, Any]] = []
    for place, (words, setting) in enumerate(settings.items()):
        width = 0.98 / len(settings)
        told = ablating.within(progress, 0.01 + place * width, width, words)
        trial = ablating.measure(setting, data, out_dir, told)
        rows += judge.rows(words, trial)
        facts.write(out_dir, "ablations", rows)
    progress(1.0, "done")
    return _result(rows, judge.averaged, base, lookalikes.warning(folder))


def chances(rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Setting → two-sided p of its difference to the model as it is, after Holm over the settings.

    From the width of the interval, as if the bootstrap were normal; without one nothing is known.
    """
    from backend import statistics

    raw = {}
    for row in rows:
        figures: list[Any] = [row.get(f"difference{end}") for end in ("", "_low", "_high")]
        if all(map(known, figures)):
            value, low, high = figures
            width = (high - low) / (2 * statistics.Z95)
            raw[row["setting"]] = statistics.normal_p(value, width)
    return statistics.holm(raw)


def verdict(rows: Sequence[Mapping[str, Any]]) -> str:
    """Which settings are better or worse than the model as it is; rows of one method."""
    sure, others = chances(rows), len(rows) - 1
    told = [row for row in rows if sure.get(row["setting"], 1) < 0.05]
    parts = [
        f"{side} than the model as it is: "
        + ", ".join(f"{row['setting']} ({chance(sure[row['setting']])})" for row in found)
        for side, found in (
            ("Better", [row for row in told if row["difference"] > 0]),
            ("Worse", [row for row in told if row["difference"] < 0]),
        )
        if found
    ]
    if parts:
        return f"{'. '.join(parts)}. After Holm over {others} settings."
    return "Cannot be told: no setting differs from the model as it is beyond chance (Holm)."


def _result(
    rows: list[dict[str, Any]], averaged: tuple[str, ...], base: crossval.Spec, alike: str
) -> Result:
    mine = [row for row in rows if row["method"] == "diffusion"]
    return Result(
        verdict=verdict(mine),
        settings=len(mine),
        own_auroc=round(mine[0]["auroc"], 4),
        averaged=averaged,
        folds=base.folds,
        mode=base.mode,
        lookalikes=alike,
    )
