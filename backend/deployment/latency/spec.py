"""Latency: what the job is asked for, and what it gives back."""

import math
from dataclasses import dataclass

from backend import published
from backend.core.specs import param
from backend.deployment.latency.load import Load
from backend.numeric import hardware
from backend.numeric.hardware import Fingerprint

STAGES, THREADS, BATCH, PROVIDER = "stages", "threads", "batch", "provider"
BUSY, COLD = "busy core", "cold start"
SERIES = (STAGES, THREADS, BATCH, PROVIDER, BUSY, COLD)


@dataclass(frozen=True)
class Spec:
    """What is timed, and how often."""

    package_run: str = param("", "the package to time", run="package", formerly=("export_run",))
    budget: float = param(
        published.LATENCY_MS, "milliseconds that a part may take", lo=0.1, hi=60_000
    )
    repetitions: int = param(
        400,
        "timed calls, one part each; 368 and more give the 99 % figure an upper bound",
        lo=20,
        hi=100_000,
        grows=1,
    )
    threads: int = param(1, "CPU threads of ONNX Runtime", lo=1, hi=64)
    provider: str = param("CPU", "what computes", choices=hardware.providers())
    series: tuple[str, ...] = param(
        SERIES,
        "what is measured besides: where the time goes, one thing changed at a time, beside a "
        "second busy core, from the start of the program",
        choices=SERIES,
        advanced=True,
    )
    series_calls: int = param(
        60, "timed calls of each variant there", lo=20, hi=10_000, grows=0.5, advanced=True
    )
    warm_up: int = param(20, "calls before that, not counted", lo=0, hi=1000, advanced=True)


@dataclass(frozen=True, kw_only=True)
class Result:
    """Percentiles of one call, the bytes of a picture in and the verdict out, in ms.

    Runs of older versions began at the decoded picture, and have none of what has a default here.
    p99_high: upper bound of its 95 % interval, NaN where there were too few calls. within, low,
    high: share of the calls that kept the budget, with its exact interval. cold_ms: median from
    the start of a process to its first verdict. size: edge in px that the network looks at. load:
    how busy the computer was. busy: what in it makes the figures doubtful, "" for nothing.
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
    kind: str = "anomaly"
    provider: str = "CPU"
    size: int | None = None
    p99_high: float = math.nan
    cpu_p50: float = math.nan
    budget: float | None = None
    within: float = math.nan
    within_low: float = math.nan
    within_high: float = math.nan
    cold_ms: float = math.nan
    machine: Fingerprint | None = None

    @property
    def keeps_budget(self) -> bool | None:
        """Whether 99 of 100 parts keep the budget; None where the calls leave it open."""
        if self.budget is None or self.p99 > self.budget:
            return None if self.budget is None else False
        return True if self.p99_high <= self.budget else None
