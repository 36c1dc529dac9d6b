"""The glass paper, repeated: teacher images, student, similarity, data set, detector."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from backend import plots, published
from backend.core import facts, registry, runs
from backend.core.facts import Figure
from backend.core.runs import Run
from backend.detection import curves, verdict_pictures
from backend.detection.dataset.spec import Result as DatasetResult
from backend.detection.detector import own_validation
from backend.detection.detector.own_validation import Judgement
from backend.detection.detector.spec import Result as DetectorResult
from backend.detection.detector.spec import Spec as DetectorSpec
from backend.detection.evaluation import from_rows
from backend.experiments.experiment import PAPER, QUICK, Chapter, Choice, Experiment, Made
from backend.experiments.plans import Plan, Step
from backend.glossary import DETECTION_SCORE, GOOD_ALARMED, ONE_BOX
from backend.images import imagefiles, imageset, marks, pictures
from backend.plots import detection as detection_plots
from backend.plots import student as student_plots
from backend.records import RunState
from backend.sharing.report.items import Chart, Item, Picture, Table
from backend.students.distill.spec import LEAST_IMAGES
from backend.students.distill.spec import Result as StudentResult
from backend.students.distill.spec import Spec as StudentSpec
from backend.students.similarity.figures import published_protocol
from backend.teachers.generate.spec import Spec as ImagesSpec
from backend.wording import known, signed, with_interval

MAKERS = {
    "renderer": "new: rendered glass",
    "stable-diffusion": "new: Stable Diffusion, as in the paper (needs its weights)",
}
TITLE = "Glass paper"
IMAGES, STUDENT, SIMILARITY = "teacher images", "student", "similarity"
DATASET, DETECTOR = "data set", "detector"
COUNTS = {  # teacher images, passes of the student, images of the data set, passes of the detector
    QUICK: (60, 6, 60, 30),
    PAPER: (
        published.TEACHER_IMAGES,
        published.STUDENT_EPOCHS,
        published.DATASET_IMAGES,
        published.DETECTOR_EPOCHS,
    ),
}
COMPARED: dict[str, dict[str, Any]] = {QUICK: {"pairs": 20, "samples": 40}, PAPER: {}}
NETWORKS = {QUICK: "yolov8n", PAPER: "yolov5s"}
WEIGHT = {QUICK: 1.0, PAPER: 2.8}  # of a step of the network, by its GFLOPs
NO_CAP = 1440.0  # minutes
OWN, SHOWN = "its own validation images", 8


def plan(choice: Choice) -> Plan:
    """Five jobs; four where the teacher images are there already."""
    images, epochs, samples, passes = COUNTS[choice.numbers]
    made = {"teacher": choice.maker, "count": images, "seed": choice.seed}
    if choice.maker != "stable-diffusion":
        made["size"] = 128
    detector = (
        {"preset": "paper"}
        if choice.numbers == PAPER
        else {"model": NETWORKS[QUICK], "epochs": passes, "size": 128, "batch": 8}
    )
    student = {"preset": "paper", "epochs": epochs, "minutes": NO_CAP, "batch": 16}
    mixed = {"counts": [samples], "labels": "centred", "validation_share": 0.2}
    seed = {"seed": choice.seed}
    judged = {"test_run": choice.test_run}
    learned = samples * passes * WEIGHT[choice.numbers]
    steps = (
        Step("generate", IMAGES, made, work=images),
        Step(
            *("distill", STUDENT, student | seed, {"teacher_run": IMAGES}, ("preset",)),
            work=images * epochs,
        ),
        Step("similarity", SIMILARITY, COMPARED[choice.numbers] | seed, {"student_run": STUDENT}),
        Step(
            *("dataset", DATASET, mixed | seed, {"source_runs": STUDENT}, ("labels",)),
            work=samples,
        ),
        Step(
            "detector", DETECTOR, detector | seed | judged, {"dataset_run": DATASET}, work=learned
        ),
    )
    title = f"{TITLE}, {choice.numbers} numbers"
    if choice.source_run:
        return Plan(title, steps[1:], {IMAGES: choice.source_run})
    return Plan(title, steps)


def _images(run: Run) -> int:
    """How many images a set offers; a student learns from masks, so sets without are of no use."""
    result = vars(runs.result(run, registry.get(run.kind).result_type))
    count = result["images"] or 0
    masked = result.get("mask_share", 0) is not None
    return count if masked and count >= LEAST_IMAGES else 0


def choice_of(made: Made) -> Choice:
    """What was chosen for these runs; images that are not the plan's own were there already."""
    spec = runs.spec(made[DETECTOR], DetectorSpec)
    numbers = PAPER if spec.preset == "paper" else QUICK
    images = made.get(IMAGES)
    if images is None or not images.name.startswith(TITLE):
        return Choice(numbers, "", images.id if images else "", spec.test_run, spec.seed)
    maker = runs.spec(images, ImagesSpec).teacher
    return Choice(numbers, maker, "", spec.test_run, spec.seed)


