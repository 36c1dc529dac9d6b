"""Thresholds: limits with a promise per feature type, what they cost a shift, their versions."""

import math
from datetime import datetime
from typing import Any

import pandas as pd
import streamlit as st

from backend.core import runs
from backend.core.runs import Run
from backend.inspection.threshold import detection, told
from backend.inspection.threshold.detection import Sized
from backend.inspection.threshold.job import calibrated_on
from backend.inspection.threshold.limits import (
    Promise,
    expected_shift,
    least_groups,
    least_rate,
    verdicts,
)
from backend.inspection.threshold.misses import Share, false_alarms, missed, shares
from backend.inspection.threshold.spec import Result, Spec
from backend.plots import thresholds as thresholds_plots
from backend.records import UserError
from backend.settings import settings
from pages.ui import caveats, charts, forms, identity, links, resources, threshold_versions
from pages.ui.layout import plain_errors
from pages.ui.run_view import kind_page

MARKS = 2000  # BAD parts drawn beside the curve


def show(run: Run) -> None:
    result = runs.result(run, Result)
    rows = resources.facts("thresholds", run)
    rows = rows.assign(by_hand=rows["by_hand"].fillna(False).astype(bool))  # an older version's
    threshold_versions.standing(run)
    threshold_versions.alarm(run)
    st.markdown("Next: put this version in force below, or try other limits first.")
    caveats.alike(run)
    charts.metrics(
        [
            ("Version", str(result.version), "Of the thresholds of this anomaly model"),
            (
                "Types with a limit",
                f"{len(result.ready)} of {len(rows)}",
                "The others have too few GOOD parts for this promise",
            ),
            *_promised(result, rows),
            ("BAD missed", *threshold_versions.missed_tile(run)),
        ]
    )
    _by_hand(run, result)
    if not threshold_versions.promises_nothing(result):
        st.markdown(told.promise(_wanted(run), bool(result.by_hand)))
        with st.expander("What this promise rests on", icon=":material/balance:"):
            st.markdown(told.GROUNDS)
    caveats.noted(result.notes)
    _table(run, rows)
    _too_few(run, rows)
    _scores(run, rows)
    _by_size(run)
    _shift(run, rows)
    threshold_versions.activate(run)
    threshold_versions.versions(run)


def _promised(result: Result, rows: pd.DataFrame) -> list[tuple[str, str, str]]:
    """The two promised rates, each where any type has a limit that promises it."""
    of = "GOOD parts" + (" of the types not chosen by hand" if result.by_hand else "")
    why = "Every limit was chosen by hand" if result.by_hand else "No type has a limit"
    alarms = "False alarms", f"≤ {result.alarm_rate * 100:.3g}%", f"Promised, of {of}"
    if threshold_versions.promises_nothing(result):
        alarms = "False alarms", "no promise", why
    seen = (
        "Seen by a person",
        f"≤ {result.review_rate * 100:.3g}%",
        f"Promised, of {of}: review and false alarms together",
    )
    reviewed = (rows["review_limit"].notna() & ~rows["by_hand"]).any()
    return [alarms, seen] if reviewed else [alarms]


def _by_hand(run: Run, result: Result) -> None:
    """What the limits that a person chose did with the known parts: they promise nothing."""
    if not result.by_hand:
        return
    alarms = {one.subject: one for one in false_alarms(run.folder)}
    of_bad = {one.subject: one for one in missed(run.folder)}
    lines = ["Chosen by hand, so **no promise**. With the parts that they were chosen on:", ""]
    for name in result.by_hand:
        told = f"false alarms {alarms[name].count} GOOD parts, {alarms[name].share}; "
        lost = of_bad.get(name)
        told += f"{lost.count} BAD missed, {lost.share}" if lost else "no BAD part is known"
        lines.append(f"- **{charts.plain(name)}**: {charts.plain(told)}")
    lines += ["", "New parts will do a little worse: the limit was fitted to these."]
    st.warning("\n".join(lines), icon=":material/back_hand:")


def _wanted(run: Run) -> Promise:
    return runs.spec(run, Spec).wanted


def _table(run: Run, rows: pd.DataFrame) -> None:
    wanted = _wanted(run)
    needed = least_groups(wanted.alarm_rate, wanted.confidence)
    shown = pd.DataFrame(
        {
            "feature": rows["feature"],
            "GOOD parts": rows["n_good"],
            "groups": rows["n_groups"],
            "BAD above": [charts.number(value) for value in rows["alarm_limit"]],
            "review above": [charts.number(value) for value in rows["review_limit"]],
            "promise": [_promise_of(row, needed) for row in rows.itertuples()],
            "GOOD above": _shares(rows["good_alarms"], rows["n_good"], rows["enough"]),
            "BAD found": _shares(rows["bad_alarms"], rows["n_bad"], rows["enough"]),
            "BAD missed": _shares(
                rows["n_bad"] - rows["bad_alarms"] - rows["bad_reviews"],
                rows["n_bad"],
                rows["review_needed"] == 0,
            ),
        }
    )
    st.dataframe(shown, hide_index=True, alt="Limits per feature type")
    charts.csv(rows.drop(columns="run_id"), f"thresholds-{run.id}")


