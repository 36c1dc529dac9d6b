"""How a line is doing: its state, its counts, its newest parts."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from backend.line import log, report, watch
from backend.line.part import Verdict
from backend.line.watch import Status
from backend.settings import settings
from pages.ui import caveats, charts, links, resources

MEANING = {
    Verdict.GOOD: "Passed",
    Verdict.REVIEW: "A person looks: the score lies between the limits, or nothing is promised",
    Verdict.BAD: "Above the limit",
    Verdict.UNINSPECTED: "Nobody looked, so none of them counts as good",
}
BADGES = {
    "GOOD": ":green-badge[:material/check: GOOD]",
    "REVIEW": ":orange-badge[:material/visibility: REVIEW]",
    "BAD": ":red-badge[:material/close: BAD]",
    "UNINSPECTED": ":gray-badge[:material/visibility_off: UNINSPECTED]",
}


def told(name: str) -> str:
    """That it goes on under its name."""
    return f"Start one named “{charts.plain(name)}” again, and it goes on where it was."


def to_live(name: str, label: str = "Watch its parts") -> None:
    """A link to the newest parts of a line."""
    st.page_link(links.LIVE, label=label, icon=":material/monitoring:", query_params={"line": name})


def to_review(name: str, label: str = "Review parts") -> None:
    """A link to where people judge parts of a line."""
    st.page_link(
        links.REVIEW, label=label, icon=":material/rate_review:", query_params={"line": name}
    )


def to_promise(name: str, label: str = "What it promises") -> None:
    """A link to how the promise of a line stands."""
    st.page_link(
        links.PROMISE, label=label, icon=":material/verified_user:", query_params={"line": name}
    )


def state(status: Status) -> None:
    """Is it alive, what troubles it, and its counts."""
    if not status.alive:
        st.error(
            "This line gives no sign of life: parts that pass it are not inspected.",
            icon=":material/emergency_home:",
        )
    elif status.troubles:
        st.warning("This line runs, with trouble:", icon=":material/warning:")
    else:
        st.success("This line runs.", icon=":material/check_circle:")
    for words in status.troubles.values():
        st.markdown(f"- {charts.plain(words)}")
    if status.suspended:
        types = charts.plain(", ".join(sorted(status.suspended)))
        st.warning(
            f"The promise of the limits is suspended: the scores of {types} drifted.",
            icon=":material/gpp_bad:",
        )
        to_promise(status.name, "What to do")
    caveats.noted(status.notes)
    times = (status.p50_ms, status.p95_ms, status.p99_ms)
    total = sum(status.totals.values())
    counts(total, {v.name.lower(): status.count(v) for v in Verdict}, times)
    waiting = [f"{name} lacks {n}" for name, n in status.pending.items() if n]
    words = f"{status.a_minute:.0f} parts a minute, {status.buffer} of {status.capacity} wait."
    told_all = "" if waiting or not status.pending else " Every machine has every verdict."
    st.caption(charts.plain(f"{words} {'; '.join(waiting)}{told_all}".strip()))


def counts(total: int, by_verdict: Mapping[str, Any], times: Sequence[float | None]) -> None:
    """How many parts got which verdict, and how fast. times: median, 95 % and 99 % within, ms."""
    tiles = [("Parts", f"{total:,}", "Since the line's first start")]
    tiles += [
        (verdict.value, f"{by_verdict[verdict.name.lower()]:,}", meaning)
        for verdict, meaning in MEANING.items()
    ]
    names = ("Median time", "95 % within", "99 % within")
    tiles += [
        (name, _time(ms), "From the source to the verdict, with the wait for those before it")
        for name, ms in zip(names, times, strict=True)
        if ms is not None
    ]
    charts.metrics(tiles)
    if any(ms is not None for ms in times):
        st.caption(
            "Times are from the source to the verdict: a part that comes while others are judged "
            "waits for them. How long judging takes by itself, Latency measures."
        )


def _time(ms: float) -> str:
    return f"{ms:.0f} ms" if ms < 1000 else f"{ms / 1000:.1f} s"


def judges(status: Status) -> None:
    """What judges on a line, in a caption; and what to do where no part can pass."""
    limits = f"with limits version {status.thresholds}" if status.thresholds else "without limits"
    variant = f" in {status.variant}" if status.variant else ""
    st.caption(f"Judged by package {status.package}{variant}, {limits}.")
    decided = status.count(Verdict.GOOD) + status.count(Verdict.BAD)
    if status.count(Verdict.REVIEW) and not status.thresholds and not decided:
        st.warning(
            "No limits are in use, so every part goes to REVIEW. Choose limits on the line's page, "
            "under “Change what judges”.",
            icon=":material/gavel:",
        )
        links.to_kind("line", "Choose limits", status.run)


def every() -> None:
    """All lines of the project, each with its state, its parts and what troubles it."""
    storage = settings().storage
    names = resources.supervisor().lines(watch.names(storage))
    rows = [_row(name, watch.status(report.home(storage, name))) for name in names]
    if not rows:
        return
    st.markdown("#### All lines")
    st.dataframe(pd.DataFrame(rows), hide_index=True)


def _row(name: str, status: Status | None) -> dict[str, Any]:
    if status is None:
        return {"line": name, "state": "starting", "parts": 0, "not inspected": 0, "trouble": ""}
    gone = "ended" if status.ended else "no sign of life"
    words = "; ".join(status.troubles.values()) if status.alive else ""
    return {
        "line": name,
        "state": "runs" if status.alive else gone,
        "parts": sum(status.totals.values()),
        "not inspected": status.count(Verdict.UNINSPECTED),
        "trouble": words,
    }


def alarms(home: Path, count: int = 20) -> None:
    """What troubled a line lately, and what was changed on it."""
    found = log.newest(home, count)
    if not found:
        return
    with st.expander("What happened on this line", icon=":material/notifications:"):
        shown = pd.DataFrame(found)
        when = pd.to_datetime(shown["time"]).dt.strftime("%d %b %H:%M:%S")
        told = {"time (UTC)": when, "what": shown["what"], "concerns": shown["of"]}
        told["in words"] = shown["words"].map(charts.plain)  # wrapped, to be read on a phone
        st.table(
            pd.DataFrame(told),
            border="horizontal",
            hide_index=True,
            alt="What troubled the line, and what was changed on it",
        )


def choose() -> tuple[str, Path] | None:
    """The line named in the address (`?line=`), or the one picked here; None without any."""
    window, asked = resources.supervisor(), st.query_params.get("line", "")
    window.check_line(asked)
    names = window.lines(watch.names(settings().storage))
    if not names:
        st.info("No line was started yet.", icon=":material/info:")
        links.to_kind("line", "Start a line")
        return None
    place = names.index(asked) if asked in names else 0
    name = st.selectbox("Line", names, index=place)
    if asked and asked not in names:
        words = f"There is no line '{asked}' in this project. This is {name}."
        st.warning(charts.plain(words), icon=":material/search_off:")
    st.query_params["line"] = name
    return name, report.home(settings().storage, name)


def crop(home: Path, row: pd.Series, width: int = 160) -> None:
    """A kept crop with its map over it, and what was said of it."""
    picture = watch.picture(home, str(row["picture"])) if row["picture"] else None
    if picture is not None:
        st.image(picture, width=width)
    elif row["picture"]:
        st.caption("The picture is gone: room was needed.")
    else:
        st.caption("No picture was kept of this part.")
    score = "" if pd.isna(row["score"]) else f" · score {row['score']:.2f}"
    serial = charts.plain(f"{row['feature']} {row['serial']}")
    st.markdown(f"{BADGES[row['verdict']]} {serial}{score}")
    if row.get("suspended") == 1:
        st.caption("The promise of its limits was suspended.")
    if row["reason"]:
        st.caption(charts.plain(str(row["reason"])))
