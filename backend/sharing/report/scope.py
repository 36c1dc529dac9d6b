"""What a report is of: a run, several, or a line over a period. Nothing is read here."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any


@dataclass(frozen=True)
class Period:
    """From `begin` to before `end`, UTC; None: without an end on that side."""

    begin: datetime | None = None
    end: datetime | None = None

    @property
    def words(self) -> str:
        first = f"{self.begin:%Y-%m-%d %H:%M}" if self.begin else "its first start"
        last = f"{self.end:%Y-%m-%d %H:%M}" if self.end else "now"
        return f"from {first} to {last}, UTC"


@dataclass(frozen=True)
class Scope:
    """runs: ids, of one for its report, of several for their comparison. line: its name, with
    `period`, in place of runs. protocol: its acceptance protocol in place of what it did."""

    runs: tuple[str, ...] = ()
    line: str = ""
    period: Period = field(default=Period())
    protocol: bool = False

    @property
    def words(self) -> str:
        """What is reported, in brief, for a journal and for the name of a file."""
        if self.line:
            return f"{'acceptance of ' * self.protocol}line {self.line}"
        return self.runs[0] if len(self.runs) == 1 else f"{len(self.runs)} runs"

    def to_json(self) -> dict[str, Any]:
        """As a journal and another process take it."""
        ends = {"begin": self.period.begin, "end": self.period.end}
        period = {
            name: moment.astimezone(UTC).isoformat(timespec="seconds")
            for name, moment in ends.items()
            if moment
        }
        what = {"runs": list(self.runs), "line": self.line, "protocol": self.protocol}
        return {**what, "period": period}


def from_json(values: Mapping[str, Any]) -> Scope:
    """What `to_json` gave. Raises KeyError, TypeError or ValueError for anything else."""
    ends = {name: datetime.fromisoformat(text) for name, text in values["period"].items()}
    protocol = bool(values.get("protocol", False))  # links of before lack it
    return Scope(tuple(values["runs"]), values["line"], Period(**ends), protocol)
