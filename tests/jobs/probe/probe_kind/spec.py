"""Settings and result of the kind of job that the tests make."""

from dataclasses import dataclass

from backend.core.specs import param

ENDINGS = (
    *("good", "refuse", "crash", "full", "deaf", "silent"),
    *("swallow", "not a number", "column"),
)


@dataclass(frozen=True)
class Spec:
    steps: int = param(3, "number of steps", lo=1, hi=100_000)
    pause: float = param(0.0, "seconds a step takes", lo=0, hi=1)
    ending: str = param("good", "what happens after the last step", choices=ENDINGS)
    gate: str = param("", "file that it waits for before its last step; of units a folder")
    units: int = param(
        0, "units in place of steps; each waits for its file in the gate", lo=0, hi=99
    )
    source_run: str = param("", "run that must be completed first", run="probe", optional=True)
    seed: int = param(0, "tells specs apart", lo=0, hi=1000)


@dataclass(frozen=True)
class Result:
    steps: int
    score: float
    words: tuple[str, ...] = ("a", "b")
