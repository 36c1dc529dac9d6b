"""The model cards of packed anomaly models and detectors: what they are worth, on what, and where
they end. A student's card is its own, see `students.model_card`."""

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from backend.core import facts, lineage, runs
from backend.core.runs import Run
from backend.detection import standing
from backend.detection.dataset.spec import Result as DatasetResult
from backend.detection.detector.spec import Result as DetectorResult
from backend.detection.detector.spec import Spec as DetectorSpec
from backend.inspection.model.spec import Result as ModelResult
from backend.inspection.threshold import misses
from backend.wording import tiny, with_interval

Head = Mapping[str, Any]
ANOMALY_ENDS = (
    "It knows the feature types, the camera and the lighting of its GOOD parts. Where these "
    "change, its scores and limits mean nothing until it has learned again.",
    "A kind of defect of which no BAD part was known may go unseen; the figures count known ones.",
    "The limits' promise is about GOOD parts of the same process, not about BAD ones.",
)
DETECTOR_ENDS = (
    "It finds what it was shown. A kind of defect, a part or a lighting that was not among its "
    "training images may be missed without a sign.",
    "Its figures hold for photographs taken as its test images were.",
    "Ultralytics, with which it was trained, is under the AGPL-3.0; so is what is made with it, "
    "unless a licence was bought.",
)


def anomaly(model: Run, head: Head) -> str:
    """The card of an anomaly model, in Markdown. head: the package's package.json."""
    parity, size = head["parity"], head["size"]
    return _card(
        head,
        "An anomaly model: it scores how far a picture of a part is from GOOD ones of its feature "
        f"type. 0 is a usual GOOD part. It sees {size} × {size} px of the types: "
        f"{', '.join(head['feature_types'])}.",
        {
            "What it is worth": list(_worth(model)),
            "Limits in force": list(_limits(model, head["threshold"])),
            "File": [
                f"The packed model's scores differ from the trained one's by at most "
                f"{tiny(parity['score'])} on {parity['n']} parts, {_flips(parity)}. Features: "
                f"{head['backbone'].partition(';')[0]}."
            ],
            "Data": [_behind(model, head)],
            "Limits of what it can do": [_list(ANOMALY_ENDS)],
            "Use it": [_use(f"python example.py {head['feature_types'][0]} part.png")],
        },
    )


def detector(model: Run, head: Head) -> str:
    """The card of a detector, in Markdown. head: the package's package.json."""
    result, spec = runs.result(model, DetectorResult), runs.spec(model, DetectorSpec)
    parity, size = head["parity"], head["size"]
    chosen = head["confidence"] == result.confidence  # else what it keeps to is not known
    start = "pretrained weights" if result.pretrained else "random weights"
    kind = "real photographs" if result.real else "rendered images, not real ones"
    return _card(
        head,
        f"A detector ({spec.recipe().model}) of: {', '.join(head['classes'])}. It looks at "
        f"pictures of any size, fitted into {size} × {size} px.",
        {
            "What it is worth": [
                standing.verdict(result),
                f"Judged on {result.test_images} {kind}, {result.test_intact} of them without a "
                f"defect (test set {result.test_hash}), none of which it was trained on.",
                _figures(model),
            ],
            "Confidence": [
                f"A box counts from {head['confidence']:.3f} on; its validation images chose "
                f"{result.confidence:.3f}. Change it in `package.json`.",
                *filter(None, [standing.alarms(result) if chosen else ""]),
            ],
            "File": [
                f"On {parity['n']} test images the packed detector's boxes are those of the "
                f"trained one: confidences differ by at most {tiny(parity['score'])}, corners by "
                f"{tiny(parity['further']['box'])} px, {_flips(parity)}."
            ],
            "Data": [
                f"{_trained_on(model)} Started from {start}, {result.epochs} epochs.",
                _behind(model, head),
            ],
            "Limits": [_list(DETECTOR_ENDS)],
            "Use it": [_use("python example.py part.jpg")],
        },
    )


def _card(head: Head, what: str, chapters: Mapping[str, list[str]]) -> str:
    pieces = [f"# {head['name']}", what]
    for title, told in chapters.items():
        pieces += [f"## {title}", *told]
    return "\n\n".join(pieces) + "\n"


