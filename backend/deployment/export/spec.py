"""Export: what the job is asked for, and what it gives back."""

from dataclasses import dataclass

from backend.core.specs import param


@dataclass(frozen=True)
class Spec:
    """Which model to write, and how exactly it has to agree."""

    inspect_run: str = param("", "the anomaly model to export", run="inspect")
    checked: int = param(32, "crops that are scored by both, of GOOD and BAD parts", lo=4, hi=2000)
    tolerance: float = param(
        0.001,
        "largest difference of a score that passes: in z units up to 1, relative above",
        lo=0.000001,
        hi=0.1,
        advanced=True,
    )
    opset: int = param(18, "ONNX operator set", lo=18, hi=23, advanced=True)


@dataclass(frozen=True, kw_only=True)
class Result:
    """difference: largest |ONNX Runtime - torch| / max(1, |torch|) of a score (z units).

    map_difference: the same of a map value. lookalikes: what copies and look-alikes across groups
    mean for the model's AUROC and limits, "" for nothing.
    """

    file: str
    megabytes: float
    difference: float
    map_difference: float
    tolerance: float
    checked: int
    features: tuple[str, ...]
    size: int
    dynamic_batch: bool
    opset: int
    backbone: str
    lookalikes: str = ""
