"""Which package and limits run as shadow beside a line: asked, and told, in its folder."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

from backend.core import results, runs
from backend.line import control
from backend.line.control import Wish
from backend.records import UserError

FOLDER = "shadow"  # in a line's folder: all that its shadows leave
ASKED, STATUS = "asked.json", "status.json"
T = TypeVar("T")


@dataclass(frozen=True)
class Candidate:
    """run: of the line that it is for; with that run it ends. package_run: "" for no shadow.
    threshold_run: whose limits count in place of the package's own, "" for those."""

    run: str
    package_run: str
    threshold_run: str = ""


@dataclass(frozen=True)
class Status:
    """How a shadow is doing. offered: parts since it began; dropped: those it was too slow for.
    Times of judging a part alone in ms, None before the first; `time`: UTC, seconds. trouble: why
    it does not judge, "" while it does."""

    run: str
    package_run: str
    threshold_run: str
    time: float
    offered: int
    judged: int
    dropped: int
    trouble: str = ""
    active_p50_ms: float | None = None
    active_p99_ms: float | None = None
    p50_ms: float | None = None
    p99_ms: float | None = None


def home_of(line: Path) -> Path:
    """The folder of a line's shadows."""
    return line / FOLDER


def asked(line: Path) -> Candidate | None:
    """What was asked last, None before the first. Raises UserError where it cannot be read."""
    return _read(home_of(line) / ASKED, Candidate)


def status(line: Path) -> Status | None:
    """The newest status, None before the first. Raises UserError where it cannot be read."""
    return _read(home_of(line) / STATUS, Status)


def _read(path: Path, kind: type[T]) -> T | None:
    if not path.exists():
        return None
    try:
        return results.from_json(kind, runs.read_json(path))
    except ValueError as error:
        raise UserError(f"{path} is damaged ({error}). Delete it and ask again.") from error


def ask(line: Path, wanted: Candidate) -> None:
    """Let a candidate run beside a line, or none. Raises UserError where its runs do not fit."""
    if wanted.package_run:
        control.check(line, Wish(wanted.run, wanted.package_run, wanted.threshold_run))
    home_of(line).mkdir(parents=True, exist_ok=True)
    runs.write_json(home_of(line) / ASKED, asdict(wanted))


def tell(line: Path, told: Status) -> None:
    """Write how it is doing. Raises OSError."""
    home_of(line).mkdir(parents=True, exist_ok=True)
    runs.write_json(home_of(line) / STATUS, asdict(told))