def _flips(parity: Mapping[str, Any]) -> str:
    return f"and {parity['flips'] or 'no'} verdict{'' if parity['flips'] == 1 else 's'} with them"


def _list(words: tuple[str, ...]) -> str:
    return "\n".join(f"- {one}" for one in words)


def _use(command: str) -> str:
    return (
        f"```sh\npip install numpy onnxruntime pillow\n{command}\n```\n\n"
        "`golden/` holds pictures with what has to come out: try these first. `package.json` says "
        "what goes in and what comes out."
    )


def _behind(model: Run, head: Head) -> str:
    told = [
        one.id + (f" ({one.problem})" if one.problem else "") for one in lineage.ancestors(model)
    ]
    behind = f", runs behind it: {', '.join(told)}" if told else ""
    return f"Run {model.id}{behind}. Licences: {head['licence']}."


def _worth(model: Run) -> Iterator[str]:
    """How well GOOD and BAD come apart, by method, and what makes that doubtful."""
    result = runs.result(model, ModelResult)
    yield (
        f"Measured on {result.n_good} GOOD and {result.n_bad} BAD parts in {result.folds} rounds, "
        "each part by a model that never saw it."
    )
    figures = facts.read(model.folder, "figures")
    means = figures[figures["metric"] == "mean AUROC"]
    if len(means):
        yield _table(
            ("method", "separation GOOD/BAD (AUROC; 0.5 guessing, 1 perfect)", "n"),
            [
                (r["subject"], with_interval(r["value"], r["low"], r["high"]), r["n"])
                for r in means.to_dict("records")
            ],
        )
        yield "The file computes the method `diffusion`."
    if result.lookalikes:
        yield f"**Beware:** {result.lookalikes}"


def _limits(model: Run, threshold: Mapping[str, Any] | None) -> Iterator[str]:
    """The limits a type, who put them in force, and what they did with known parts."""
    if threshold is None:
        yield "None of this model's limits is in force. Without limits a score is no verdict."
        return
    folder = runs.sibling(model.folder, threshold["run"])
    yield (
        f"Version {threshold['version']}, put in force by {threshold['who']} at "
        f"{threshold['time']} ({threshold['why'] or 'no reason given'})."
    )
    yield _table(
        ("feature type", "BAD above", "review above", "GOOD parts", "BAD missed"),
        [_limit_row(row) for _, row in facts.read(folder, "thresholds").iterrows()],
    )
    yield from (words for words in (misses.misses(folder), threshold["lookalikes"]) if words)


def _limit_row(row: pd.Series) -> tuple[Any, ...]:
    lost = int(row["n_bad"] - row["bad_alarms"] - row["bad_reviews"])
    limits = (row["alarm_limit"], row["review_limit"])
    words = ("–" if pd.isna(limit) else f"{limit:.3f}" for limit in limits)
    return (row["feature"], *words, row["n_good"], f"{lost} of {row['n_bad']}")


def _figures(model: Run) -> str:
    """The test's figures with intervals as a table."""
    controls = (
        "Checks: `constant box` is one box in the middle of every image; `own validation images` "
        "come from the training data and are no evidence."
    )
    rows = [
        (r["subject"], r["metric"], with_interval(r["value"], r["low"], r["high"]), r["n"])
        for r in facts.read(model.folder, "figures").to_dict("records")
    ]
    return f"{_table(('on', 'measure', 'value and 95 % interval', 'n'), rows)}\n\n{controls}"


def _trained_on(model: Run) -> str:
    """The data set in words, as far as it is still there."""
    dataset = runs.spec(model, DetectorSpec).dataset_run
    found = {one.id: one for one in lineage.ancestors(model)}.get(dataset)
    if found is None or found.run is None:
        return f"Trained on data set {dataset}, which is no longer there."
    made = runs.result(runs.read(found.run.folder), DatasetResult)
    return (
        f"Trained on {made.training} images, {made.validation} more for validation "
        f"({made.source}; data set {made.hash}, run {dataset})."
    )


def _table(head: tuple[str, ...], rows: list[tuple[Any, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)
