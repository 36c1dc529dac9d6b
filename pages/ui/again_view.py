"""The last weeks of a line again, with other limits: what would have become of its parts."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from backend.core import runs
from backend.deployment.package.limits import Limits
from backend.line import again, control, reviewed, versions
from backend.line.again import Asked, Costs, Figure, Period, Stratum
from backend.line.spec import Spec
from backend.plots import line as line_plots
from backend.records import RunState
from backend.settings import settings
from backend.wording import counted
from pages.ui import charts, resources, run_choice

WEEKS = 6
WITH_THESE = "with these limits"
INDEPENDENT = (
    "Intervals hold at 95 % for parts that say nothing of one another; where one bad batch follows "
    "another, shifts differ by more, as the chart shows."
)


@dataclass(frozen=True)
class Judged:
    """found: of `again.counts`; seen: of `again.decided`. was, now: what passed as GOOD, and what
    people said of it."""

    found: pd.DataFrame
    seen: pd.DataFrame
    was: list[Stratum]
    now: list[Stratum]


def show(name: str, home: Path) -> None:
    """Ask, and tell what came out."""
    period = _period(name)
    scored = again.packages(resources.store(), period)
    if scored.empty:
        st.info(
            "No part of these days is in the database. A line's verdicts arrive there within ten "
            "minutes, or when it ends: choose other days, or start a line.",
            icon=":material/hourglass_empty:",
        )
        return
    found = _scores(name, scored)
    if found is None:
        return
    package, model, shadow = found
    if not versions.types_of(settings().runs, package):
        st.info(
            "These scores are a detector's, which has no limits a feature type: how sure a box "
            "must be is a setting of the line. Choose scores of an anomaly model.",
            icon=":material/info:",
        )
        return
    limits = _limits(name, home, package)
    feature = _silent(home)
    columns = st.columns(4)
    hours = columns[0].number_input("Hours of a shift", 0.5, 168.0, 8.0, 0.5, "%g")
    costs = Costs(
        columns[1].number_input("A part called BAD costs", 0.0, 1e6, 5.0, 1.0, "%g"),
        columns[2].number_input("A review costs", 0.0, 1e6, 1.0, 1.0, "%g"),
        columns[3].number_input("A BAD part passed costs", 0.0, 1e6, 100.0, 10.0, "%g"),
    )
    asked = Asked(period, model, limits, feature, hours, shadow)
    judged = _judged(name, asked)
    _result(name, judged, costs)


def _period(name: str) -> Period:
    today = datetime.now(UTC).date()
    days: Any = st.date_input(
        "Days (UTC)",
        (today - timedelta(weeks=WEEKS), today),
        max_value=today,
        key=f"again-days-{name}",
    )
    first, last = (days[0], days[-1]) if days else (today, today)
    begin = datetime(first.year, first.month, first.day, tzinfo=UTC)
    end = datetime(last.year, last.month, last.day, tzinfo=UTC) + timedelta(days=1)
    return Period(name, begin.timestamp(), end.timestamp())


def _scores(name: str, scored: pd.DataFrame) -> tuple[str, str, bool] | None:
    """Whose scores are judged again: package run, model as the line's verdicts name it, and whether
    it was a shadow alone; None where no package of them is here."""
    offered = run_choice.ended("package", RunState.COMPLETED)
    made = {
        str(model): (
            run_id,
            bool(shadow),
            f"{offered[run_id]}{_variant(model)}, {_n(parts, shadow)}",
        )
        for model, shadow, parts in scored.itertuples(index=False, name=None)
        if (run_id := versions.package_of(settings().runs, offered, str(model)))
    }
    if not made:
        st.warning(
            "The package that gave these scores is gone. Bring its run back from the trash.",
            icon=":material/link_off:",
        )
        return None
    chosen = st.selectbox(
        "Scores of",
        list(made),
        format_func=lambda model: made[model][2],
        key=f"again-package-{name}",
        help="Scores of two models cannot be held against one limit, so one is judged at a time.",
    )
    package, shadow, _ = made[str(chosen)]
    return package, str(chosen), shadow


def _variant(model: str) -> str:
    chosen = versions.variant_of(settings().runs, model)
    return f" in {chosen.variant}" if chosen else ""


def _n(parts: int, shadow: bool) -> str:
    return f"{counted(int(parts), 'part')}{', as shadow' if shadow else ''}"


def _limits(name: str, home: Path, package: str) -> Mapping[str, Limits]:
    """A version of the limits, and the numbers of it, which may be changed."""
    known = run_choice.ended("threshold", RunState.COMPLETED)
    offered = {versions.OWN: "the package's own"} | {
        run_id: known[run_id] for run_id in versions.fitting(settings().runs, package, known)
    }
    asked = control.wish(home)
    in_use = asked.threshold_run if asked else versions.OWN
    chosen = st.selectbox(
        "With the limits of",
        list(offered),
        list(offered).index(in_use) if in_use in offered else 0,
        format_func=offered.__getitem__,
        key=f"again-limits-{name}-{package}",
    )
    limits = versions.limits_of(settings().runs, package, str(chosen))
    rows = [
        {"feature type": feature, "BAD above": alarm, "review above": review}
        for feature in versions.types_of(settings().runs, package)
        for alarm, review in [limits.get(feature, (None, None))]
    ]
    st.caption("Change any number to try it. Nothing is put in force here.")
    edited = st.data_editor(
        pd.DataFrame(rows).astype({"BAD above": float, "review above": float}),
        hide_index=True,
        disabled=["feature type"],
        key=f"again-numbers-{name}-{package}-{chosen}",
    )
    return {
        str(feature): (_number(alarm), _number(review))
        for feature, alarm, review in edited.itertuples(index=False, name=None)
    }


def _number(value: Any) -> float | None:
    return None if value is None or pd.isna(value) else float(value)


def _silent(home: Path) -> str:
    """The feature type of a line's parts whose source does not tell; "" where none is set."""
    asked = control.wish(home)
    folder = settings().runs / asked.run if asked else None
    return runs.spec(runs.read(folder), Spec).feature if folder and folder.is_dir() else ""


