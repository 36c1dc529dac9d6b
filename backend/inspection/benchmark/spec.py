"""Benchmark: what the job is asked for, and what it gives back."""

from dataclasses import dataclass

from backend.core.specs import param
from backend.inspection.model.spec import OWN
from backend.inspection.model.spec import Spec as ModelSpec
from backend.records import UserError

LAYOUTS = ("auto", "mvtec", "visa", "real-iad", "metadata")
SHARED = ("weights", "weights_file", "backbone", "layer", "methods", "steps", "size", "seed")


@dataclass(frozen=True)
class Spec:
    """Which set is judged by its own split, and with what model."""

    folder: str = param(
        "",
        "a public set (MVTec AD, VisA, BTAD, MPDD, Real-IAD) or your own tree, unpacked or as a "
        "zip, with the split into training and test that it brings",
        path="folder",
        upload=(".zip",),
    )
    layout: str = param(
        "auto",
        "mvtec: <category>/train/good, /test/<defect> and /ground_truth, also BTAD and MPDD; visa: "
        "split_csv/1cls.csv; real-iad: realiad_jsons; metadata: metadata.csv with a column split; "
        "auto finds out",
        choices=LAYOUTS,
    )
    categories: tuple[str, ...] = param((), "these categories alone; none: all", advanced=True)
    weights: str = param(
        "auto",
        "features: auto takes coco (yolov8n.pt in storage/weights) and scattering together, or, "
        "without that file, rendered (the program's own detector, no download) in place of coco; "
        "own takes the backbone named below",
        choices=(
            *("auto", "coco+scattering", "coco", "rendered+scattering", "rendered", "scattering"),
            *("own", "own+scattering"),
        ),
    )
    weights_file: str = param(
        "",
        "a YOLO .pt in place of storage/weights/yolov8n.pt",
        path="file",
        optional=True,
        advanced=True,
    )
    backbone: str = param(
        "",
        "a folder in storage/weights, or its whole path, that holds a vision backbone",
        optional=True,
        when=OWN,
    )
    layer: int = param(
        0,
        "which of its layers, 1 is the first; 0 chooses one",
        lo=0,
        hi=200,
        when=OWN,
        advanced=True,
    )
    methods: tuple[str, ...] = param(
        ("padim", "patchcore"),
        "baselines on the same features; flow takes longest",
        choices=("padim", "mahalanobis", "knn", "patchcore", "flow"),
        advanced=True,
    )
    steps: int = param(200, "training steps of the diffusion model", lo=0, hi=20_000, advanced=True)
    size: int = param(
        256, "edge of a picture as the model sees it, px", choices=(64, 96, 128, 160, 192, 224, 256)
    )
    skip_unreadable: bool = param(
        False,
        "leave out pictures that cannot be read; otherwise their whole category is left out",
        advanced=True,
    )
    seed: int = param(0, "noise bank and training", lo=0, hi=1_000_000, advanced=True)

    def check(self) -> None:
        """Raises UserError where own features have no backbone."""
        if self.weights in OWN[1] and not self.backbone:
            raise UserError("Backbone: name the folder in storage/weights that holds it.")

    @property
    def model(self) -> ModelSpec:
        """The anomaly model of each category: all else as its form has it."""
        told = {name: getattr(self, name) for name in SHARED}
        return ModelSpec(class_scores=False, **told)


@dataclass(frozen=True, kw_only=True)
class Result:
    """mean_auroc, mean_aupro: method → mean over the categories; None where there are no masks.

    dataset: the public set that the names of the categories are of, "" for another tree. part_ms:
    median over the categories of the processor time a part, one thread. left_out: categories.
    """

    mean_auroc: dict[str, float | None]
    mean_aupro: dict[str, float | None]
    dataset: str
    layout: str
    categories: tuple[str, ...]
    n_train: int
    n_good: int
    n_bad: int
    part_ms: float | None
    backbone: str
    left_out: int
    seconds: float
    notes: tuple[str, ...]
