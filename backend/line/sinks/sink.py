"""Who is told of each verdict: at least once, in order, with a key by which doubles are removed.

A sink may be down for days: the outbox keeps what it has not taken, and the line goes on.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

from backend.line.outbox import Row
from backend.line.part import Verdict, action


class Sink(Protocol):
    """name: the address as it was given, without a password."""

    name: str

    def send(self, rows: Sequence[Row]) -> int:
        """Tell of verdicts, oldest first; how many were taken, from the first on.

        Raises OSError where nobody is there.
        """
        ...

    def beat(self, state: dict[str, Any]) -> None:
        """A sign of life: silence means that parts are uninspected. Raises OSError as `send`."""
        ...

    def close(self) -> None: ...


def message(line: str, row: Row, uninspected: str) -> dict[str, Any]:
    """What a sink is told of a part. uninspected: what the plant does with one that nobody saw."""
    return {
        "line": line,
        "epoch": row.epoch,
        "sequence": row.sequence,
        "serial": row.serial,
        "feature": row.feature,
        "captured": _iso(row.captured),
        "judged": _iso(row.judged),
        "verdict": row.verdict,
        "action": action(Verdict(row.verdict), uninspected),
        "score": row.score,
        "reason": row.reason,
        "ms": round(row.ms, 2),
        "package": row.package,
        "thresholds": row.thresholds,
        "config": row.config,
        "suspended": bool(row.suspended),
    }


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