def _judged(name: str, asked: Asked) -> Judged:
    found = again.counts(resources.store(), asked)
    people = reviewed.decisions(resources.store(), name)
    seen = again.decided(resources.store(), asked, people)
    groups = [again.strata(found, seen, when) for when in ("was", "now")]
    return Judged(found, seen, *groups)


def _result(name: str, judged: Judged, costs: Costs) -> None:
    found = judged.found
    many = again.shifts(found)
    parts = int(found["n"].sum())
    changed = int(found.loc[found["was"] != found["now"], "n"].sum())
    st.markdown(
        f"**{counted(parts, 'part')}** in {counted(many, 'shift')}: {changed} of them "
        f"({changed / parts:.1%}) would have got another verdict."
    )
    rows = _rows(judged, costs)
    st.dataframe(
        rows.map(lambda one: _told(one) if isinstance(one, Figure) else one),
        hide_index=True,
        alt="What becomes of a shift's parts with the limits of then and with these",
    )
    st.caption(_known(judged.seen))
    st.caption(INDEPENDENT)
    if many > 1:
        _by_shift(name, found)
    _by_type(name, found)


def _known(seen: pd.DataFrame) -> str:
    """What people's reviews say of parts that pass."""
    if seen.empty:
        return "No part of these was reviewed, so nobody knows which BAD ones pass."
    bad = seen[seen["bad"].astype(bool)]
    then, now = (int((bad[when] == "GOOD").sum()) for when in ("was", "now"))
    return (
        f"Of {counted(len(seen), 'reviewed part')} people call {len(bad)} BAD: {then} of them "
        f"passed then, {now} would pass with these limits."
    )


def _told(figure: Figure) -> str:
    if figure.value is None:
        return "not known"
    low, value, high = (_short(one) for one in (figure.low, figure.value, figure.high))
    return f"{value} [{low}, {high}]"


def _short(value: float | None) -> str:
    """A count or sum in little room."""
    return "–" if value is None else f"{value:.1f}" if value < 100 else f"{value:,.0f}"


def _rows(judged: Judged, costs: Costs) -> pd.DataFrame:
    """A row a figure: then and with these limits."""
    found, made = judged.found, []
    verdicts = (("BAD", "called BAD"), ("REVIEW", "to review"), ("GOOD", "passed"))
    for verdict, words in verdicts:
        then, now = (again.a_shift(again.total(found, w, verdict), found) for w in ("was", "now"))
        made.append({"a shift": words, "then": then, WITH_THESE: now})
    passing = [again.escapes(found, groups) for groups in (judged.was, judged.now)]
    made.append({"a shift": "BAD, passed", "then": passing[0], WITH_THESE: passing[1]})
    spent = [
        again.cost(found, groups, when, costs)
        for groups, when in ((judged.was, "was"), (judged.now, "now"))
    ]
    whole = all(known for _, known in spent)
    words = "cost" if whole else "cost, less BAD passed"
    made.append({"a shift": words, "then": spent[0][0], WITH_THESE: spent[1][0]})
    return pd.DataFrame(made)


def _by_shift(name: str, found: pd.DataFrame) -> None:
    rows = again.by_shift(found)
    charts.figure(
        line_plots.then_and_now(rows, f"Parts called BAD in each shift, n = {found['n'].sum()}"),
        rows,
        f"again-shifts-{name}",
        "Parts called BAD in each shift, then and with these limits",
    )


def _by_type(name: str, found: pd.DataFrame) -> None:
    rows = again.by_type(found)
    st.dataframe(rows, hide_index=True, alt="Verdicts by feature type, then and with these limits")
    charts.csv(rows, f"again-types-{name}")
