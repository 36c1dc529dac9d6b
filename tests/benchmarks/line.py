"""A line at work: parts a second, and whether memory and disk stay where they are."""

import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from backend.deployment.package import contract
from backend.line import report, segments
from backend.line.engine import Engine, Terms
from backend.line.judge import Judge, Looked, PackageJudge
from backend.line.keeper import Keeper
from backend.line.outbox import Outbox, Row
from backend.line.part import Captured, Judgement, Part, Verdict
from backend.line.pictures import FOLDER, Limits, Pictures
from backend.line.ring import WAIT, Ring
from backend.line.sources.replay import Replay
from tests.unit.line.packages import packed

LONG = 200_000  # parts of the long replay
SIX_WEEKS = 6 * 7 * 24 * 60 * 28  # parts at 28 a minute


class Recorded:
    """A judge that says scores recorded before; it has no model."""

    def __init__(self, scores: Sequence[float]) -> None:
        self._scores, self._next = scores, 0

    def look(self, one: Captured) -> Looked:
        score = self._scores[self._next % len(self._scores)]
        self._next += 1
        verdict = Verdict.BAD if score > 2 else Verdict.REVIEW if score > 1.5 else Verdict.GOOD
        return Looked(Judgement(verdict, score, "", "recorded", 1))

    @property
    def versions(self) -> dict[str, Any]:
        return {"package": "recorded", "thresholds": 1, "variant": "FP32"}

    def drift(self) -> str:
        return ""


class Heard:
    """A sink that counts."""

    name = "counted"

    def __init__(self) -> None:
        self.keys: set[int] = set()
        self.doubled = 0

    def send(self, rows: Sequence[Row]) -> int:
        for row in rows:
            self.doubled += row.id in self.keys
            self.keys.add(row.id)
        return len(rows)

    def beat(self, state: dict[str, Any]) -> None:
        """Nothing to do."""

    def close(self) -> None:
        """Nothing is open."""


class Even(Replay):
    """A replay that notes how long each part took until its verdict was on disk."""

    def __init__(self, run_folder: Path, pace: float, count: int) -> None:
        super().__init__(run_folder, pace, 0, count)
        self.ms: list[float] = []

    def done(self, part: Part, said: Judgement) -> None:
        self.ms.append((time.monotonic() - part.since) * 1000)


def line(folder: Path) -> None:
    """The line, a model of brightness: parts a second, memory and disk of a long replay."""
    parts, package = packed(folder / "line-runs")
    judge = PackageJudge(contract.folder_of(package.folder), "", 1)
    one = (parts.folder / "artifacts" / "0.png").read_bytes()
    began = time.perf_counter()
    for _ in range(2000):
        judge.look(Captured(one, "dot", 0.0))
    alone = 2000 / (time.perf_counter() - began)
    print(f"  {'judged alone, no line':<44}{alone:9.0f} parts a second")
    through = _replayed(folder / "short", parts.folder, judge, 5000)
    ratio = through / alone
    print(f"  {'through the line, pace 0':<44}{through:9.0f} parts a second   {ratio:6.2f} ×")
    _even(folder / "even", parts.folder, judge)
    scores = np.random.default_rng(0).normal(0, 1, 10_007).tolist()
    _replayed(folder / "long", parts.folder, Recorded(scores), LONG, told=True)


def _even(home: Path, parts: Path, judge: PackageJudge) -> None:
    """Source to verdict on disk at ten parts a second, which is 600 a minute."""
    with closing(Outbox(home)) as outbox:
        outbox.begin(1, "lost")
        source = Even(parts, 600.0, 300)
        engine = _engine(home, outbox, source, judge, [])
        engine.start()
        engine.finish(120)
    p50, p99 = np.percentile(source.ms, (50, 99))
    print(f"  {'600 a minute, to the stored verdict':<44}{p50:9.1f} ms median, {p99:.1f} ms p99")


def _engine(home: Path, outbox: Outbox, source: Replay, judge: Judge, sinks: list[Heard]) -> Engine:
    outbox.join([sink.name for sink in sinks])
    pictures = Pictures(home, home.name, Limits(0.01, 20_000_000, 2_000))
    ring = Ring(16, WAIT)
    return Engine(outbox, source, judge, sinks, ring, pictures, Terms(0.0, "c"))


def _replayed(home: Path, parts: Path, judge: Judge, count: int, told: bool = False) -> float:
    """Parts a second of a replay as fast as it goes. told: print what became of memory and disk."""
    process, memory = psutil.Process(), []
    with closing(Outbox(home)) as outbox:
        outbox.begin(1, "lost")
        heard = Heard()
        engine = _engine(home, outbox, Replay(parts, 0, 0, count), judge, [heard])
        keeper = Keeper(home, engine, 1000, {"name": home.name})
        began = time.perf_counter()
        engine.start()
        while not engine.ended:
            keeper.tick()
            memory.append((outbox.last(), process.memory_info().rss))
            time.sleep(0.05)
        taken = time.perf_counter() - began
        engine.finish(60)
        segments.cut(home, outbox)
        outbox.drop(segments.cut_upto(home))
        engine.pictures.tidy()
    if told:
        _tell(home, count, memory, heard, taken)
    return count / taken


def _tell(
    home: Path, count: int, memory: list[tuple[int, int]], heard: Heard, taken: float
) -> None:
    found = report.of(home)
    rss = [np.mean([m for at, m in memory if q <= 4 * at / count < q + 1]) for q in range(4)]
    _say(f"{count} parts with recorded scores", f"{count / taken:9.0f} parts a second")
    lost = f"{count - found.accepted:9d}, {heard.doubled}, {found.gaps}"
    _say("lost, doubled, gaps", lost)
    grown = f"{rss[3] / rss[1]:9.3f} × ({rss[3] / 2**20:.0f} MB)"
    _say("memory, last quarter to the second", grown)
    rows = _bytes(home / segments.FOLDER) / count
    _say("verdicts on disk", f"{rows:9.1f} bytes a part; six weeks {rows * SIX_WEEKS / 1e6:.0f} MB")
    _say("pictures kept", f"{_bytes(home / FOLDER) / 1e6:9.1f} MB")
    _say(
        "outbox at the end", f"{sum(p.stat().st_size for p in home.glob('outbox*')) / 1e6:9.1f} MB"
    )


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _say(name: str, words: str) -> None:
    print(f"  {name:<44}{words}")
