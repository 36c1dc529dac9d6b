"""Time an exported model on this computer, one real part at a time, as a line would call it."""

import platform
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backend import facts, runs
from backend.deployment import export, load
from backend.deployment.load import Load
from backend.records import Progress
from backend.specs import param


@dataclass(frozen=True)
class Spec:
    """What is timed, and how often."""

    export_run: str = param("", "the exported model to time", run="export")
    repetitions: int = param(200, "timed calls, one part each", lo=20, hi=100_000)
    warm_up: int = param(20, "calls before that, not counted", lo=0, hi=1000, advanced=True)
    threads: int = param(1, "CPU threads of ONNX Runtime", lo=1, hi=64)


@dataclass(frozen=True)
class Result:
    """Percentiles of one call, crop in and score out, in ms.

    load: how busy the computer was. busy: what in it makes the figures doubtful, "" for nothing.
    """

    variant: str
    p50: float
    p95: float
    p99: float
    mean: float
    parts_per_second: float
    repetitions: int
    threads: int
    cpu: str
    load: Load
    busy: str


def run(spec: Spec, out_dir: Path, progress: Progress) -> Result:
    """Time the calls; writes the facts table `latencies`."""
    from backend.onnx_session import open_session

    folder = runs.sibling(out_dir, spec.export_run)
    head = runs.read_json(folder / "artifacts" / "model.json")
    progress(0.02, "reading crops")
    crops, types = export.sample(out_dir, head["provenance"], 64)
    session = open_session(folder / "artifacts" / "model.onnx", spec.threads)
    progress(0.04, "looking how busy the computer is")
    watch = load.Watch(out_dir)
    times = np.array(list(_time(spec, session, crops, types, progress)))
    found = watch.load()
    variant = f"FP32, batch 1, {spec.threads} thread{'s' if spec.threads > 1 else ''}"
    rows = [
        {"variant": variant, "sample": i, "milliseconds": float(t)} for i, t in enumerate(times)
    ]
    facts.write(out_dir, "latencies", rows)
    facts.write(out_dir, "figures", _figures(times))
    p50, p95, p99 = (round(float(q), 3) for q in np.percentile(times, [50, 95, 99]))
    progress(1.0, f"{p50:.1f} ms a part", metrics={"p50": p50, "p95": p95, "p99": p99})
    return Result(
        variant=variant,
        p50=p50,
        p95=p95,
        p99=p99,
        mean=round(float(times.mean()), 3),
        parts_per_second=round(1000 / float(times.mean()), 1),
        repetitions=len(times),
        threads=spec.threads,
        cpu=cpu_name(),
        load=found,
        busy=load.words(found),
    )


def _figures(times: NDArray[np.float64]) -> list[dict[str, Any]]:
    """Percentiles as rows of the table `figures`."""
    return [
        {
            "subject": "FP32",
            "metric": f"p{share} ms",
            "value": float(np.percentile(times, share)),
            "low": None,
            "high": None,
            "n": len(times),
        }
        for share in (50, 95, 99)
    ]


def _time(
    spec: Spec,
    session: Any,
    crops: NDArray[np.uint8],
    types: NDArray[np.int64],
    progress: Progress,
) -> Iterator[float]:
    """Milliseconds of each counted call; the progress report lies outside the clock."""
    total = spec.warm_up + spec.repetitions
    for i in range(total):
        k = i % len(crops)
        inputs = {"crops": crops[k : k + 1], "types": types[k : k + 1]}
        started = time.perf_counter()
        session.run(None, inputs)
        taken = 1000 * (time.perf_counter() - started)
        if i >= spec.warm_up:
            yield taken
        if i % 10 == 0:
            progress(0.05 + 0.9 * i / total, f"call {i + 1} of {total}")


def cpu_name() -> str:
    """The processor's name as Linux tells it, or what Python knows."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