def _promise_of(row: Any, needed: int) -> str:
    """What stands behind a type's limit for alarms."""
    if row.by_hand:
        return "none: chosen by hand"
    return "kept" if row.enough else f"too few GOOD: {row.n_groups} of {needed} groups"


def _shares(counts: pd.Series, totals: pd.Series, known: pd.Series) -> list[str]:
    rows = zip(counts, totals, known, strict=True)
    return [f"{count} of {total}" if sure and total else "–" for count, total, sure in rows]


def _too_few(run: Run, rows: pd.DataFrame) -> None:
    """What to do about the types without a limit."""
    wanted = _wanted(run)
    needed = least_groups(wanted.alarm_rate, wanted.confidence)
    short = rows[~rows["enough"].astype(bool)]
    if short.empty:
        return
    lines = [_lacking(row, wanted, needed) for row in short.itertuples()]
    head = f"Not enough GOOD parts to promise {wanted.alarm_rate:.1%}. Nothing is called BAD of:"
    st.warning("\n".join([head, "", *lines]), icon=":material/group_add:")


def _lacking(row: Any, wanted: Promise, needed: int) -> str:
    """What a type without a limit lacks, and what happens to its parts until then."""
    things = "GOOD parts" if row.n_groups == row.n_good else "groups with GOOD parts"
    least = math.ceil(least_rate(row.n_groups, wanted.confidence) * 1000) / 1000
    until = "above the review limit" if row.review_needed == 0 else "every part of it"
    return (
        f"- {charts.plain(row.feature)}: {row.n_groups} of {needed} {things}. Add "
        f"{row.needed}, or promise {least:.1%}. Until then a person looks: {until}."
    )


def _scores(run: Run, rows: pd.DataFrame) -> None:
    """Histogram of one type with its limits, and what another limit would do."""
    st.subheader("Scores and limits", anchor=False)
    try:
        inspected = resources.supervisor().find(runs.spec(run, Spec).inspect_run)
        scores = calibrated_on(run.folder)
    except UserError as error:
        st.warning(charts.plain(str(error)), icon=":material/link_off:")
        return
    left, right = st.columns(2)
    first = int(rows["enough"].astype(bool).to_numpy().argmax())
    feature = left.selectbox("Feature type", list(rows["feature"]), index=first)
    row = rows[rows["feature"] == feature].iloc[0]
    mine = scores[scores["feature"] == feature]
    low, high = float(mine["score"].min()), float(mine["score"].max())
    start = row["alarm_limit"] if row["enough"] else high
    tried = right.slider(
        "Try another limit",
        math.floor(low * 10) / 10,
        math.ceil(high * 10) / 10 + 0.1,
        round(float(start), 2),
        0.05,
        key=f"tried-{run.id}-{feature}",
        help="Shows what it would do. It changes nothing by itself, and promises nothing.",
    )
    limits = {"BAD above": row["alarm_limit"], "review above": row["review_limit"]}
    moved = abs(tried - float(start)) > 0.03
    if moved:
        limits["tried"] = tried
    alarms, lost = shares(feature, _judged(mine, row, tried if moved else float(start)))
    st.markdown(_tried(tried if moved else float(start), alarms, lost))
    if moved:
        _use(run, feature, tried)
    charts.of_run(
        run,
        "limits",
        lambda: thresholds_plots.limit_histogram(
            mine, f"Scores of parts never learned from, {feature}", limits
        ),
        mine,
        f"Histogram of the scores of GOOD and BAD parts of {feature} with its limits",
        (feature, *limits.values()),
    )
    links.to_part(inspected.id, label="Look at single parts")


def _judged(mine: pd.DataFrame, row: pd.Series, alarm: float) -> pd.DataFrame:
    """One type's parts with the verdict that another limit for alarms would give."""
    review = None if pd.isna(row["review_limit"]) else min(float(row["review_limit"]), alarm)
    return mine.assign(verdict=verdicts(mine["score"], alarm, review))


def _tried(limit: float, alarms: Share, missed: Share) -> str:
    """What a limit does with the known parts."""
    share = charts.plain(alarms.share)
    words = f"Above {limit:.2f}: **{alarms.count}** GOOD parts raise an alarm ({share})"
    if not missed.known:
        return f"{words}. No BAD part is known."
    lost = f"**{missed.count}** BAD parts are missed, called GOOD ({charts.plain(missed.share)})"
    red = " :red[:material/error: A third or more.]" if missed.too_many else ""
    return f"{words}, and {lost}.{red}"


