"""Whether a candidate beside a line delays it: the same parts and pace, with it and without."""

import time
from contextlib import closing
from pathlib import Path

import numpy as np

from backend.deployment.package import contract
from backend.line.control import Wish
from backend.line.engine import Engine, Terms
from backend.line.judge import PackageJudge
from backend.line.keeper import Keeper
from backend.line.outbox import Outbox
from backend.line.pictures import Limits, Pictures
from backend.line.ring import WAIT, Ring
from backend.line.shadow import candidate
from backend.line.shadow.beside import Beside
from backend.line.shadow.candidate import Candidate
from tests.benchmarks.line import Even
from tests.unit.line.packages import packed

PACE, PARTS = 600.0, 300


def beside(folder: Path) -> None:
    """Ten parts a second with a candidate beside the line, and without (aim: no delay)."""
    parts, package = packed(folder / "beside" / "runs")
    wish = Wish("20260101T000000-line-000000", package.id)
    for name, with_shadow in (("alone", False), ("with a candidate", True)):
        home = folder / "beside" / "lines" / name.split()[0]
        ms = _through(home, parts.folder, contract.folder_of(package.folder), wish, with_shadow)
        p50, p99 = np.percentile(ms, (50, 99))
        print(f"  {name + ', to the stored verdict':<44}{p50:9.1f} ms median, {p99:.1f} ms p99")
    told = candidate.status(home)
    assert told
    print(f"  {'judged by the candidate, dropped':<44}{told.judged:9d}, {told.dropped}")


def _through(home: Path, parts: Path, package: Path, wish: Wish, with_shadow: bool) -> list[float]:
    """Milliseconds of each part until its verdict was on disk."""
    judge = PackageJudge(package, "", 1)
    source = Even(parts, PACE, PARTS)
    with closing(Outbox(home)) as outbox:
        outbox.begin(1, "lost")
        pictures = Pictures(home, home.name, Limits(0.01, 10**8, 2_000))
        engine = Engine(outbox, source, judge, [], Ring(16, WAIT), pictures, Terms(0.0, "c"))
        keeper, shadow = Keeper(home, engine, 1000, {}), Beside(home, wish.run, "")
        shadow.attach(engine, keeper)
        if with_shadow:
            candidate.ask(home, Candidate(wish.run, wish.package_run))
            shadow.tick()
        engine.start()
        while not engine.ended:
            keeper.tick()
            time.sleep(0.05)
        engine.finish(60)
        shadow.close()
    return source.ms
