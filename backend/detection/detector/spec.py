"""Detector: what the job is asked for, and what it gives back."""

from dataclasses import dataclass

from backend.core.specs import param
from backend.detection import alarms, start_weights
from backend.detection.mixing import AS_THEY_COME, FIRST, LEFT_OUT, MIXED, WAYS, Mixing
from backend.images.vocabulary import GLASS, MATERIALS

FAMILIES = ("yolov8", "yolov5", "yolo11", "yolo26")
MODELS = tuple(f"{family}{size}" for family in FAMILIES for size in "nsm")
OWN = ("preset", ("own",))
BEST = "best of the three"


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
    start: str = start_weights.start_param()
    weights_file: str = start_weights.file_param()
    size: int = param(
        128, "edge length for training and test, px", lo=64, hi=1280, when=OWN, grows=2
    )
    batch: int = param(8, "images a step", lo=1, hi=256, when=OWN, advanced=True)
    epochs: int = param(50, "passes over the data set", lo=1, hi=1000, when=OWN, grows=1)
    patience: int = param(
        100,
        "epochs without a better validation before it stops",
        lo=1,
        hi=1000,
        when=OWN,
        advanced=True,
    )
    augmentation: str = param(
        "usual",
        "how training images are varied: ultralytics' usual way, lightly, or not at all",
        choices=("usual", "light", "none"),
        when=OWN,
        advanced=True,
    )
    synthetic_images: str = param(
        MIXED,
        "how they are used beside real ones: mixed in; first, then real ones alone while the "
        "learning rate falls; left out; or all three ways are trained, which takes three times as "
        "long, and the one that does best on real images held back is kept",
        choices=(*WAYS, BEST),
        when=OWN,
    )
    real_share: float = param(
        0.5,
        "least share of real images in each batch, where there are real and synthetic ones; a few "
        "real ones come more often then; 0: as they come",
        lo=0,
        hi=1,
        when=("synthetic_images", (MIXED, BEST)),
        before=0.0,
    )
    alarm_rate: float = alarms.rate_param(OWN)
    test_run: str = param("", "locked test images to judge on", run="testset", optional=True)
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
    rendered_material: str = param(
        GLASS,
        "what fresh rendered test images show, where no others are named: glass with cracks, or "
        "another material with all its defects",
        choices=MATERIALS,
        advanced=True,
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

    def mixings(self) -> tuple[Mixing, ...]:
        """How real and synthetic images take turns, in one way or in several to choose from; of
        those that are equally good the first is kept, so synthetic images must earn their place."""
        if self.preset == "paper":
            return (AS_THEY_COME,)
        wanted = self.synthetic_images
        ways = (LEFT_OUT, MIXED, FIRST) if wanted == BEST else (wanted,)
        return tuple(Mixing(way, self.real_share) for way in ways)

    def may_alarm(self) -> float:
        """The alarm rate; source A knows none."""
        return 1.0 if self.preset == "paper" else self.alarm_rate

    def estimate(self) -> str:
        """What it starts from, in words, before it starts."""
        found = self.starts_from()
        words = f"Starts from {found.words}."
        if found.file is None:
            words += " From those it takes many more images and epochs to find anything."
        if len(self.mixings()) > 1:
            words += " Three trainings, one after another."
        return f"{words} The time left is told after the first epoch."

    def starts_from(self) -> start_weights.Start:
        """The weights at hand for this training."""
        return start_weights.find(self.recipe().model, self.weights_file, self.start)


@dataclass(frozen=True, kw_only=True)
class Result:
    """AP50 on the test images, intact ones among them; interval over groups of images,
    None where AP50 is 0 or 1.

    verdict: what that shows, in words. gain: AP50 less the constant box's, in pairs.
    false_alarms: share of intact images with an alarm at `confidence`, which is the best F1 on
    the data set's own validation images, on the real ones where it chose or weighed these, of
    the confidences that keep to `alarm_rate` (1.0 from earlier versions): held_intact parts on
    these images show no defect, held_alarmed of them have a box there; held_recall: share of the
    held_defects there that it finds, held_recall_free: at the best F1 without a rate; held_real:
    whether real images alone chose it, though there are others. precision and recall: at
    `confidence` too, precision None where no box is that sure. own_validation_ap50, own_precision
    (the highest) and own_recall (the highest): the figures source A reports, on those images.
    real: whether the test images are photographs. start: what the training started from, in words;
    "" from earlier versions. near_duplicates: training images that look like a test image.
    size: edge length at which it looks, px; 0 from earlier versions, see `size_of`. notes: what
    was noticed while reading the test images. mixing: how real and synthetic images took turns, in
    words; "" where there is one kind alone, and from earlier versions.
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
    alarm_rate: float = 1.0
    held_intact: int | None = None
    held_alarmed: int | None = None
    held_recall: float | None = None
    held_recall_free: float | None = None
    held_defects: int | None = None
    held_real: bool = False
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
    start: str = ""
    mixing: str = ""
    epochs: int
    classes: tuple[str, ...] = ()
    near_duplicates: int | None = None
    test_hash: str
    size: int = 0
    notes: tuple[str, ...] = ()
