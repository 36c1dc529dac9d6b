"""A detector in a report: figures with intervals, curves, and boxes beside the truth."""

from collections.abc import Iterator

import pandas as pd

from backend import glossary
from backend.core import facts, runs
from backend.core.runs import Run
from backend.detection import curves, evaluation, standing, start_weights, verdict_pictures
from backend.detection.detector.own_validation import Judgement
from backend.detection.detector.spec import Result
from backend.images import marks, palette
from backend.plots import detection as plots
from backend.plots import intervals
from backend.sharing.report import general
from backend.sharing.report.items import Chart, Item, Picture
from backend.wording import counted

SHOWN = 12  # test images


def said(run: Run) -> Iterator[str]:
    """What it is worth, and what it was judged on."""
    result = runs.result(run, Result)
    yield standing.verdict(result)
    kind = "real photographs" if result.real else "rendered images, not real ones"
    start = start_weights.said(result.start, result.pretrained)
    yield (
        f"Judged on {result.test_images} {kind}, {result.test_intact} of them of good parts; "
        f"started from {start}. {glossary.DETECTION_SCORE.meaning}."
    )
    if standing.alarms(result):
        yield standing.alarms(result)


def items(run: Run) -> Iterator[Item]:
    """Figures, curves, mistakes and pictures."""
    result = runs.result(run, Result)
    found = general.rows(run, "figures")
    scored = found[found["metric"] == "AP50"]
    if len(scored):
        shown = scored.assign(subject=[_called(str(name)) for name in scored["subject"]])
        yield Chart(
            "1-score",
            "Detection score with its checks",
            "Open grey marks are checks that a useful detector has to be right of.",
            intervals(shown, "Detection score", "detection score (AP50)"),
            scored,
        )
    yield from general.figures(run)
    tested = judged(run)
    if len(tested.judged.truth_image):
        yield from _curves(tested, result.confidence)
        yield from _pictures(run, tested, result.confidence)


def _called(subject: str) -> str:
    """Checks begin with that word, so that they are drawn as such."""
    words = glossary.said(subject)
    return words if words.startswith("check") or "own" not in subject else f"check: {words}"


def judged(run: Run) -> Judgement:
    """What a finished detector did on its test images."""
    result = runs.result(run, Result)
    images, boxes, found = (facts.read(run.folder, t) for t in ("images", "boxes", "predictions"))
    names = result.classes or ("defect",)
    return Judgement(images, boxes, evaluation.from_rows(images, boxes, found, names))


def _curves(found: Judgement, at: float) -> Iterator[Item]:
    tested, n = found.judged, len(found.judged.truth_image)
    pairs, rows = curves.precision_recall(tested), curves.frame(tested, at)
    if len(pairs):
        yield Chart(
            "2-precision-recall",
            "Precision and recall",
            "Right of its boxes (precision) against defects found (recall); the mark is where it "
            f"works, at confidence {at:.3f}.",
            plots.precision_recall(pairs, at, n, palette.colours(tested.names)),
            pairs,
        )
    good = int((tested.truths == 0).sum())
    if good:
        title = f"False alarms, n = {counted(good, 'good part')}"
        columns = {"alarmed": "share with a false alarm"}
        yield Chart(
            "3-false-alarms",
            "False alarms on good parts",
            "Share of good parts with a box, by how sure a box has to be.",
            plots.over_confidence(rows, columns, at, title),
            rows,
        )
    table = curves.confusion(tested, verdict_pictures.in_order(found), at)
    names = [*tested.names, "nothing"]
    yield Chart(
        "4-confusion",
        "What it said",
        f"Counts at confidence {at:.3f}. Right column: false alarms. Bottom row: missed defects.",
        plots.confusion(table, tested.names),
        pd.DataFrame(table, columns=names).assign(said=names),
    )
    sizes = curves.recall_by_size(tested, at)
    yield Chart(
        "5-by-size",
        "Defects found, by size",
        "Size: root of the box's area in px of the photograph. 95 % intervals (Clopper–Pearson).",
        intervals(sizes, "Recall by size", "recall"),
        sizes,
    )


def _pictures(run: Run, found: Judgement, at: float) -> Iterator[Item]:
    yield Picture(
        "6-predictions",
        "Predictions beside truth",
        "Left the truth, right what it said (broken lines; false: fits no true box), at most "
        f"{marks.MOST} boxes an image. Images taken evenly over the test set, not chosen.",
        verdict_pictures.beside_truth(run.folder, found, at, SHOWN),
    )


def limits(run: Run) -> Iterator[str]:
    """What its figures do not show."""
    result = runs.result(run, Result)
    if not result.real:
        yield "The test images are rendered: nothing here says how it does on real parts."
    if result.near_duplicates:
        looks = counted(result.near_duplicates, "training image looks", "training images look")
        yield f"{looks} like a test image, so the figures may be too good."
    yield "It is one training: another seed gives other figures."
