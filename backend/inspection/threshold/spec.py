"""Threshold: what the job is asked for, and what it gives back."""

import math
from dataclasses import dataclass

from backend.core.specs import param
from backend.inspection.threshold.limits import Promise
from backend.records import UserError

CERTIFIED = ("promise", ("certified",))


@dataclass(frozen=True)
class Spec:
    """Which model's scores, and what is promised about GOOD parts."""

    inspect_run: str = param("", "the anomaly model whose scores are judged", run="inspect")
    method: str = param(
        "diffusion",
        "whose scores; the diffusion's are those of the packed model",
        choices=("diffusion", "padim", "mahalanobis", "knn", "patchcore", "flow", "supervised"),
    )
    scores_file: str = param(
        "",
        "a table (CSV) of other parts' scores in place of the model's own: part, feature, label "
        "(1 GOOD, 0 BAD), group, score; as a line writes one of parts that people reviewed",
        path="file",
        optional=True,
        advanced=True,
    )
    promise: str = param(
        "average",
        "average: over many plants (19 GOOD parts for 5 %); certified: for this one (59)",
        choices=("average", "certified"),
    )
    alarm_rate: float = param(
        0.05, "share of GOOD parts that may raise a false alarm", lo=0.001, hi=0.5
    )
    review_rate: float = param(
        0.10,
        "share of GOOD parts that a person may have to see, alarms included; the same as the "
        "alarm rate: no review",
        lo=0.001,
        hi=0.9,
    )
    confidence: float = param(
        0.95, "how sure a certified limit is", lo=0.5, hi=0.999, when=CERTIFIED
    )
    by_hand: tuple[str, ...] = param(
        (),
        "limits chosen by a person for single types, as dots = 3.2; they promise nothing",
        advanced=True,
    )

    def check(self) -> None:
        self.chosen()
        if self.review_rate < self.alarm_rate:
            raise UserError(
                "Review rate includes the alarms, so it cannot be below the alarm rate. "
                "Raise it, or lower the alarm rate."
            )

    def chosen(self) -> dict[str, float]:
        """Feature type → its limit chosen by hand. Raises UserError for a line that gives none."""
        found: dict[str, float] = {}
        for line in self.by_hand:
            name, limit = _limit_by_hand(line)
            if name in found:
                raise UserError(f"By hand: '{name}' is there twice. Take one away.")
            found[name] = limit
        return found

    @property
    def wanted(self) -> Promise:
        confidence = self.confidence if self.promise == "certified" else 0.0
        return Promise(self.alarm_rate, self.review_rate, confidence)


def _limit_by_hand(line: str) -> tuple[str, float]:
    """`dots = 3.2`: the type may hold an equals sign itself."""
    name, _, number = (word.strip() for word in line.rpartition("="))
    try:
        limit = float(number)
    except ValueError:
        limit = math.nan
    if not name or not math.isfinite(limit):
        raise UserError(f"By hand: '{line}' is not of the form: dots = 3.2.")
    return name, limit


@dataclass(frozen=True, kw_only=True)
class Result:
    """version: number among this model's thresholds. ready, short: features with a limit for
    alarms, and those with too few GOOD parts for one. by_hand: of the ready ones those whose limit
    a person chose. missed: known BAD parts that are called GOOD.

    misses, lookalikes: what a person must know of the BAD parts missed, and of copies and
    look-alikes across groups; "" for nothing.
    """

    version: int
    method: str
    promise: str
    alarm_rate: float
    review_rate: float
    ready: tuple[str, ...]
    short: tuple[str, ...]
    n_good: int
    n_bad: int
    missed: int | None = None
    by_hand: tuple[str, ...] = ()
    misses: str = ""
    lookalikes: str = ""
    notes: tuple[str, ...]
