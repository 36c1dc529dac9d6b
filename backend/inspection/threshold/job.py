"""Set a threshold per feature type that keeps a promise about false alarms, as a new version.

It is calibrated on the out-of-fold scores of the anomaly model's GOOD parts: each was scored by a
fold's model that never saw it. The model that is deployed was fitted on all GOOD parts instead.
That is the argument of cross-conformal prediction and CV+ (arXiv 1905.02928): with models that
change little between folds the promise carries over, though it is no longer proven to the letter.
Scores of the first repeat count, since a mean over repeats spreads less than one model's scores.
"""

import math
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd

from backend.core import facts, runs
from backend.inspection.model.spec import Spec as ModelSpec
from backend.inspection.parts import lookalikes
from backend.inspection.threshold import misses, versions
from backend.inspection.threshold.active import FILE
from backend.inspection.threshold.limits import (
    BAD,
    REVIEW,
    Limits,
    find_limits,
    verdicts,
    with_alarm,
)
from backend.inspection.threshold.spec import Result, Spec
from backend.records import Label, Progress, UserError

SCORES = "artifacts/calibration.csv"  # of a threshold run: the parts that it rests on
COLUMNS = ("part", "feature", "label", "group", "score")
RULE = (
    "score > limit: BAD; else score > review_limit: a person looks; else GOOD. Where a limit is "
    "null it cannot be promised: without review_limit a person looks at every part."
)


def check_inputs(spec: Spec, runs_folder: Path) -> None:
    """Raises UserError where the anomaly model has no such scores, or its parts are gone."""
    scores_of(spec, runs_folder)


def run(spec: Spec, out_dir: Path, progress: Progress) -> Result:
    """Calibrate every feature type; writes the facts tables `thresholds` and `figures`, and
    thresholds.json."""
    folder = runs.sibling(out_dir, spec.inspect_run)
    progress(0.1, "reading scores")
    scores = scores_of(spec, out_dir.parent)
    (out_dir / SCORES).parent.mkdir(exist_ok=True)
    scores.to_csv(out_dir / SCORES, index=False)
    limits = _limits(spec, scores)
    judged = _judged(scores, limits)
    version = versions.claim(folder, out_dir.name)
    table = pd.DataFrame(
        [
            _row(spec, version, str(name), mine, limits[str(name)])
            for name, mine in judged.groupby("feature", sort=True)
        ]
    )
    facts.write(out_dir, "thresholds", table)
    ready = table.loc[table["enough"], "feature"]
    facts.write(out_dir, "figures", list(misses.figures(judged, list(ready))))
    result = _result(spec, table, misses.misses(out_dir), lookalikes.warning(folder))
    _write(spec, result, table, out_dir)
    progress(1.0, f"version {version}")
    return result


def scores_of(spec: Spec, runs_folder: Path) -> pd.DataFrame:
    """The parts that limits rest on, with the columns of `calibration_scores` and maybe more: those
    of the file named, else the anomaly model's own. Raises UserError where they are not there."""
    if not spec.scores_file:
        return calibration_scores(runs_folder / spec.inspect_run, spec.method)
    return read_scores(Path(spec.scores_file).expanduser())


def read_scores(path: Path) -> pd.DataFrame:
    """Scores from a table. Raises UserError where a column is missing or a score is no number."""
    try:
        rows = pd.read_csv(path, dtype={"part": str, "feature": str, "group": str})
        rows = rows.astype({"label": int, "score": float})
    except (OSError, ValueError, KeyError) as error:
        raise UserError(f"{path} cannot be read as a table of scores: {error}.") from error
    missing = [name for name in COLUMNS if name not in rows]
    if missing or rows.empty or not rows["score"].map(math.isfinite).all():
        lack = f"lacks the columns {', '.join(missing)}" if missing else "has rows without a score"
        raise UserError(f"{path} {lack}. It needs {', '.join(COLUMNS)}, a row a part.")
    return rows


def calibrated_on(threshold_folder: Path) -> pd.DataFrame:
    """The parts that a finished threshold rests on. Raises UserError where they are gone."""
    kept = threshold_folder / SCORES
    if state := runs.state_of(kept):
        return _kept(kept, state).copy(deep=False)
    return scores_of(runs.spec(runs.read(threshold_folder), Spec), threshold_folder.parent)


@lru_cache(maxsize=4)
def _kept(path: Path, state: runs.FileState) -> pd.DataFrame:
    """As `read_scores`, read once for each state of the file."""
    return read_scores(path)


def calibration_scores(inspect_folder: Path, method: str) -> pd.DataFrame:
    """A row a part: part, feature, label, group, score (out of fold, first repeat).

    Raises UserError for a method the run has no scores of, or where its parts are gone.
    """
    scores = facts.read(inspect_folder, "scores")
    known = sorted(scores["method"].unique())
    if method not in known:
        raise UserError(f"This run has no scores of '{method}'. It has {', '.join(known)}.")
    mine = scores[(scores["method"] == method) & (scores["repeat"] == 0)]
    parts_run = runs.spec(runs.read(inspect_folder), ModelSpec).parts_run
    parts = facts.read(runs.sibling(inspect_folder, parts_run), "parts")
    rows = mine[["part", "feature", "label", "score"]]
    return rows.merge(parts[["part", "group"]], on="part", validate="one_to_one")