def _pairs(made: Made) -> Iterator[Item]:
    """The paper's picture grid, and its bar chart of the same nine pairs."""
    run = made[SIMILARITY]
    rows, mean = published_protocol(facts.read(run.folder, "ssim_pairs"))
    yield Picture(
        "1-picture-grid",
        f"Teacher beside student, n = {len(rows)} random pairs",
        "Left of each pair the teacher's image, right the student's. As in the paper, pairs were "
        "drawn at random: the two have nothing to do with each other.",
        _side_by_side(run, rows),
    )
    low, middle, high = published.SSIM_RANGE
    yield Chart(
        "2-ssim-bars",
        "SSIM of nine pairs",
        f"The grey band is what the paper reports: {low} to {high}, mean {middle}. SSIM of random "
        "pairs says nothing about the student; the table below has the control beside it.",
        student_plots.ssim_bars(rows, mean, published.SSIM_RANGE, "random"),
        rows[["pair", "teacher_path", "student_path", "ssim"]],
    )


def _side_by_side(run: Run, rows: pd.DataFrame) -> np.ndarray:
    paths = zip(rows["teacher_path"], rows["student_path"], strict=True)
    images = [imagefiles.read_rgb(run.folder / str(path)) for pair in paths for path in pair]
    return pictures.sheet(images, 6, 4)


def _training(made: Made) -> Iterator[Item]:
    """Losses and metrics over epochs; none of a single epoch."""
    frame = plots.curve_frame(runs.events(made[DETECTOR].folder))
    for place, (title, figure) in enumerate(detection_plots.training(frame).items(), start=1):
        words = "From its own synthetic images, as in the paper."
        yield Chart(f"3-training-{place}", title, words, figure, frame)


def _judgements(made: Made) -> dict[str, Judgement]:
    """What it was judged on, in words → how; first its own validation images, where an earlier
    version did not pass over them."""
    run = made[DETECTOR]
    result = runs.result(run, DetectorResult)
    names = result.classes or ("defect",)
    own = own_validation.read(run, names)
    images, boxes, found = (facts.read(run.folder, t) for t in ("images", "boxes", "predictions"))
    tested = Judgement(images, boxes, from_rows(images, boxes, found, names))
    return ({OWN: own} if own else {}) | {_tested(result): tested}


def _tested(result: DetectorResult) -> str:
    return "real test photographs" if result.real else "fresh rendered images"


def _precision(made: Made) -> Iterator[Item]:
    """The confidence–precision curve alone."""
    at = runs.result(made[DETECTOR], DetectorResult).confidence
    judged = {words: found.judged for words, found in _judgements(made).items()}
    frames = [curves.frame(each, at) for each in judged.values()]
    columns = {words: each["precision"] for words, each in zip(judged, frames, strict=True)}
    frame = pd.DataFrame({"confidence": frames[0]["confidence"]} | columns)
    n = " and ".join(str(len(each.truth_image)) for each in judged.values())
    title = f"Precision over confidence, n = {n} boxes"
    yield Chart(
        "4-confidence-precision",
        "Confidence and precision",
        "Share of boxes that fit, of those at least so sure; a line ends where no box is surer. "
        "The dotted line is the confidence chosen on its own validation images.",
        detection_plots.over_confidence(frame, {words: words for words in judged}, at, title),
        frame,
    )


def _predictions(made: Made) -> Iterator[Item]:
    """Predictions beside truth: on its own validation images, as in the paper, and on others."""
    run = made[DETECTOR]
    at = runs.result(run, DetectorResult).confidence
    for place, (words, found) in enumerate(_judgements(made).items(), start=1):
        yield Picture(
            f"5-predictions-{place}",
            f"Predictions beside truth, {words}",
            "Left the truth, right what it said (broken lines; false: fits no true box), at "
            f"confidence {at:.3f}, at most {marks.MOST} boxes an image, the surest. "
            "Images taken evenly over the set, not chosen.",
            verdict_pictures.beside_truth(run.folder, found, at, SHOWN),
        )


