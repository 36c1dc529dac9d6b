"""Gate: what the job is asked for, and what it gives back."""

from dataclasses import dataclass, field

from backend.core.specs import param
from backend.numeric.hardware import Fingerprint

INT8, FP16, FP32 = "INT8", "FP16", "FP32"
WITH_INT8 = ("variants", ("int8", "int8+fp16"))


@dataclass(frozen=True)
class Spec:
    """Which package is judged, against what limits."""

    package_run: str = param("", "the package to judge", run="package")
    variants: str = param(
        "int8+fp16",
        "what is tried beside full precision: whole numbers (INT8), half precision (FP16)",
        choices=("int8", "fp16", "int8+fp16", "none"),
    )
    loss_allowed: float = param(
        0.01,
        "how much of its separation (AUROC), or of its detection score (AP50), a variant may lose "
        "at most, 95 % sure",
        lo=0.001,
        hi=0.2,
    )
    turned_allowed: float = param(
        0.05, "share of verdicts that may turn at most, 95 % sure", lo=0.001, hi=0.5
    )
    speed: float = param(
        1.3,
        "how many times as fast as full precision a variant must be, 95 % sure: fewer bits have to "
        "be worth it",
        lo=1.0,
        hi=20,
    )
    budget_ms: float = param(
        50.0,
        "time that 95 of 100 pictures must keep, one thread of this computer, ms",
        lo=0.1,
        hi=100_000,
    )
    parity: float = param(
        0.001,
        "how far full precision may lie from the trained model, and golden pictures from what they "
        "gave: of a score up to 1, relative above",
        lo=0.000001,
        hi=0.1,
        advanced=True,
    )
    least_psnr: float = param(
        35.0,
        "a student's pictures: how near those of full precision they must be on average, dB",
        lo=10,
        hi=80,
        advanced=True,
    )
    least_iou: float = param(
        0.9, "a student's masks: how far they must overlap on average", lo=0, hi=1, advanced=True
    )
    alarm_rate: float = param(
        0.05,
        "false alarms among GOOD parts to which a limit is set, where the package holds none",
        lo=0.001,
        hi=0.5,
        advanced=True,
    )
    calibration: int = param(
        64, "pictures on which ranges for INT8 are measured", lo=4, hi=2000, when=WITH_INT8
    )
    calibration_run: str = param(
        "",
        "parts, or a data set, to measure them on; empty: what the model learned from",
        run="parts|dataset",
        optional=True,
        when=WITH_INT8,
        advanced=True,
    )
    nodes: str = param(
        "chosen",
        "chosen: what hurts in INT8, or is no faster in it, stays in float; all: nothing does",
        choices=("chosen", "all"),
        when=WITH_INT8,
        advanced=True,
    )
    units: int = param(
        12,
        "pieces of the network that are tried alone; more are finer and take longer",
        lo=1,
        hi=200,
        when=WITH_INT8,
        advanced=True,
        grows=1,
    )
    calls: int = param(
        150, "timed calls of each variant, in turn", lo=30, hi=10_000, advanced=True, grows=1
    )
    seed: int = param(0, "division of the parts, and intervals", lo=0, hi=1_000_000, advanced=True)


@dataclass(frozen=True)
class Figure:
    """What was found of a variant, with its 95 % interval, the limit it must keep, and on how many
    parts, images or calls; None where there is none. passed: None for a figure without a limit."""

    value: float | None
    low: float | None
    high: float | None
    limit: float | None
    n: int
    passed: bool | None


@dataclass(frozen=True, kw_only=True)
class Result:
    """verdict: in a sentence. reasons: one sentence a check and variant, those that refuse first.

    passed: variants that may go on the line, FP32 first; refused: the others. fastest: of those
    passed, "" for none. kind: of the package. judged: parts, images or pictures. machine: id of
    the fingerprint of the computer on which all this holds; described: the fingerprint. figures:
    variant → name of the figure → figure. files: variant → SHA-256 of its ONNX file. busy: what
    makes the times doubtful, "" for nothing.
    """

    verdict: str
    reasons: tuple[str, ...]
    passed: tuple[str, ...]
    refused: tuple[str, ...]
    fastest: str
    kind: str
    judged: int
    machine: str
    described: Fingerprint
    figures: dict[str, dict[str, Figure]] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    busy: str = ""
    notes: tuple[str, ...] = ()

    @property
    def accepted(self) -> bool:
        """May the package go on the line, in full precision at least?"""
        return bool(self.passed)
