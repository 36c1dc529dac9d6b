"""What was said of each red rabbit: a journal beside the line, a file a month."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from backend.core import journal, runs

FOLDER = "rabbits"  # in the line's folder
PICTURES = 200  # kept, the newest


@dataclass(frozen=True)
class Rabbit:
    """time: UTC, seconds. maker: renderer, or the student's run. size: share of the picture, %.
    score, good: with the defect, and of the GOOD part without it. picture: its path in the line's
    folder. package, thresholds: as of verdicts."""

    time: float
    feature: str
    maker: str
    kind: str
    size: float
    verdict: str
    score: float | None
    good: float | None
    ms: float
    package: str
    thresholds: int
    picture: str = ""


def note(home: Path, one: Rabbit, picture: bytes) -> None:
    """Keep it with its picture. Raises OSError where that fails."""
    moment = datetime.fromtimestamp(one.time, UTC)
    folder = home / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{moment:%Y%m%dT%H%M%S%f}.png"
    path.write_bytes(picture)
    line = asdict(one) | {"picture": str(path.relative_to(home))}
    journal.add(folder / f"{moment:%Y%m}.jsonl", line)
    for old in sorted(folder.glob("*.png"))[:-PICTURES]:
        old.unlink(missing_ok=True)


def read(home: Path, since: float) -> pd.DataFrame:
    """All since then, oldest first, with `day` (UTC) and `found`: not called GOOD. Those of which
    nobody could say anything are left out."""
    frame = pd.DataFrame(_lines(home, since), columns=list(Rabbit.__dataclass_fields__))
    seen = frame[frame["verdict"] != "UNINSPECTED"].sort_values("time").reset_index(drop=True)
    time = pd.to_datetime(seen["time"], unit="s", utc=True).dt.tz_localize(None)
    return seen.assign(day=time.dt.floor("D"), found=seen["verdict"] != "GOOD")


def _lines(home: Path, since: float) -> Iterator[dict[str, object]]:
    first = f"{datetime.fromtimestamp(since, UTC):%Y%m}"
    for path in sorted((home / FOLDER).glob("*.jsonl")):
        if path.stem < first:
            continue
        for line in runs.json_lines(path):
            with suppress(TypeError):
                one = asdict(Rabbit(**line))
                if one["time"] >= since:
                    yield one


def kept(home: Path) -> Iterator[Path]:
    """The journals of a line, for a backup."""
    yield from sorted((home / FOLDER).glob("*.jsonl"))
