"""Time variants of a model in turn, one picture a call, and weigh each in a process of its own."""

import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from backend.deployment.gate.subject import Feed
from backend.records import UserError
from backend.settings import PROJECT

if TYPE_CHECKING:
    import onnxruntime

WARM_UP = 5
TIMED = 32  # pictures that are taken in turn


@dataclass(frozen=True)
class Times:
    """Of each call, ms: on the clock [n], and at work on the processor [n], which another job on
    the computer changes little."""

    wall: NDArray[np.float64]
    work: NDArray[np.float64]

    @property
    def percentiles(self) -> tuple[float, float, float]:
        """p50, p95 and p99 on the clock, ms."""
        p50, p95, p99 = np.percentile(self.wall, (50, 95, 99))
        return float(p50), float(p95), float(p99)


def in_turn(
    sessions: Mapping[str, "onnxruntime.InferenceSession"],
    feeds: Sequence[Feed],
    calls: int,
    seen: Callable[[int], None] = lambda _: None,
) -> dict[str, Times]:
    """Each session's times. They take turns, the order reversed each time, so that what slows the
    computer down slows all of them. seen: called with the number of rounds so far."""
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in sessions}
    names = list(sessions)
    for number in range(calls + WARM_UP):
        for name in names if number % 2 else names[::-1]:
            took = _call(sessions[name], feeds[number % len(feeds)])
            if number >= WARM_UP:
                taken[name].append(took)
        seen(number)
    return {
        name: Times(*(1000 * np.array(column) for column in zip(*rows, strict=True)))
        for name, rows in taken.items()
    }


def _call(session: "onnxruntime.InferenceSession", feed: Feed) -> tuple[float, float]:
    wall, work = time.perf_counter(), time.process_time()
    session.run(None, feed)
    return time.perf_counter() - wall, time.process_time() - work


def peak_megabytes(file: Path, feed: Feed, work: Path) -> float:
    """Most memory that a process needs which opens the model and looks at one picture a few times.

    work: a folder for what it is fed. Raises UserError where it fails.
    """
    fed = work / "fed.npz"
    np.savez(fed, allow_pickle=False, **feed)
    call = [sys.executable, "-m", "backend.deployment.gate.weigh", str(file), str(fed)]
    done = subprocess.run(call, cwd=PROJECT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise UserError(
            f"{file.name} does not run in a process of its own: {done.stderr.strip()[-300:]}. Make "
            "the package again."
        )
    return float(done.stdout)


def table(times: Mapping[str, Times]) -> list[dict[str, Any]]:
    """Rows of the table `latencies`."""
    return [
        {"variant": name, "sample": place, "milliseconds": float(ms)}
        for name, each in times.items()
        for place, ms in enumerate(each.wall)
    ]
