"""Promise: does what the limits promise still hold, and what does the line let through?"""

import time
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from backend.actions import reviews
from backend.line import report
from backend.line.promise import in_use, recalibration, standing
from backend.line.promise.in_use import InUse
from backend.line.promise.reference import SCORE
from backend.line.promise.standing import Standing
from backend.line.review import agreement, decisions, queue, rates, repeats
from backend.line.review.decisions import Decision
from backend.numeric import drift, shares
from backend.numeric.shares import Share
from backend.plots import promise as plots
from backend.settings import settings
from backend.sharing.report.scope import Period
from backend.wording import counted
from pages.ui import charts, identity, line_view, links, report_view, resources
from pages.ui.layout import header, plain_errors

DAYS = 90.0  # of which rates are shown
CAUSES = {
    "brightness": "Brightness drifted: look at lamp, exposure and stray light.",
    "sharpness": "Sharpness drifted: look at focus, a dirty lens, and parts that move.",
    "edge": "Pictures have another size: look at the camera's settings.",
}
NAMES = {SCORE: "score", "brightness": "brightness", "sharpness": "sharpness", "edge": "size"}


def show() -> None:
    header(
        "Promise",
        "What the limits promise holds for parts like those that they were made on. Here a line "
        "says whether its parts still are, and what people found among those drawn by lot.",
    )
    chosen = line_view.choose()
    if chosen is None:
        return
    name, home = chosen
    with plain_errors():
        rows = _parts(name)
        found, used = standing.read(home), in_use.of(home)
        said = decisions.standing(home)
        if found is None or used is None:
            st.info(
                "Nothing is known yet: the promise is watched from the line's next start on.",
                icon=":material/hourglass_empty:",
            )
            links.to_kind("line", "Start the line")
        else:
            _state(found, used)
            _recalibrate(home, rows, said, found, used)
        _rates(home, rows, said)
        _agreement(home, rows, said)
        if found is not None:
            _drift(home, found)
        if used is not None:
            _sequence(rows, said, used)
        _weeks(rows, said, name)
        if used is not None and len(rows):
            report_view.protocol(name, Period())


@st.cache_data(ttl=15, max_entries=4, show_spinner=False)
def _parts(name: str) -> pd.DataFrame:
    home = report.home(settings().storage, name)
    return queue.parts(resources.store(), home, time.time(), DAYS)


def _state(found: Standing, used: InUse) -> None:
    """Does the promise stand?"""
    if found.words:
        st.warning(charts.plain(found.words), icon=":material/visibility_off:")
        links.to_kind("line", "Open this line", used.line_run)
    for causes, features in _alike(found).items():
        since = _when(min(found.suspended[name] for name in features))
        lines = [
            f"**{charts.plain(', '.join(features))}: the promise is suspended** since {since}. The "
            "scores are no longer like those that the limits were made on.",
            "",
        ]
        lines += [f"- {CAUSES[name]}" for name in causes]
        if not causes:
            lines.append(
                "- Brightness, sharpness and size are as they were: look at the parts themselves, "
                "their material and process, and whether more of them are BAD."
            )
        st.error("\n".join(lines), icon=":material/gpp_bad:")
    for feature in sorted(set(found.streams) - set(found.suspended)):
        for name in found.causes(feature):
            st.warning(
                f"{charts.plain(feature)}: its scores are as they were. {CAUSES[name]}",
                icon=":material/troubleshoot:",
            )
    standing_types = [name for name in found.streams if name not in found.suspended]
    if standing_types and not found.suspended:
        st.success(
            f"The promise stands, for {counted(len(standing_types), 'feature type')}, since "
            f"{_when(found.since)}.",
            icon=":material/verified_user:",
        )
    if found.short:
        few = ", ".join(f"{name} ({n})" for name, n in sorted(found.short.items()))
        st.caption(
            charts.plain(
                f"Not watched, with under {drift.LEAST} GOOD parts behind the limits: {few}."
            )
        )