def rated(
    inspect_folder: Path, method: str, limits: Mapping[str, tuple[float | None, float | None]]
) -> pd.DataFrame:
    """`calibration_scores` with each part's verdict, and how far on the wrong side it lies.

    limits: feature type → alarm and review limit; without them the verdict is "". wrong: 0 to 1;
    of a GOOD part the share of its type with a lower score, of a BAD one with a higher score.
    """
    table = calibration_scores(inspect_folder, method)
    place = table.groupby("feature")["score"].rank(pct=True)
    is_good = table["label"] == int(Label.GOOD)
    wrong = place.where(is_good, 1 - place)
    return table.assign(wrong=wrong, verdict=called(table["feature"], table["score"], limits))


def called(
    features: pd.Series,
    scores: pd.Series,
    limits: Mapping[str, tuple[float | None, float | None]],
) -> pd.Series:
    """The verdict on each score by the limits of its feature type, "" where that has none."""
    found = pd.Series("", scores.index, dtype=object)
    for feature, mine in scores.groupby(features):
        if str(feature) in limits:
            found[mine.index] = verdicts(mine, *limits[str(feature)])
    return found


def _limits(spec: Spec, scores: pd.DataFrame) -> dict[str, Limits]:
    """Feature type → its limits. Raises UserError for one chosen by hand that is not there."""
    chosen, found = spec.chosen(), {}
    for name, mine in scores.groupby("feature", sort=True):
        good = mine[mine["label"] == int(Label.GOOD)]
        limits = find_limits(good["score"], good["group"], spec.wanted)
        found[str(name)] = with_alarm(limits, chosen.get(str(name)))
    for name in set(chosen) - set(found):
        raise UserError(f"By hand: this model has no type '{name}', only {', '.join(found)}.")
    return found


def _judged(scores: pd.DataFrame, limits: dict[str, Limits]) -> pd.DataFrame:
    """The scores with the column verdict: GOOD, review or BAD."""
    found = pd.Series("", index=scores.index, dtype=object)
    for name, mine in scores.groupby("feature"):
        own = limits[str(name)]
        found[mine.index] = verdicts(mine["score"], own.alarm, own.review)
    return scores.assign(verdict=found)


def _row(
    spec: Spec, version: int, feature: str, mine: pd.DataFrame, limits: Limits
) -> dict[str, Any]:
    """A row of the table `thresholds` from one feature's judged parts."""
    good = mine[mine["label"] == int(Label.GOOD)]
    bad = mine[mine["label"] == int(Label.BAD)]
    return {
        "feature": feature,
        "method": spec.method,
        "version": version,
        "n_good": limits.n_good,
        "n_groups": limits.n_groups,
        "n_bad": len(bad),
        "alarm_limit": limits.alarm,
        "review_limit": limits.review,
        "alarm_rate": spec.alarm_rate,
        "review_rate": spec.review_rate,
        "certified": spec.promise == "certified",
        "confidence": spec.wanted.confidence,
        "enough": limits.alarm is not None,
        "by_hand": feature in spec.chosen(),
        "needed": limits.needed,
        "review_needed": limits.review_needed,
        **_counts("good", good["verdict"]),
        **_counts("bad", bad["verdict"]),
    }


def _counts(name: str, called: pd.Series) -> dict[str, int]:
    return {
        f"{name}_alarms": int((called == BAD).sum()),
        f"{name}_reviews": int((called == REVIEW).sum()),
    }


def _write(spec: Spec, result: Result, table: pd.DataFrame, out_dir: Path) -> None:
    """thresholds.json: what the line's program needs."""

    def limits(row: Any) -> dict[str, Any]:
        found = {"limit": row.alarm_limit, "review_limit": row.review_limit}
        return {name: None if pd.isna(value) else float(value) for name, value in found.items()}

    content = {
        "version": result.version,
        "threshold_run": out_dir.name,
        "inspect_run": spec.inspect_run,
        "method": spec.method,
        "rule": RULE,
        "promise": spec.promise,
        "alarm_rate": spec.alarm_rate,
        "review_rate": spec.review_rate,
        "confidence": spec.wanted.confidence or None,
        "misses": result.misses,
        "lookalikes": result.lookalikes,
        "features": {
            row.feature: {
                **limits(row),
                "n_good": row.n_good,
                "n_groups": row.n_groups,
                "by_hand": row.by_hand,
            }
            for row in table.itertuples()
        },
    }
    (out_dir / FILE).parent.mkdir(exist_ok=True)
    runs.write_json(out_dir / FILE, content)


def _result(spec: Spec, table: pd.DataFrame, misses: str, alike: str) -> Result:
    missed = table["n_bad"] - table["bad_alarms"] - table["bad_reviews"]
    return Result(
        version=int(table["version"].iloc[0]),
        method=spec.method,
        promise=spec.promise,
        alarm_rate=spec.alarm_rate,
        review_rate=spec.review_rate,
        ready=tuple(table.loc[table["enough"], "feature"]),
        short=tuple(table.loc[~table["enough"], "feature"]),
        n_good=int(table["n_good"].sum()),
        n_bad=int(table["n_bad"].sum()),
        missed=int(missed.sum()),
        by_hand=tuple(table.loc[table["by_hand"], "feature"]),
        misses=misses,
        lookalikes=alike,
        notes=tuple(_notes(table)),
    )


def _notes(table: pd.DataFrame) -> Iterator[str]:
    short = table[~table["enough"]]
    if len(short) == len(table):
        yield "No feature type has enough groups of GOOD parts for this promise."
    grouped = table[table["n_groups"] < table["n_good"]]
    if len(grouped):
        yield "Parts share groups (components), so groups count here, not parts."
    if not table["n_bad"].sum():
        yield "No BAD part is known, so nothing can be said about the share that is missed."
