"""The nouns every part of the program shares. No heavy imports, no I/O."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Protocol

Corners = tuple[float, float, float, float]  # left, top, right, bottom in px of an image
MIN_BAD = 10  # with fewer BAD parts an AUROC is shown, but takes no part in a test


class Label(IntEnum):
    """Verdict on a part. The numbers are those of the FTI_Zer0P / InkjetOOD metadata."""

    BAD = 0
    GOOD = 1


class RunState(StrEnum):
    """Where a run stands. `interrupted` means its process died without a result."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELED = "canceled"
    INTERRUPTED = "interrupted"

    @property
    def ended(self) -> bool:
        return self not in (RunState.PENDING, RunState.RUNNING)

    @property
    def resumable(self) -> bool:
        return self in (RunState.INTERRUPTED, RunState.CANCELED, RunState.FAILED)


class Cause(StrEnum):
    """Why a run failed, and so whether it can go on.

    mistake: of a setting or the data; it would fail again. shortage: of memory, disk, rights or an
    input; put right outside the run. fault: of the program. UNKNOWN: written by an older version.
    """

    UNKNOWN = ""
    MISTAKE = "mistake"
    SHORTAGE = "shortage"
    FAULT = "fault"


@dataclass(frozen=True)
class Box:
    """A defect's bounding box.

    xyxy: left, top, right, bottom in px of its image, right and bottom exclusive.
    source: where the box comes from: exact, attention, edges, centred or hand.
    """

    class_name: str
    xyxy: tuple[float, float, float, float]
    confidence: float = 1.0
    source: str = "exact"


class Progress(Protocol):
    """What a job calls at each step.

    fraction: 0 to 1 of the whole job. metrics: named figures of this step, e.g. a loss.
    Raises `Cancelled` when a cancel was asked for.
    """

    def __call__(
        self,
        fraction: float,
        message: str = "",
        *,
        step: int | None = None,
        metrics: Mapping[str, float] | None = None,
    ) -> None: ...


def piece(tell: Callable[[float, str], None]) -> Progress:
    """The progress of a piece of a job: only fraction and message go on, for its steps and figures
    are none of the whole job's."""

    def told(
        fraction: float,
        message: str = "",
        *,
        step: int | None = None,
        metrics: Mapping[str, float] | None = None,
    ) -> None:
        tell(fraction, message)

    return told


class Cancelled(BaseException):
    """A cancel was asked for; the job stops at its next step.

    No `Exception`, so that a library's `except Exception` does not swallow it.
    """


class UserError(Exception):
    """Something the user can put right. Its text says what was wrong, where, and the cure."""


class Shortage(UserError):
    """Something that the user can put right outside the run, which then goes on as it is."""