def _alike(found: Standing) -> dict[tuple[str, ...], list[str]]:
    """What drifted besides the scores → the suspended types of which this is so."""
    made: dict[tuple[str, ...], list[str]] = {}
    for feature in sorted(found.suspended):
        made.setdefault(tuple(found.causes(feature)), []).append(feature)
    return made


def _when(seconds: float) -> str:
    return f"{pd.Timestamp(seconds, unit='s'):%Y-%m-%d %H:%M} UTC"


def _recalibrate(
    home: Path, rows: pd.DataFrame, said: list[Decision], found: Standing, used: InUse
) -> None:
    """The way back: new limits from parts that people found GOOD since."""
    if not found.suspended:
        return
    waited = recalibration.pending(home)
    if waited:
        st.info(
            "New limits are being made; the line takes them when they are done.",
            icon=":material/hourglass_top:",
        )
        links.to_kind("threshold", "Look at them", waited)
        return
    st.markdown("#### What to do")
    mine = recalibration.reviewed(rows, said, found.suspended, used.feature)
    needs = recalibration.needs(home, used, mine, found.suspended)
    for one in needs:
        st.progress(
            min(1.0, one.good / one.needed),
            charts.plain(f"{one.feature}: {one.good} of {one.needed} reviewed GOOD parts since"),
        )
    ready = all(one.is_met for one in needs)
    st.markdown(
        "Put right what changed, and let the promise stand again. Or, if it is to stay so, set new "
        "limits: they rest on parts that came since, were drawn by lot, and were found GOOD by a "
        "person."
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        who = identity.ask("promise-who")
        barred = not (ready and who and identity.may("reviews.recalibrate"))
        pressed = st.button("Recalibrate", type="primary", icon=":material/tune:", disabled=barred)
        barred = not (who and identity.may("reviews.watch_anew"))
        righted = st.button("It is put right", icon=":material/build:", disabled=barred)
        line_view.to_review(home.name)
    if pressed:
        reviews.recalibrate(identity.actor(), resources.supervisor(), home, rows)
        st.rerun()
    if righted:
        reviews.watch_anew(identity.actor(), home)
        st.toast("The line counts anew with its next part.", icon=":material/check:")


def _rates(home: Path, rows: pd.DataFrame, said: list[Decision]) -> None:
    """What the line lets through, and how often it errs."""
    found = rates.of(rows, said)
    st.markdown("#### What people found")
    tiles = [
        ("Escapes", _value(found.escapes), "BAD among the parts that the line called GOOD"),
        ("False alarms", _value(found.false_alarms), "Called BAD among the parts that are GOOD"),
        ("Looked at", f"{found.looked:,}", f"Of {counted(found.drawn, 'part')} drawn by lot"),
    ]
    if found.twice:
        tiles.append(("Agree", f"{found.agreeing}/{found.twice}", "Parts that two looked at"))
    charts.metrics(tiles)
    for name, one in (("Escapes", found.escapes), ("False alarms", found.false_alarms)):
        st.markdown(charts.plain(f"{name}: {rates.words(one)}. {_more(one)}"))
    if found.looked < found.drawn or not found.drawn:
        line_view.to_review(home.name)


def _agreement(home: Path, rows: pd.DataFrame, said: list[Decision]) -> None:
    """How far people agree with themselves, with each other, and with the line."""
    made = agreement.found(rows, said, repeats.of(home).holds)
    if not made:
        return
    st.markdown("#### Do they agree?")
    table = agreement.table(made)
    st.dataframe(table, hide_index=True, alt="Agreement of people and line, with kappa")
    charts.csv(table, f"agreement-{home.name}")
    st.caption(
        "Kappa is agreement beyond chance: 1 all agree, 0 as by chance; from 0.75 on it is good. "
        "Parts that come to everybody, and twice, are drawn by lot: the line's setting “Repeat "
        "share”. In brackets 95 % intervals."
    )


def _value(found: Share) -> str:
    if not found.n:
        return "–"
    value = "–" if found.value != found.value else f"{found.value:.1%}"
    return f"{value} [{found.low:.1%}, {found.high:.1%}]"


def _more(found: Share) -> str:
    unsure = f" {counted(found.open, 'part')} of which nobody is sure may be either." * bool(
        found.open
    )
    more = shares.more_to_halve(found)
    if not found.n:
        return f"{more} reviews give a first interval."
    return f"{more} more reviews would halve the interval.{unsure}"


def _drift(home: Path, found: Standing) -> None:
    """The evidence of each stream now, and of one type over time."""
    if not found.streams:
        return
    st.markdown("#### Drift")
    st.caption(
        "How much speaks for a change of the scores: 0 nothing, at 1 the alarm comes. Where "
        f"nothing changed, it ever comes with a probability of {drift.ALPHA:.0%} at most for each "
        "feature type, however long the line runs and however often one looks."
    )
    table = pd.DataFrame(
        [
            {
                "feature": feature,
                "parts": streams[SCORE].wealth.n,
                **{NAMES[name]: round(one.evidence, 2) for name, one in streams.items()},
                "suspended since": _when(since) if (since := streams[SCORE].alarmed) else "–",
            }
            for feature, streams in found.streams.items()
        ]
    )
    st.dataframe(table, hide_index=True, alt="Evidence of a drift of each feature type")
    charts.csv(table, f"drift-{home.name}")
    feature = st.selectbox("Feature type", list(found.streams), key=f"promise-type-{home.name}")
    lines = _lines(home, found, str(feature))
    if lines["time"].nunique() > 1:
        charts.figure(
            plots.evidence(lines, f"Evidence of a drift, {feature}"),
            lines,
            f"evidence-{home.name}",
            f"Evidence of a drift of {feature} over time, by quantity; the alarm comes at 1",
        )
    else:
        st.caption("Its course over time is drawn once the line has looked at it twice.")


def _lines(home: Path, found: Standing, feature: str) -> pd.DataFrame:
    """time, name and evidence of a type's streams, as remembered."""
    kept: list[dict[str, Any]] = [one for one in standing.history(home) if one["key"] == found.key]
    rows = [
        {"time": pd.Timestamp(one["time"], unit="s"), "name": NAMES[name], "evidence": value}
        for one in kept
        for name, value in one["evidence"].get(feature, {}).items()
    ]
    return pd.DataFrame(rows, columns=["time", "name", "evidence"])


def _sequence(rows: pd.DataFrame, said: list[Decision], used: InUse) -> None:
    """The false-alarm rate of the limits in use, watched from their first reviewed part on."""
    found = rates.sequence(rows, said, used.version)
    if len(found) < 2:
        return
    low, high = float(found["low"].iloc[-1]), float(found["high"].iloc[-1])
    promised = used.alarm_rate
    charts.figure(
        plots.band(
            found, promised, f"False-alarm rate of version {used.version}, n = {len(found)}"
        ),
        found,
        f"sequence-{used.line_run}",
        "Bounds of the false-alarm rate after each reviewed GOOD part",
    )
    words = f"Between {low:.1%} and {high:.1%}, with 95 % confidence however often one looks."
    if promised is not None and low > promised:
        st.error(f"{words} That is above the promised {promised:.1%}.", icon=":material/gpp_bad:")
    elif promised is not None and high <= promised:
        st.success(f"{words} The promised {promised:.1%} is kept.", icon=":material/verified_user:")
    else:
        st.caption(words)


def _weeks(rows: pd.DataFrame, said: list[Decision], name: str) -> None:
    found = rates.by_week(rows, said)
    if found["week"].nunique() > 1:
        charts.figure(
            plots.weekly(found, f"Escapes and false alarms by week, n = {int(found['n'].sum())}"),
            found,
            f"weeks-{name}",
            "Rate of escapes and of false alarms in each week, with intervals",
        )


show()
