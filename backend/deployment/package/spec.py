"""Package: what the job is asked for, and what it gives back."""

from dataclasses import dataclass, field

from backend.core.specs import param

MODELS = "inspect|detector|distill"


@dataclass(frozen=True)
class Spec:
    """Which model to pack, and how exactly the packed one has to agree with it."""

    model_run: str = param(
        "",
        "the finished anomaly model, detector or student to pack",
        run=MODELS,
        formerly=("inspect_run", "student_run"),
    )
    similarity_run: str = param(
        "", "of a student: its measures, for the model card", run="similarity", optional=True
    )
    confidence: float = param(
        0.0,
        "of a detector: from how sure on a box counts; 0: what its validation images chose, the "
        "best F1 that keeps to its alarm rate, so that no test image chose it",
        lo=0,
        hi=1,
        advanced=True,
    )
    tolerance: float = param(
        0.001,
        "largest difference of a score that passes: in z units up to 1, relative above; of a "
        "detector's confidence",
        lo=0.000001,
        hi=0.1,
        advanced=True,
    )
    opset: int = param(
        18, "ONNX operator set of an anomaly model", lo=18, hi=23, before=18, advanced=True
    )


@dataclass(frozen=True, kw_only=True)
class Result:
    """kind: anomaly, detector or student; "" from earlier versions, see `sort`. size: edge in px at
    which the network looks or paints.

    difference: largest |packed - trained| of a score on the `checked` pictures of the test set: z
    units, relative above 1; of a box's confidence; of a student's pixel, in grey levels.
    map_difference: of a map value. box_difference: of a box's corner, px. flips: pictures with
    another verdict. sizes: MB of the model's file by what takes them. lookalikes: what copies and
    look-alikes across groups mean for the model's AUROC and limits, "" for nothing.

    Of a student alone: images_a_second, on one core; int8: in words, whether the INT8 file paints
    alike; where not, it was not kept. measured: whether the card has measures.
    """

    kind: str = ""
    megabytes: float
    difference: float
    map_difference: float | None = None
    box_difference: float | None = None
    flips: int | None = None
    tolerance: float | None = None
    checked: int
    features: tuple[str, ...] = ()
    size: int | None = None
    opset: int | None = None
    backbone: str = ""
    sizes: dict[str, float] = field(default_factory=dict)
    licence: str = ""
    lookalikes: str = ""
    images_a_second: float | None = None
    int8: str = ""
    int8_passes: bool | None = None
    int8_megabytes: float | None = None
    int8_images_a_second: float | None = None
    measured: bool | None = None
    computer: str = ""

    @property
    def sort(self) -> str:
        """The kind of model, told from the rest where an earlier version packed it."""
        return self.kind or ("anomaly" if self.images_a_second is None else "student")

    @property
    def holds(self) -> str:
        """What is packed, in words."""
        return "anomaly model" if self.sort == "anomaly" else self.sort
