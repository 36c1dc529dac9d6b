"""`make bench`: each figure beside a baseline measured in the same run.

`python -m tests.benchmarks renderer` runs that one alone. Stable Diffusion at its real size takes
6 GB and minutes: `python -m tests.benchmarks.stable_diffusion`.
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from tests.benchmarks.acceptance import acceptance
from tests.benchmarks.access import access
from tests.benchmarks.again import again
from tests.benchmarks.beside import beside
from tests.benchmarks.cluster import cluster
from tests.benchmarks.crowd import crowd
from tests.benchmarks.deployment import latency
from tests.benchmarks.drift import drift
from tests.benchmarks.inspection import inspection
from tests.benchmarks.large_store import large_store
from tests.benchmarks.line import line
from tests.benchmarks.line_kills import line_kills
from tests.benchmarks.pages import pages
from tests.benchmarks.students import students
from tests.benchmarks.thresholds import thresholds
from tests.benchmarks.told import told


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.environ["DISTILLERY_STORAGE"] = folder
        known = (
            overview,
            reindex,
            pages,
            crowd,
            large_store,
            renderer,
            materials,
            simulator,
            labellers,
            students,
            thresholds,
            inspection,
            latency,
            line,
            access,
            drift,
            acceptance,
            line_kills,
            again,
            told,
            beside,
            cluster,
            detector_overhead,
        )
        for benchmark in known:
            if sys.argv[1:] and benchmark.__name__ not in sys.argv[1:]:
                continue
            print(f"\n{benchmark.__doc__}")
            benchmark(Path(folder))


def seconds(work: Callable[[], object], repeats: int) -> np.ndarray:
    """Wall times of `repeats` calls after one to warm up."""
    work()
    taken = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return np.array(taken)


def _line(name: str, value: float, unit: str, baseline: float | None = None) -> None:
    ratio = "" if baseline is None else f"   {value / baseline:6.2f} × the baseline"
    print(f"  {name:<44}{value:9.3g} {unit}{ratio}")


def overview(folder: Path) -> None:
    """Server time of a page run of the overview (aim: under 300 ms with 1,000 runs)."""
    from streamlit.testing.v1 import AppTest

    from backend.settings import PROJECT
    from pages.ui import resources

    app = AppTest.from_file(str(PROJECT / "app.py"), default_timeout=120)
    empty = float(np.median(seconds(app.run, 10))) * 1000
    _line("empty store", empty, "ms")
    _fill(folder / "runs", 1000)
    while len(resources.owner().store.signatures()) < 1000:
        time.sleep(0.2)
    full = seconds(app.run, 20) * 1000
    assert not app.error, app.error
    assert len(app.dataframe) == 1
    _line("1,000 runs, median", float(np.median(full)), "ms", empty)
    _line("1,000 runs, slowest of 20", float(full.max()), "ms", empty)


def _fill(runs_folder: Path, count: int) -> None:
    """Ended runs of every kind, as small as a run folder can be."""
    from backend.core import facts, registry, runs
    from backend.records import RunState

    for index in range(count):
        kind = registry.KINDS[index % len(registry.KINDS)].name
        run = runs.create(runs_folder, kind, {"seed": index}, name=f"run {index}")
        runs.claim(run.folder, os.getpid())
        row = {"subject": "all test images", "metric": "AP50", "value": 0.5, "n": 10}
        facts.write(run.folder, "figures", [row | {"low": 0.4, "high": 0.6}])
        runs.finish(run.folder, RunState.COMPLETED, result={})


def reindex(folder: Path) -> None:
    """Rebuilding the database from 1,000 run folders, against reading their JSON alone."""
    from backend.core import runs, store
    from pages.ui import resources

    resources.owner().stop()
    resources.owner().store.close()
    folders = runs.folders(folder / "runs")
    read = float(np.median(seconds(lambda: [runs.read(f) for f in folders], 3))) * 1000
    _line("reading the folders", read, "ms")
    start = time.perf_counter()
    problems = store.rebuild(folder / "results.duckdb", folder / "runs")
    assert not problems, problems
    _line("rebuilding the database", (time.perf_counter() - start) * 1000, "ms", read)


def renderer(folder: Path) -> None:
    """Rendered teacher images on one core (aim: 40 images a second at 256 px)."""
    import cv2

    from backend.renderer import render

    cv2.setNumThreads(1)
    rates = {}
    for size in (128, 256, 512):
        taken = [float(seconds(partial(render, k, size), 1)[0]) for k in range(40)]
        rates[size] = 1 / float(np.mean(taken))
        _line(f"{size} px", rates[size], "images/s", rates[128])


def materials(folder: Path) -> None:
    """Opaque materials with all their defects on one core, beside glass (aim: as fast)."""
    import cv2

    from backend.images.vocabulary import DEFECTS
    from backend.renderer import render

    cv2.setNumThreads(1)
    for size in (128, 160):
        glass = 0.0
        for material, kinds in DEFECTS.items():
            start = time.process_time()
            for seed in range(60):
                render(seed, size, material=material, classes=kinds)
            rate = 60 / (time.process_time() - start)
            glass = glass or rate
            _line(f"{material}, {size} px", rate, "images/s", glass)


def simulator(folder: Path) -> None:
    """Simulated parts on one core (aim: 100 a second), beside a matrix product."""
    from backend.inspection.parts import simulator as prints

    work = [(feature, seed) for feature in prints.FEATURES for seed in range(3)]
    product = np.ones((512, 512), np.float32)
    base = float(seconds(lambda: product @ product, 20).min())
    taken = seconds(lambda: [prints.simulate_part(f, 0, seed) for f, seed in work], 5)
    _line("matrix product of 512 × 512", base * 1000, "ms")
    _line("parts a second", len(work) / float(taken.min()), "parts/s")


def labellers(folder: Path) -> None:
    """Automatic labels of a 512 px image on one core (aim: 0.3 s)."""
    from backend.labels import labellers as methods
    from backend.renderer import render

    shots = [render(k, 512).image for k in range(8)]
    dummy = float(seconds(lambda: [methods.centred(s) for s in shots], 3).mean()) / 8
    edges = float(seconds(lambda: [methods.edges(s) for s in shots], 1).mean()) / 8
    _line("centred", dummy * 1000, "ms")
    _line("edges", edges * 1000, "ms", dummy)


def detector_overhead(folder: Path) -> None:
    """A detector's training, our job against plain `YOLO().train` (aim: at most 5 % more)."""
    from tests.benchmarks import detectors

    ours, plain = detectors.overhead(folder / "detectors")
    _line("YOLO().train", plain, "s")
    _line("our job", ours, "s", plain)


if __name__ == "__main__":
    main()