def _batches(made: Made) -> Iterator[Item]:
    """The first training batches, as the network saw them."""
    for place, path in enumerate(sorted((made[DETECTOR].artifacts / "batches").glob("*.png")), 1):
        yield Picture(
            f"6-training-batch-{place}",
            f"Training batch {place}",
            "As the network saw it in the first epoch, varied and joined by ultralytics; orange: "
            "the dummy boxes in the middle that it was told, moved with their images.",
            imagefiles.read_rgb(path),
        )


def _confusion(made: Made) -> Iterator[Item]:
    at = runs.result(made[DETECTOR], DetectorResult).confidence
    for place, (words, found) in enumerate(_judgements(made).items(), start=1):
        table = curves.confusion(found.judged, verdict_pictures.in_order(found), at)
        names = [*found.judged.names, "nothing"]
        yield Chart(
            f"7-confusion-{place}",
            f"Confusion matrix, {words}",
            f"Counts at confidence {at:.3f}. Right column: false alarms. Bottom row: missed.",
            detection_plots.confusion(table, found.judged.names),
            pd.DataFrame(table, columns=names).assign(said=names),
        )


def _summary(made: Made) -> Iterator[Item]:
    """The paper's table beside this repeat's."""
    yield Table(
        "8-summary",
        "The paper's figures beside this repeat's",
        "Intervals: 95 %; of SSIM by the standard error of nine pairs, of the detection score "
        "by resampling "
        "images; precision and recall are read off curves, as in the paper, and have none. One "
        "training each: another seed gives other figures. Precision is the top of a curve that "
        "ends at 1 for nearly every detector, so 1.00 says nothing. The rows marked ours are what "
        "the paper did not measure and what its figures have to be held against.",
        pd.DataFrame([*_ssim_rows(made), *_detector_rows(made)]).fillna("–"),
    )


def _ssim_rows(made: Made) -> Iterator[dict[str, str]]:
    run = made[SIMILARITY]
    rows, mean = published_protocol(facts.read(run.folder, "ssim_pairs"))
    low, middle, high = published.SSIM_RANGE
    ours = mean.iloc[0]
    spread = f"{rows['ssim'].min():.3f} to {rows['ssim'].max():.3f}"
    yield {
        "figure": f"SSIM, mean of {len(rows)} random pairs",
        "paper": f"{middle} ({low} to {high})",
        "this repeat": f"{ours['value']:.3f} ({spread})",
        "95 % interval": f"[{ours['low']:.3f}, {ours['high']:.3f}]",
        "difference": _told(ours["value"] - middle, ours["low"] <= middle <= ours["high"]),
    }
    figures = _figures(run)
    for subject, words in (
        ("mean image", "ours: SSIM of the mean image with teacher images"),
        ("matched minus random", "ours: SSIM, matched less random pairs"),
    ):
        yield _ours(words, figures[subject, "SSIM"])


def _figures(run: Run) -> dict[tuple[str, str], Figure]:
    return facts.by_name(facts.read(run.folder, "figures"))


def _detector_rows(made: Made) -> Iterator[dict[str, str]]:
    result = runs.result(made[DETECTOR], DetectorResult)
    figures = _figures(made[DETECTOR])
    own = figures["own validation images", "AP50"]
    on, theirs = f"own training source, n = {own.n:.0f} images", published.DETECTOR
    yield _beside(f"precision, {on}", theirs["precision"], result.own_precision)
    yield _beside(f"highest recall, {on}", theirs["recall"], result.own_recall)
    yield _beside(f"mAP@0.5, {on}", theirs["ap50"], own.value, own.low, own.high)
    tested = _tested(result)
    for key, words in (
        (
            ("all test images", "AP50"),
            f"ours: {DETECTION_SCORE.words}, {tested}, good ones among them",
        ),
        (("constant box", "AP50"), f"ours: {ONE_BOX.words}, {tested}"),
        (("intact images", "share with an alarm"), f"ours: {GOOD_ALARMED.words}"),
    ):
        if key in figures:
            yield _ours(words, figures[key])


