"""Paired tests between runs of a kind that were judged on the same test data.

Two intervals that overlap do not show that two models are alike, nor the other way round: where the
test data are the same, the difference itself has an interval and a p.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import pandas as pd

from backend.core import runs as run_folders
from backend.core.runs import Run
from backend.detection.detector.spec import Result as DetectorResult
from backend.glossary import DETECTION_SCORE, SEPARATION
from backend.inspection.model import variants
from backend.inspection.model.spec import Spec as ModelSpec
from backend.numeric import statistics
from backend.sharing.compare import beside
from backend.sharing.report import general
from backend.sharing.report.kinds import detector
from backend.wording import chance

DRAWS = 500
COLUMNS = ("runs", "figure", "difference [95 % interval]", "p, adjusted", "n", "in words")
TESTED = ("inspect", "detector")


@dataclass(frozen=True)
class Difference:
    """The first run's figure less the second's. p: None where there is none. n: in words."""

    runs: tuple[str, str]
    figure: str
    value: float
    low: float
    high: float
    p: float | None
    n: str


def table(runs: Sequence[Run]) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Every pair with the same test data, and a sentence for each where they are not."""
    if runs[0].kind not in TESTED:
        words = "There is no paired test for runs of this kind: compare the intervals with care."
        return pd.DataFrame(columns=list(COLUMNS)), (words,)
    found: list[Difference] = []
    told: list[str] = []
    called = dict(zip((run.id for run in runs), beside.names(runs), strict=True))
    for first, second in combinations(runs, 2):
        names = called[first.id], called[second.id]
        one = _tested(first, second, names)
        if isinstance(one, str):
            told.append(one)
        else:
            found.append(one)
    return _rows(found), tuple(told)


def _tested(first: Run, second: Run, names: tuple[str, str]) -> Difference | str:
    if first.kind == "inspect":
        return _separation(first, second, names)
    return _detection(first, second, names)


def _separation(first: Run, second: Run, names: tuple[str, str]) -> Difference | str:
    """DeLong's test of both models' scores of the same parts."""
    one, other = _scores(first), _scores(second)
    both = one.merge(other, on="part", suffixes=("", "_other"))
    same = len(both) == len(one) == len(other) and (both["label"] == both["label_other"]).all()
    if not same:
        return _apart(names, f"{len(both)} of {len(one)} and {len(other)} parts are the same")
    bad = both["label"] == 0
    if bad.sum() < 1 or (~bad).sum() < 1:
        return f"{names[0]} and {names[1]}: no test, for GOOD or BAD parts are missing."
    tested = statistics.delong_test(bad, both["score"], both["score_other"])
    n = f"{int((~bad).sum())} GOOD, {int(bad.sum())} BAD"
    return Difference(names, f"{SEPARATION.short}, all types", *tested, n)


def _scores(run: Run) -> pd.DataFrame:
    """The model's own score of each part, the mean over repeats; a part by its data and name."""
    scores = general.rows(run, "scores")
    mine = scores[scores["method"] == variants.DIFFUSION]
    means = mine.groupby(["part", "label"], as_index=False)["score"].mean()
    parts_run = run_folders.spec(run, ModelSpec).parts_run
    return means.assign(part=f"{parts_run}/" + means["part"].astype(str))


def _detection(first: Run, second: Run, names: tuple[str, str]) -> Difference | str:
    """Paired bootstrap over the specimens of the test images."""
    results = [run_folders.result(run, DetectorResult) for run in (first, second)]
    if not results[0].test_hash or results[0].test_hash != results[1].test_hash:
        return _apart(names, "their test images are others")
    one, other = (detector.judged(run) for run in (first, second))
    if list(one.images["image"]) != list(other.images["image"]):
        return _apart(names, "their test images are others")
    weights = statistics.bootstrap_weights(one.judged.groups, 0, DRAWS)
    gaps = [one.judged.ap50(w) - other.judged.ap50(w) for w in weights.astype(float)]
    groups = len(set(one.judged.groups.tolist()))
    value, low, high = statistics.difference_interval(gaps, groups)
    n = f"{len(one.images)} images, {groups} specimens"
    return Difference(names, DETECTION_SCORE.words, value, low, high, None, n)


def _apart(names: tuple[str, str], why: str) -> str:
    return (
        f"{names[0]} and {names[1]} were not judged on the same test data ({why}), so their "
        "figures cannot be held against each other: a difference may come from the data."
    )


def _rows(found: Sequence[Difference]) -> pd.DataFrame:
    known = {str(place): one.p for place, one in enumerate(found) if one.p is not None}
    adjusted = statistics.holm(known)
    rows = []
    for place, one in enumerate(found):
        p = adjusted.get(str(place))
        clear = p < 0.05 if p is not None else one.low > 0 or one.high < 0
        better = one.runs[0] if one.value > 0 else one.runs[1]
        rows.append(
            (
                f"{one.runs[0]} less {one.runs[1]}",
                one.figure,
                general.figure(one.value, one.low, one.high),
                "–" if p is None else chance(p),
                one.n,
                f"{better} is better beyond chance" if clear else "cannot be told from chance",
            )
        )
    return pd.DataFrame(rows, columns=list(COLUMNS))
