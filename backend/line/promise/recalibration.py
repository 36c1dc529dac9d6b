"""New limits for a line whose scores drifted, from parts that came since and that people reviewed.

Only parts that were drawn by lot count: they are a fair sample of what comes now, which the parts
between the limits, all of them looked at, are not. Types that did not drift keep their parts.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from backend.core import runs
from backend.inspection.threshold.job import COLUMNS, calibrated_on
from backend.inspection.threshold.limits import least_groups
from backend.inspection.threshold.spec import Spec as ThresholdSpec
from backend.line import control
from backend.line.promise.in_use import InUse
from backend.line.promise.reference import CAUSES
from backend.line.review import rates
from backend.line.review.decisions import Decision, Said
from backend.records import Label, RunState, UserError

FOLDER = "calibrations"  # in the line's folder: a table a recalibration
PENDING = "recalibration.json"  # the threshold run that the line is to go by once it is finished


@dataclass(frozen=True)
class Need:
    """Parts of a type that drifted: those found GOOD since, and how many the promise needs."""

    feature: str
    good: int
    needed: int

    @property
    def is_met(self) -> bool:
        return self.good >= self.needed


def reviewed(
    rows: pd.DataFrame, standing: list[Decision], suspended: dict[str, float], feature: str
) -> pd.DataFrame:
    """Reviewed parts that came since their type drifted, with the columns of a table of scores.

    rows: of the line, with the columns of the outbox. feature: of parts whose source does not tell.
    """
    named = rows.assign(feature=rows["feature"].replace("", feature))
    since = named["feature"].map(suspended)
    some = named[(named["blind"] > 0) & (named["judged"] >= since) & named["score"].notna()]
    looked = rates.judged(some, standing)
    looked = looked[looked["truth"].isin([Said.GOOD, Said.BAD])]
    name = looked["epoch"].astype(str) + "-" + looked["sequence"].astype(str)
    label = looked["truth"].map({Said.GOOD: int(Label.GOOD), Said.BAD: int(Label.BAD)})
    made = looked.assign(part=name, group=name, label=label)
    return made[[*COLUMNS, *CAUSES]]


def needs(
    home: Path, in_use: InUse, found: pd.DataFrame, suspended: dict[str, float]
) -> list[Need]:
    """What each type that drifted has and needs. found: as `reviewed` gives it."""
    wanted = _spec(home, in_use).wanted
    needed = least_groups(wanted.alarm_rate, wanted.confidence)
    good = found[found["label"] == int(Label.GOOD)]["feature"].value_counts()
    return [Need(name, int(good.get(name, 0)), needed) for name in sorted(suspended)]


def _spec(home: Path, in_use: InUse) -> ThresholdSpec:
    run = runs.read(runs.named(control.runs_of(home), in_use.threshold_run))
    return runs.spec(run, ThresholdSpec)


def write(home: Path, in_use: InUse, found: pd.DataFrame, suspended: dict[str, float]) -> Path:
    """The table of scores for new limits. Raises UserError where a type lacks reviewed parts."""
    short = [one for one in needs(home, in_use, found, suspended) if not one.is_met]
    if short:
        told = ", ".join(f"{one.feature}: {one.good} of {one.needed}" for one in short)
        raise UserError(f"Too few reviewed GOOD parts came since the drift ({told}). Review more.")
    before = calibrated_on(runs.named(control.runs_of(home), in_use.threshold_run))
    kept = before[~before["feature"].isin(suspended)]
    target = home / FOLDER / f"{runs.now():%Y%m%dT%H%M%S%f}.csv"
    target.parent.mkdir(parents=True, exist_ok=True)
    pd.concat([kept, found]).to_csv(target, index=False)
    return target


def values(home: Path, in_use: InUse, table: Path) -> dict[str, Any]:
    """The settings of the threshold that is made from a table: those of the one in use."""
    return dict(runs.read(runs.named(control.runs_of(home), in_use.threshold_run)).spec) | {
        "inspect_run": in_use.model_run,
        "scores_file": str(table.resolve()),
        "by_hand": [],
    }


def take_when_done(home: Path, threshold_run: str) -> None:
    """Let the line go by a threshold once it is finished."""
    runs.write_json(home / PENDING, {"threshold_run": threshold_run})


def pending(home: Path) -> str:
    """The threshold that the line waits for, "" for none."""
    path = home / PENDING
    return str(runs.read_json(path)["threshold_run"]) if path.exists() else ""


def take(home: Path) -> str:
    """Go by the threshold that was waited for, if it is finished; what is wrong with it, in words,
    "" where nothing is."""
    waited = pending(home)
    if not waited:
        return ""
    folder = control.runs_of(home) / waited
    state = runs.read(folder).state if folder.is_dir() else RunState.CANCELED
    if not state.ended:
        return ""
    (home / PENDING).unlink(missing_ok=True)
    if state is not RunState.COMPLETED:
        return f"The new limits {waited} were not made. Look at that run, and recalibrate again."
    asked = control.wish(home)
    if asked is not None:
        control.ask(home, replace(asked, threshold_run=waited))
    return ""