def _beside(
    words: str,
    theirs: float,
    mine: float | None,
    low: float | None = None,
    high: float | None = None,
) -> dict[str, str]:
    """A figure of the paper beside ours, with the difference."""
    row = {"figure": words, "paper": f"{theirs:.2f}"}
    if mine is None or not known(mine):
        return row | {"this repeat": "not measured"}
    difference = _signed(mine - theirs)
    if low is not None and high is not None and known(low):
        difference = _told(mine - theirs, low <= theirs <= high)
    return row | {
        "this repeat": f"{mine:.2f}",
        "95 % interval": _interval(mine, low, high),
        "difference": difference,
    }


def _interval(value: float, low: float | None, high: float | None) -> str:
    return with_interval(value, low, high).partition(" ")[2] or "–"


def _signed(value: float) -> str:
    return f"+{signed(value)}" if value >= 0.005 else signed(value)


def _told(difference: float, inside: bool) -> str:
    """A difference, and whether the paper's figure lies within our interval."""
    return f"{_signed(difference)}, {'within' if inside else 'outside'} the interval"


def _ours(words: str, row: Figure) -> dict[str, str]:
    """A figure that the paper does not have."""
    return {
        "figure": f"{words}, n = {row.n:.0f}",
        "paper": "not measured",
        "this repeat": signed(row.value),
        "95 % interval": _interval(row.value, row.low, row.high),
    }


def differences(made: Made) -> Iterator[str]:
    """What of these runs is not as in the paper."""
    if IMAGES in made:
        yield from _of_images(made[IMAGES])
    if _done(made, STUDENT):
        epochs = runs.spec(made[STUDENT], StudentSpec).epochs
        yield from _number("passes of the student", epochs, published.STUDENT_EPOCHS)
        learned = runs.result(made[STUDENT], StudentResult).images
        yield from _number("teacher images", learned, published.TEACHER_IMAGES)
    if _done(made, DATASET):
        images = runs.result(made[DATASET], DatasetResult).images
        yield from _number("images in the data set", images, published.DATASET_IMAGES)
    if DETECTOR in made:
        yield from _of_detector(made[DETECTOR])


def _done(made: Made, name: str) -> bool:
    return name in made and made[name].state is RunState.COMPLETED


def _of_images(run: Run) -> Iterator[str]:
    teacher = runs.spec(run, ImagesSpec).teacher if run.kind == "generate" else run.kind
    if teacher != "stable-diffusion":
        yield (
            "The paper's teacher is Stable Diffusion v1.4; these teacher images are of the run "
            f"“{run.name or run.id}” ({teacher})."
        )


def _number(words: str, ours: int | None, theirs: int) -> Iterator[str]:
    if ours is not None and ours != theirs:
        yield f"{words[0].upper()}{words[1:]}: {ours}; in the paper {theirs}."


def _of_detector(run: Run) -> Iterator[str]:
    recipe = runs.spec(run, DetectorSpec).recipe()
    if recipe.model != NETWORKS[PAPER]:
        yield f"The network is {recipe.model}; in the paper {NETWORKS[PAPER]}."
    yield from _number("passes of the detector", recipe.epochs, published.DETECTOR_EPOCHS)
    finished = run.state is RunState.COMPLETED
    if finished and not runs.result(run, DetectorResult).pretrained:
        yield (
            "The detector began from random weights, for none were found in storage/weights; in "
            "the paper it began from pretrained ones, which finds far more in as many passes."
        )
    yield (
        "The paper judges on the data set's own synthetic images alone. That is shown first here; "
        "images that it never saw, good ones among them, stand beside it."
    )


EXPERIMENT = Experiment(
    verb="glass",
    title="Repeat the glass paper",
    source=published.GLASS_PAPER,
    source_kinds=tuple(imageset.KINDS.split("|")),
    makers=MAKERS,
    holds=_images,
    takes_test_set=True,
    plan=plan,
    choice=choice_of,
    chapters=(
        Chapter("Teacher and student in pairs", (SIMILARITY,), _pairs),
        Chapter("Training curves", (DETECTOR,), _training),
        Chapter("Confidence and precision", (DETECTOR,), _precision),
        Chapter("Predictions beside truth", (DETECTOR,), _predictions),
        Chapter("Training batches", (DETECTOR,), _batches),
        Chapter("Confusion matrix", (DETECTOR,), _confusion),
        Chapter("Summary", (SIMILARITY, DETECTOR), _summary),
    ),
    differences=differences,
)
