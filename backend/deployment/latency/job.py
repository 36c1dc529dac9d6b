"""Time an exported model on this computer, one real part at a time, as a line would call it."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backend.core import facts, runs
from backend.deployment.export import job as export
from backend.deployment.latency import load
from backend.deployment.latency.spec import Result, Spec
from backend.numeric.hardware import cpu_name
from backend.records import Progress


def run(spec: Spec, out_dir: Path, progress: Progress) -> Result:
    """Time the calls; writes the facts table `latencies`."""
    from backend.numeric.onnx_session import open_session

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