def _use(run: Run, feature: str, limit: float) -> None:
    """Make the limit that was tried a version of its own."""
    chosen = runs.spec(run, Spec).by_hand
    kept = [line for line in chosen if line.rpartition("=")[0].strip() != feature]
    spec = run.spec | {"by_hand": [*kept, f"{feature} = {limit:g}"]}
    label = f"Use {limit:g} for {feature}"
    barred = not identity.may("work.submit")
    if st.button(
        label, icon=":material/back_hand:", key=f"use-{run.id}-{feature}", disabled=barred
    ):
        forms.start("threshold", spec, f"{feature} above {limit:g}, by hand", run.id)
    st.caption(
        "Makes a new version with this limit, chosen by hand, and the others as they are. It "
        "promises nothing, says what it does with the known parts, and is not in force before "
        "somebody puts it there."
    )


def _by_size(run: Run) -> None:
    """How likely these limits find a defect, by its size; worked out where it is opened."""
    if not detection.has_sizes(run.folder):
        return
    label, icon = "How likely a defect is found, by its size", ":material/show_chart:"
    fold = st.expander(label, icon=icon, key=f"sizes-{run.id}", on_change="rerun")
    if fold.open:
        with fold, plain_errors():
            _detected(run)


def _detected(run: Run) -> None:
    """The curve of all types together with a90 and a90/95, and both of each type."""
    known, table = _sizes(run.id, run.finished)
    whole, unit = table.iloc[0], known.measure.unit
    if whole["words"]:
        st.info(charts.plain(str(whole["words"])), icon=":material/info:")
    else:
        low, high = detection.size(whole["low"]), detection.size(whole["high"])
        found = f"{whole['hits']} of {whole['n']} BAD parts are not called GOOD"
        charts.metrics(
            [
                (f"a90, {unit}", f"{whole['a90']:.3g} [{low}, {high}]", f"90 % found. {found}"),
                (f"a90/95, {unit}", detection.size(whole["a90_95"]), "Upper bound of a90, 95 %"),
            ]
        )
        curve = detection.fitted(known.rows)
        points = detection.drawn(curve)
        charts.figure(
            thresholds_plots.detection_probability(
                points,
                known.rows.sample(min(len(known.rows), MARKS), random_state=0),
                (float(whole["a90"]), float(whole["a90_95"])),
                f"Probability of detection, n = {len(known.rows)} BAD parts",
                unit,
            ),
            points,
            f"detection-{run.id}",
            "Probability that a defect is found against its size, with its lower bound",
        )
    shown = detection.told(table)
    st.dataframe(shown, hide_index=True, alt="Size found with 90 %, of each feature type")
    charts.csv(shown, f"sizes-{run.id}")
    lacks = " ".join(detection.missing(known))
    st.caption(f"Size: {known.measure.words}. {detection.METHOD} {charts.plain(lacks)}".strip())


@st.cache_resource(ttl=3600, max_entries=20, show_spinner="Fitting …")
def _sizes(run_id: str, finished: datetime | None) -> tuple[Sized, pd.DataFrame]:
    """The sized BAD parts of a version, and what is known of each type; worked out once."""
    known = detection.sized(settings().runs / run_id)
    return known, detection.by_type(known)


def _shift(run: Run, rows: pd.DataFrame) -> None:
    """What to expect in a shift at the line's pace, of the types whose limit promises something."""
    ready = rows[rows["enough"].astype(bool) & ~rows["by_hand"]]
    if ready.empty:
        return
    st.subheader("In a shift", anchor=False)
    columns = st.columns(3)
    pace = columns[0].number_input("Parts a minute", 0.1, 10_000.0, 28.0, 1.0, "%g")
    hours = columns[1].number_input("Hours", 0.1, 168.0, 8.0, 1.0, "%g")
    bad = columns[2].number_input("Of 100 parts, BAD are", 0.0, 100.0, 1.0, 0.5, "%g")
    called = int(ready["bad_alarms"].sum()), int(ready["bad_reviews"].sum())
    counts = (*called, int(ready["n_bad"].sum()) - sum(called))
    expected = expected_shift(pace * 60 * hours, bad / 100, _wanted(run), counts)
    charts.metrics(
        [
            ("Parts", f"{expected.parts:,.0f}", ""),
            ("False alarms", f"≤ {expected.false_alarms:,.0f}", "GOOD parts called BAD"),
            ("GOOD to review", f"≤ {expected.good_reviews:,.0f}", "A person sees them"),
            ("BAD found", _count(expected.caught), "Called BAD"),
            ("BAD to review", _count(expected.bad_reviews), "A person sees them"),
            ("BAD missed", _count(expected.missed), "Called GOOD"),
        ]
    )
    reviewed = expected.false_alarms + expected.good_reviews
    st.caption(
        f"A person sees up to {reviewed / hours:,.0f} GOOD parts an hour. GOOD parts count at the "
        "promised rates. BAD parts count as the known ones came out "
        f"({sum(counts)} of the types with a limit), so defects never seen are not in it. "
        "Types without a limit, or with one chosen by hand, are left out."
    )


def _count(value: float | None) -> str:
    return "–" if value is None else f"{value:,.0f}" if value >= 10 else f"{value:,.1f}"


kind_page(
    "threshold",
    "Set limits of the score, per feature type, that promise how many GOOD parts raise a "
    "false alarm. See what they mean for a shift, and choose the version that is in "
    "force.",
    show,
)
