"""What is worth a notice: a long job ended, a line failed, a promise is suspended, a disk fills."""

import shutil
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import pandas as pd

from backend.core import projects, registry
from backend.line import segments
from backend.line.promise import standing
from backend.notices import box
from backend.notices.box import Notice
from backend.notices.config import Config
from backend.records import RunState, UserError

BEGAN, DISK, LOW = "began", "disk", "low"
LOOKS_BACK = 7 * box.DAY
RELIEF = 1.2  # so many times the limit is free before a full disk is told of again
ENDS = {
    RunState.COMPLETED: "is completed",
    RunState.FAILED: "failed",
    RunState.INTERRUPTED: "was interrupted",
}


class Reads(Protocol):
    """The dashboard's database."""

    def read(self, sql: str, values: Sequence[Any] = ()) -> pd.DataFrame: ...


def look(storage: Path, store: Reads, config: Config, now: float) -> int:
    """Tell what is new; how many. What ended before anybody was told of anything is not."""
    began = float(box.mark(storage, BEGAN) or 0.0)
    if not began:
        began = now
        box.set_mark(storage, BEGAN, str(now))
    found = [
        *ended(store, config, max(began, now - LOOKS_BACK)),
        *suspended(storage),
        *filling(storage, config, now),
    ]
    told = box.ids(storage)
    return sum(box.add(storage, one, config.channels) for one in found if one.id not in told)


def ended(store: Reads, config: Config, since: float) -> Iterator[Notice]:
    """Jobs that took long and ended since then, canceled ones apart; and lines that failed."""
    services = [kind.name for kind in registry.KINDS if kind.service]
    frame = store.read(
        """SELECT id, kind, name, state, seconds, finished, project, error FROM runs
           WHERE finished >= ? AND state <> 'canceled'
             AND CASE WHEN list_contains(?, kind) THEN state = 'failed' ELSE seconds >= ? END""",
        [datetime.fromtimestamp(since, UTC).replace(tzinfo=None), services, config.minutes * 60],
    )
    for row in frame.itertuples():
        finished = pd.Timestamp(str(row.finished)).tz_localize(UTC).timestamp()
        yield Notice(
            f"job {row.id} {finished:.0f}",
            finished,
            "job",
            _told(row),
            run=str(row.id),
            project=str(row.project),
        )


def _told(row: Any) -> str:
    title = registry.get(row.kind).title if row.kind in _kinds() else row.kind
    words = f"{title} “{row.name or row.id}” {ENDS[RunState(row.state)]}"
    after = f" after {row.seconds / 60:.0f} min." if row.seconds >= 60 else "."
    return f"{words}{after} {row.error or ''}".strip()


def _kinds() -> set[str]:
    return {kind.name for kind in registry.KINDS}


def suspended(storage: Path) -> Iterator[Notice]:
    """Feature types of lines whose limits promise nothing any more."""
    places = projects.lines(storage / "runs")
    for home in sorted((storage / segments.LINES).glob("*/")):
        for feature, since in _suspended(home).items():
            yield Notice(
                f"promise {home.name} {feature} {since:.0f}",
                since,
                "promise",
                f"Line {home.name}: the promise of the limits for {feature} is suspended, for its "
                "scores drifted. Its parts go to REVIEW until somebody has looked.",
                line=home.name,
                project=places.get(home.name, projects.DEFAULT),
            )


def _suspended(home: Path) -> dict[str, float]:
    try:
        found = standing.read(home)
    except UserError:  # the line writes it anew, and its page says so
        return {}
    return found.suspended if found else {}


def filling(storage: Path, config: Config, now: float) -> Iterator[Notice]:
    """Too little room is left; told once until there is more again."""
    free = shutil.disk_usage(storage).free / 2**30
    was_low = box.mark(storage, DISK) == LOW
    if free < config.free_gb and not was_low:
        box.set_mark(storage, DISK, LOW)
        words = f"Only {free:.1f} GB of disk are left. Delete old runs, or empty the trash."
        yield Notice(f"disk {now:.0f}", now, "disk", words)
    elif was_low and free > config.free_gb * RELIEF:
        box.set_mark(storage, DISK, "")
