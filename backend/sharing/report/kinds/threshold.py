"""Limits in a report: what they promise, and what they did with the known parts."""

import math
from collections.abc import Iterator
from typing import Any

import pandas as pd

from backend.core import runs
from backend.core.runs import Run
from backend.inspection.threshold import misses, told
from backend.inspection.threshold.job import calibration_scores
from backend.inspection.threshold.misses import Share
from backend.inspection.threshold.spec import Result, Spec
from backend.plots import thresholds as plots
from backend.sharing.report import general
from backend.sharing.report.items import Chart, Item, Table

DRAWN = 8  # feature types with a histogram of their own


def said(run: Run) -> Iterator[str]:
    """The promise, and the known BAD parts that the limits miss."""
    result = runs.result(run, Result)
    if set(result.ready) - set(result.by_hand):
        yield told.promise(runs.spec(run, Spec).wanted, bool(result.by_hand))
    else:
        yield "These limits promise nothing: no type has enough GOOD parts for one."
    missed = next(iter(misses.missed(run.folder)), None)
    if missed:
        yield f"Of the known BAD parts, {missed.count} are missed: {missed.share}."
    yield f"Version {result.version} of this model's limits."


def items(run: Run) -> Iterator[Item]:
    """Limits, what they did, and the scores they stand on."""
    rows = general.rows(run, "thresholds")
    alarms = {one.subject: one for one in misses.false_alarms(run.folder)}
    lost = {one.subject: one for one in misses.missed(run.folder)}
    frame = pd.DataFrame([_row(row, alarms, lost) for row in rows.itertuples()])
    words = "False alarms and misses of the parts that the limits were set on, 95 % intervals."
    yield Table("1-limits", "Limits per feature type", words, frame)
    inspected = runs.read(runs.sibling(run.folder, runs.spec(run, Spec).inspect_run))
    scores = calibration_scores(inspected.folder, runs.result(run, Result).method)
    for row in rows.head(DRAWN).itertuples():
        yield _histogram(row, scores[scores["feature"] == row.feature])


def _row(row: Any, alarms: dict[str, Share], lost: dict[str, Share]) -> dict[str, str]:
    by_hand = bool(row.by_hand) if row.by_hand == row.by_hand else False
    promise = "none: chosen by hand" if by_hand else "kept" if row.enough else "too few GOOD parts"
    return {
        "feature": str(row.feature),
        "GOOD": str(row.n_good),
        "groups": str(row.n_groups),
        "BAD above": _limit(row.alarm_limit),
        "review above": _limit(row.review_limit),
        "promise": promise,
        "false alarms": _share(alarms.get(str(row.feature))),
        "BAD missed": _share(lost.get(str(row.feature))),
    }


def _limit(value: float | None) -> str:
    return "–" if value is None or math.isnan(value) else f"{value:.2f}"


def _share(one: Share | None) -> str:
    return f"{one.count}, {one.share}" if one else "–"


def _histogram(row: Any, mine: pd.DataFrame) -> Chart:
    limits = {"BAD above": row.alarm_limit, "review above": row.review_limit}
    name = str(row.feature)
    title = f"Scores, n = {len(mine)} parts"
    chart = plots.limit_histogram(mine, title, limits)
    words = "Scores of parts never learned from, with the limits as upright lines."
    return Chart(f"2-scores-{row.Index + 1}", f"Scores and limits: {name}", words, chart, mine)


def limits(run: Run) -> Iterator[str]:
    """On what the promise rests."""
    result = runs.result(run, Result)
    if set(result.ready) - set(result.by_hand):
        yield told.GROUNDS
    if result.by_hand:
        yield f"Chosen by hand, without a promise: {', '.join(result.by_hand)}."
    if result.short:
        yield f"Too few GOOD parts for a limit: {', '.join(result.short)}. Nothing of them is BAD."
    if result.misses:
        yield result.misses
