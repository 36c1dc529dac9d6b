"""Verdicts of a line looked up: those in the dashboard's database, and those not yet in it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pandas as pd

from backend.line import outbox, segments

MOST = 100_000  # rows that a page shows of
SPANS = 60  # bars of a chart, at most


class Reads(Protocol):
    """The dashboard's database."""

    def read(self, sql: str, values: Any = ()) -> pd.DataFrame: ...


@dataclass(frozen=True)
class Asked:
    """begin, end: of the time of capture, UTC, seconds. verdicts: () for all. serial: what the
    serial number contains; feature: its type, "" for any."""

    begin: float
    end: float
    verdicts: tuple[str, ...] = ()
    serial: str = ""
    feature: str = ""


def holds(home: Path, epoch: int, sequence: int) -> bool:
    """Has the line judged a part of this key? Looked up in its own files, the newest first."""
    where = "verdict IS NOT NULL AND epoch = ? AND sequence = ?"
    if outbox.read(home, where, [epoch, sequence], 1):
        return True
    return any(segments.holds(path, epoch, sequence) for path in reversed(segments.files(home)))


def rows(store: Reads, home: Path, asked: Asked, review: bool = False) -> pd.DataFrame:
    """What is asked for, oldest first, with `time`; the newest MOST where there are more.

    review: those alone that a person is to look at.
    """
    stored = store.read(
        f"""SELECT * EXCLUDE (maker) FROM verdicts
           WHERE maker = ? AND captured >= ? AND captured < ?
             AND (len(?) = 0 OR list_contains(?, verdict))
             AND (? = '' OR contains(serial, ?)) AND (? = '' OR feature = ?)
             AND (NOT ? OR blind > 0 OR verdict = 'REVIEW')
           ORDER BY epoch DESC, sequence DESC LIMIT {MOST}""",
        [
            *(home.name, asked.begin, asked.end, list(asked.verdicts), list(asked.verdicts)),
            *(asked.serial, asked.serial, asked.feature, asked.feature, review),
        ],
    )
    live = _live(home, asked, review)
    frame = pd.concat([one for one in (stored, live) if len(one)] or [stored])
    frame = frame.drop_duplicates(["epoch", "sequence"]).sort_values(["epoch", "sequence"])
    time = pd.to_datetime(frame["captured"], unit="s", utc=True).dt.tz_localize(None)
    return frame.assign(time=time.dt.round("ms")).tail(MOST).reset_index(drop=True)


def _live(home: Path, asked: Asked, review: bool) -> pd.DataFrame:
    """What the outbox holds of it, whether it is cut or not."""
    found = outbox.read(
        home,
        "verdict IS NOT NULL AND captured >= ? AND captured < ? AND instr(serial, ?) > 0 "
        "AND (? = '' OR feature = ?)",
        [asked.begin, asked.end, asked.serial, asked.feature, asked.feature],
        MOST,
    )
    frame = pd.DataFrame(found, columns=list(outbox.COLUMNS)).drop(columns="id")
    if review:
        frame = frame[(frame["blind"].fillna(0) > 0) | (frame["verdict"] == "REVIEW")]
    return frame[frame["verdict"].isin(asked.verdicts)] if asked.verdicts else frame


def spans(found: pd.DataFrame) -> pd.DataFrame:
    """Parts by verdict in equal spans of time: start, seconds (of a span), verdict, n."""
    seconds = (found["time"].max() - found["time"].min()).total_seconds()
    wide = next(
        (width for width in (60, 600, 3600, 6 * 3600) if seconds / width <= SPANS), 24 * 3600
    )
    start = found["time"].dt.floor(f"{wide}s")
    counts = found.assign(start=start).groupby(["start", "verdict"]).size()
    return counts.reset_index(name="n").assign(seconds=wide)
