"""Latency: what the job is asked for, and what it gives back."""

from dataclasses import dataclass

from backend.core.specs import param
from backend.deployment.latency.load import Load


@dataclass(frozen=True)
class Spec:
    """What is timed, and how often."""

    export_run: str = param("", "the exported model to time", run="export")
    repetitions: int = param(200, "timed calls, one part each", lo=20, hi=100_000)
    warm_up: int = param(20, "calls before that, not counted", lo=0, hi=1000, advanced=True)
    threads: int = param(1, "CPU threads of ONNX Runtime", lo=1, hi=64)


@dataclass(frozen=True, kw_only=True)
class Result:
    """Percentiles of one call, crop in and score out, in ms.

    load: how busy the computer was. busy: what in it makes the figures doubtful, "" for nothing.
    """

    variant: str
    p50: float
    p95: float
    p99: float
    mean: float
    parts_per_second: float
    repetitions: int
    threads: int
    cpu: str
    load: Load | None = None
    busy: str = ""
