"""Detector: what the job is asked for, and what it gives back."""

from dataclasses import dataclass
from pathlib import Path

from backend.core.specs import param
from backend.settings import settings

FAMILIES = ("yolov8", "yolov5", "yolo11", "yolo26")
MODELS = tuple(f"{family}{size}" for family in FAMILIES for size in "nsm")
WEIGHTS_HELP = (
    "pretrained weights to start from; empty: storage/weights/<model>.pt, else from scratch"
)
OWN = ("preset", ("own",))


@dataclass(frozen=True)
class Recipe:
    """What the training is told, once a preset is filled in."""

    model: str
    size: int
    batch: int
    epochs: int
    patience: int
    augmentation: str
    seed: int


@dataclass(frozen=True)
class Spec:
    """Settings of a training. The preset `paper` is source A's: yolov5s, 128 px, batch 8, 50
    epochs; its 80/20 split is the data set's."""

    dataset_run: str = param("", "data set to train on", run="dataset")
    preset: str = param("own", "own settings, or those of the paper", choices=("own", "paper"))
    model: str = param("yolov8n", "network; its size is the last letter", choices=MODELS, when=OWN)
    weights_file: str = param("", WEIGHTS_HELP, path="file", optional=True, advanced=True)
    size: int = param(128, "edge length for training and test, px", lo=64, hi=1280, when=OWN)
    batch: int = param(8, "images a step", lo=1, hi=256, when=OWN)
    epochs: int = param(50, "passes over the data set", lo=1, hi=1000, when=OWN)
    patience: int = param(
        100, "epochs without a better validation before it stops", lo=1, hi=1000, when=OWN
    )
    augmentation: str = param(
        "usual",
        "how training images are varied: ultralytics' usual way, lightly, or not at all",
        choices=("usual", "light", "none"),
        when=OWN,
    )
    test_run: str = param("", "frozen test set to judge on", run="testset", optional=True)
    test_folder: str = param(
        "",
        "or real test images in YOLO's layout (data.yaml with 'test'); both empty: fresh "
        "rendered ones",
        path="folder",
        optional=True,
    )
    test_intact_folder: str = param(
        "", "photographs of intact parts to count false alarms on", path="folder", optional=True
    )
    near_duplicates: str = param(
        "refuse",
        "training images that look like a test image; report is for parts that look alike under "
        "a fixed camera",
        choices=("refuse", "report"),
        advanced=True,
    )
    seed: int = param(0, "seed of weights, order and augmentation", lo=0, hi=2**31 - 1)

    def recipe(self) -> Recipe:
        """The settings of the training, with the preset filled in."""
        if self.preset == "paper":
            return Recipe("yolov5s", 128, 8, 50, 100, "usual", self.seed)
        return Recipe(
            self.model,
            self.size,
            self.batch,
            self.epochs,
            self.patience,
            self.augmentation,
            self.seed,
        )

    def estimate(self) -> str:
        """What it starts from, in words, before it starts."""
        model = self.recipe().model
        start = pretrained(model, self.weights_file)
        if start is None:
            return (
                f"No pretrained weights for {model} in storage/weights: it starts from scratch, "
                "which takes many more images and epochs to find anything. The time left is told "
                "after the first epoch."
            )
        return f"Starts from {start.name}. The time left is told after the first epoch."


@dataclass(frozen=True, kw_only=True)
class Result:
    """AP50 on the test images, intact ones among them; interval over groups of images,
    None where AP50 is 0 or 1.

    verdict: what that shows, in words. gain: AP50 less the constant box's, in pairs.
    false_alarms: share of intact images with an alarm at `confidence`, which is the best F1 on
    the data set's own validation images; precision and recall: there too, precision None where no
    box is that sure. own_validation_ap50, own_precision (the highest) and
    own_recall (the highest): the figures source A reports, on those images. real: whether the
    test images are photographs. near_duplicates: training images that look like a test image.
    size: edge length at which it looks, px; 0 from earlier versions, see `size_of`. notes: what
    was noticed while reading the test images.
    """

    verdict: str = ""
    ap50: float
    ap50_low: float | None
    ap50_high: float | None
    ap50_95: float | None = None
    false_alarms: float | None
    recall: float | None
    precision: float | None
    confidence: float
    constant_box_ap50: float
    gain: float | None = None
    gain_low: float | None = None
    gain_high: float | None = None
    own_validation_ap50: float
    own_precision: float | None = None
    own_recall: float | None = None
    test_images: int
    test_intact: int
    real: bool
    pretrained: bool
    epochs: int
    classes: tuple[str, ...] = ()
    near_duplicates: int | None = None
    test_hash: str
    size: int = 0
    notes: tuple[str, ...] = ()


def pretrained(model: str, named: str) -> Path | None:
    """The file that the user named, else the one in storage/weights; None: from scratch.

    ultralytics calls its own YOLOv5 weights yolov5su.pt and the like.
    """
    if named:
        return Path(named).expanduser()
    found = (settings().weights / name for name in (f"{model}.pt", f"{model}u.pt"))
    return next((path for path in found if path.exists()), None)
