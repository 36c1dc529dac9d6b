"""The detector: YOLO trained on a data set, judged on images it never saw."""

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backend import facts, runs, specs
from backend.records import Progress
from backend.runs import Run
from backend.specs import param
from backend.synthesis.detecting import (
    curves,
    intervals,
    judging,
    standing,
    testset,
    weights,
    yolo_set,
)

if TYPE_CHECKING:
    from backend.synthesis.detecting.training import TrainedDetector

FAMILIES = ("yolov8", "yolov5", "yolo11", "yolo26")
MODELS = tuple(f"{family}{size}" for family in FAMILIES for size in "nsm")
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
    weights_file: str = param("", weights.HELP, path="file", optional=True, advanced=True)
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
        start = weights.pretrained(model, self.weights_file)
        if start is None:
            return (
                f"No pretrained weights for {model} in storage/weights: it starts from scratch, "
                "which takes many more images and epochs to find anything. The time left is told "
                "after the first epoch."
            )
        return f"Starts from {start.name}. The time left is told after the first epoch."


@dataclass(frozen=True)
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

    verdict: str
    ap50: float
    ap50_low: float | None
    ap50_high: float | None
    ap50_95: float
    false_alarms: float | None
    recall: float | None
    precision: float | None
    confidence: float
    constant_box_ap50: float
    gain: float
    gain_low: float | None
    gain_high: float | None
    own_validation_ap50: float
    own_precision: float
    own_recall: float
    test_images: int
    test_intact: int
    real: bool
    pretrained: bool
    epochs: int
    classes: tuple[str, ...]
    near_duplicates: int
    test_hash: str
    size: int = 0
    notes: tuple[str, ...] = ()


def size_of(run: Run) -> int:
    """Edge length at which a finished detector looks, px, whatever preset it was trained with."""
    return (run.result or {}).get("size") or specs.stored(Spec, run.spec).recipe().size


def run(spec: Spec, out_dir: Path, progress: Progress) -> Result:
    """Train, then score on the frozen test images; every prediction is kept."""
    from backend.synthesis.detecting import exporting, training

    dataset = runs.sibling(out_dir, spec.dataset_run)
    progress(0.0, "reading test images")
    test = _test_set(spec, out_dir)
    for image in test.images:
        yolo_set.check_edge(str(image.path), image.width, image.height)
    near = testset.refuse_leaks(test, dataset, spec.near_duplicates)
    start = weights.pretrained(spec.recipe().model, spec.weights_file)
    trained = training.train(spec, start, dataset, out_dir, progress)
    progress(0.9, f"judging {len(test.images)} test images")
    folder = out_dir / "checkpoint" / "test"
    size, names = spec.recipe().size, trained.names
    judged = training.judge(trained.best, list(test.images), names, size, folder)
    progress(0.95, "working out intervals")
    _write_facts(out_dir, test, judged)
    figures = intervals.figures(judged, trained.confidence, spec.seed)
    figures += _controls(test, trained, judged, spec.seed)
    facts.write(out_dir, "figures", figures)
    progress(0.98, "exporting to ONNX")
    exporting.to_onnx(trained.best, size)
    return _result(test, trained, judged, figures, near, start is not None, size)


def _test_set(spec: Spec, out_dir: Path) -> testset.HeldOutSet:
    if spec.test_run:
        return testset.of_run(runs.sibling(out_dir, spec.test_run))
    return testset.load(spec.test_folder, spec.test_intact_folder, out_dir, spec.recipe().size)


def _controls(
    test: testset.HeldOutSet, trained: "TrainedDetector", judged: judging.Judged, seed: int
) -> list[dict[str, Any]]:
    """What a box in the middle of every image would score, how far the detector is beyond it, and
    source A's way of scoring: on the data set's own validation images."""
    box = judging.constant_box(test.images, trained.names)
    own = trained.own.ap50()
    rows = [("constant box", box.ap50(), len(test.images))]
    rows.append(("own validation images", own, len(trained.own.truths)))
    controls: list[dict[str, Any]] = [
        {"subject": subject, "metric": "AP50", "value": value, "n": n} for subject, value, n in rows
    ]
    return [*controls, intervals.gain(judged, box, seed)]


def _write_facts(out_dir: Path, test: testset.HeldOutSet, judged: judging.Judged) -> None:
    facts.write(out_dir, "images", [testset.image_row(image, out_dir) for image in test.images])
    facts.write(out_dir, "boxes", [row for image in test.images for row in testset.box_rows(image)])
    facts.write(out_dir, "predictions", judging.prediction_rows(test.images, judged))


def _result(
    test: testset.HeldOutSet,
    trained: "TrainedDetector",
    judged: judging.Judged,
    figures: list[dict[str, Any]],
    near: int,
    started_pretrained: bool,
    size: int,
) -> Result:
    by_name = {(row["subject"], row["metric"]): row for row in figures}
    ap = by_name["all test images", "AP50"]
    alarms = by_name.get(("intact images", "share with an alarm"))
    chosen = judged.at_confidence(trained.confidence)
    own = curves.paper_row(trained.own)
    gain = by_name["all test images", standing.GAIN]
    result = Result(
        verdict="",
        ap50=ap["value"],
        ap50_low=ap["low"],
        ap50_high=ap["high"],
        ap50_95=by_name["all test images", "AP50-95"]["value"],
        false_alarms=alarms["value"] if alarms else None,
        recall=chosen.recall,
        precision=chosen.precision,
        confidence=trained.confidence,
        constant_box_ap50=by_name["constant box", "AP50"]["value"],
        gain=gain["value"],
        gain_low=gain["low"],
        gain_high=gain["high"],
        own_validation_ap50=own.ap50,
        own_precision=own.precision,
        own_recall=own.recall,
        test_images=len(test.images),
        test_intact=sum(not image.boxes for image in test.images),
        real=test.real,
        pretrained=started_pretrained,
        epochs=trained.epochs,
        classes=trained.names,
        near_duplicates=near,
        test_hash=test.hash,
        size=size,
        notes=test.notes,
    )
    return replace(result, verdict=standing.verdict(asdict(result)))
