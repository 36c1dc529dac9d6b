"""A part on the line, and what was said of it. No heavy imports, no I/O."""

import time
from dataclasses import dataclass, field
from enum import StrEnum


class Verdict(StrEnum):
    """What the plant is told of a part. UNINSPECTED: nobody looked, so it is not good."""

    GOOD = "GOOD"
    REVIEW = "REVIEW"
    BAD = "BAD"
    UNINSPECTED = "UNINSPECTED"


def action(verdict: Verdict, uninspected: str) -> str:
    """What the plant is to do with a part. uninspected: with one that nobody looked at."""
    acts = {Verdict.GOOD: "pass", Verdict.REVIEW: "hold", Verdict.BAD: "reject"}
    return acts.get(verdict, uninspected)


@dataclass(frozen=True)
class Captured:
    """A part as its source gives it.

    picture: the file's bytes. feature: its type, "" where the source does not tell. mark: by which
    the source knows it again after a restart, "" for none. captured: UTC, seconds since 1970.
    fault: why there is no picture to judge, "" where there is one. taken: `time.monotonic()` when
    the source had it.
    """

    picture: bytes
    feature: str
    captured: float
    serial: str = ""
    mark: str = ""
    fault: str = ""
    taken: float = field(default_factory=time.monotonic, compare=False)


@dataclass(frozen=True)
class Part:
    """A part that the outbox holds: (line, epoch, sequence) is its key, `id` its place there.

    since: `time.monotonic()` when its source had it.
    """

    id: int
    epoch: int
    sequence: int
    captured: Captured
    since: float


@dataclass(frozen=True)
class Judgement:
    """What is stored of a part once it is judged.

    score: None where nobody looked. ms: from the source to this. package: the model file's hash.
    thresholds: the version of the limits, 0 for none. reason: why it is UNINSPECTED, in words.
    picture: the kept crop's path in the line's folder, "" where it was not kept. config: hash of
    all that the verdict hangs on besides the part. suspended: the promise of its limits did not
    hold then, for the scores had drifted. blind: the share with which it was drawn by lot for a
    person to look at, 0 where it was not. brightness, sharpness: of the crop that was judged, see
    `inspection.parts.crops`; edge: px of its picture, the square root of its area.
    """

    verdict: Verdict
    score: float | None = None
    reason: str = ""
    package: str = ""
    thresholds: int = 0
    ms: float = 0.0
    picture: str = ""
    config: str = ""
    suspended: bool = False
    blind: float = 0.0
    brightness: float | None = None
    sharpness: float | None = None
    edge: float | None = None
