"""A study in a report: does synthetic data help on real parts?"""

from collections.abc import Iterator

import pandas as pd

from backend.core import facts, runs
from backend.core.runs import Run
from backend.detection import start_weights
from backend.detection.study import verdicts
from backend.detection.study.spec import Result
from backend.detection.study.verdicts import Findings
from backend.glossary import DETECTION_SCORE, VARIANT
from backend.glossary import said as words
from backend.plots import study as plots
from backend.sharing.report import general
from backend.sharing.report.items import Chart, Item, Table
from backend.wording import counted

CURVES = (verdicts.AP50, verdicts.ALARMS)


def _found(run: Run) -> Findings:
    tables = (facts.records(general.rows(run, t)) for t in ("trials", "learning", "contrasts"))
    return verdicts.of_study(runs.result(run, Result), *tables)


def said(run: Run) -> Iterator[str]:
    """The study in a sentence, then each comparison."""
    found = _found(run)
    yield words(found.headline)
    for sentence in found.sentences():
        yield words(sentence)
    if kept := runs.result(run, Result).said_of_alarms():
        yield kept


def items(run: Run) -> Iterator[Item]:
    """Curves over the number of real images, differences, and every mean."""
    result, found = runs.result(run, Result), _found(run)
    learning, contrasts = general.rows(run, "learning"), general.rows(run, "contrasts")
    n = f"n = {result.test_images} images, {result.test_intact} good"
    for place, metric in enumerate(CURVES, start=1):
        mine = learning[learning["metric"] == metric]
        if mine.empty:
            continue
        control = result.constant_box_ap50 if metric == verdicts.AP50 else None
        title = words(metric)
        yield Chart(
            f"{place}-learning",
            f"{title[0].upper()}{title[1:]} by number of real images",
            "95 % intervals over specimens and seeds. Dashed: one box in the middle of every "
            f"image. {DETECTION_SCORE.meaning}.",
            plots.learning_curves(learning, metric, f"{title}, {n}", control),
            mine,
        )
    if len(contrasts):
        clear = contrasts.assign(clear=[found.clear(row) for row in facts.records(contrasts)])
        metric = str(contrasts["metric"].iloc[0])
        yield Chart(
            "3-differences",
            "What each ingredient adds",
            "Paired on the same test images. Filled marks are beyond chance after Holm's "
            "correction; open ones are not.",
            plots.paired_differences(clear, metric),
            contrasts,
        )
    yield Table("4-means", "Every mean", general.LIKE, _means(learning))


def _means(learning: pd.DataFrame) -> pd.DataFrame:
    triples = learning[["value", "low", "high"]].itertuples(index=False, name=None)
    return pd.DataFrame(
        {
            VARIANT.words: learning["arm"],
            "real images": learning["real"].astype(str),
            "figure": [words(str(metric)) for metric in learning["metric"]],
            "mean [95 % interval]": [general.figure(*triple) for triple in triples],
            "seeds": learning["seeds"].astype(str),
        }
    )


def limits(run: Run) -> Iterator[str]:
    """On what it rests."""
    result = runs.result(run, Result)
    start = start_weights.said(result.start, result.pretrained)
    yield (
        f"{counted(result.trials, 'training')} of {counted(result.steps, 'step')}, "
        f"{counted(result.seeds, 'seed')}, all from {start}; test: {result.test_groups} specimens, "
        f"{result.test_boxes} defects."
    )
    if result.near_duplicates:
        many = counted(result.near_duplicates, "training image looks", "training images look")
        yield f"{many} like a test image."
    yield "It holds for parts like those of the test, and for this size of network and budget."
