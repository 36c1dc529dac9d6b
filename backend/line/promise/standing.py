"""How the promise of a line stands: a file that its process writes and pages read."""

import math
from dataclasses import asdict, dataclass, field
from pathlib import Path

from backend.core import journal, results, runs
from backend.line.promise.reference import SCORE
from backend.numeric import drift
from backend.numeric.drift import Wealth
from backend.records import UserError

FILE, HISTORY = "promise.json", "promise.jsonl"  # in the line's folder
ANEW = "promise-anew"  # there while somebody asks that the line begin to count anew


@dataclass(frozen=True)
class Stream:
    """One quantity of one feature type. alarmed: when its alarm came, UTC, seconds; None: not."""

    wealth: Wealth
    alarmed: float | None = None

    @property
    def evidence(self) -> float:
        """0 at the start, 1 where it raises the alarm; it only grows."""
        return math.log(max(1.0, self.wealth.highest)) / math.log(drift.ALARM)


@dataclass(frozen=True)
class Standing:
    """key: of the package and limits it is about. upto: the place of the newest part counted.
    since: when the counting began, UTC, seconds. streams: feature type → quantity → stream. short:
    types that cannot be watched → how many GOOD parts their limits rest on. words: why nothing is
    watched, "" where something is."""

    key: str = ""
    upto: int = 0
    since: float = 0.0
    streams: dict[str, dict[str, Stream]] = field(default_factory=dict)
    short: dict[str, int] = field(default_factory=dict)
    words: str = ""

    @property
    def suspended(self) -> dict[str, float]:
        """Feature types whose limits promise nothing for the scores drifted → since when."""
        alarms = {
            name: found[SCORE].alarmed for name, found in self.streams.items() if SCORE in found
        }
        return {name: when for name, when in alarms.items() if when is not None}

    def causes(self, feature: str) -> list[str]:
        """What drifted besides the scores."""
        found = self.streams.get(feature, {})
        return [name for name, one in found.items() if name != SCORE and one.alarmed is not None]


def read(home: Path) -> Standing | None:
    """How it stands, None before the first. Raises UserError where the file is damaged."""
    if not (home / FILE).exists():
        return None
    try:
        return results.from_json(Standing, runs.read_json(home / FILE))
    except ValueError as error:
        raise UserError(f"{home / FILE} is damaged ({error}). The line writes it anew.") from error


def write(home: Path, found: Standing) -> None:
    runs.write_json(home / FILE, asdict(found))


def ask_anew(home: Path) -> None:
    """Let the line begin to count anew, for what had drifted is put right."""
    (home / ANEW).touch()


def remember(home: Path, found: Standing, now: float) -> None:
    """A line of the history: the evidence of each stream."""
    evidence = {
        feature: {name: round(_level(one), 3) for name, one in streams.items()}
        for feature, streams in found.streams.items()
    }
    journal.add(home / HISTORY, {"time": now, "key": found.key, "evidence": evidence})


def _level(one: Stream) -> float:
    """The evidence of the wealth as it is now; below 0 where bets lose."""
    return math.log(max(1e-300, one.wealth.now)) / math.log(drift.ALARM)


def history(home: Path) -> list[dict[str, object]]:
    """What was remembered, oldest first: time, key, evidence by feature type and quantity."""
    return list(runs.json_lines(home / HISTORY))
