"""What is measured besides the plain call: one thing changed at a time."""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from backend.deployment.latency import busy_core, first_verdict, stages, timing
from backend.deployment.latency.caller import Caller
from backend.deployment.latency.spec import BATCH, BUSY, COLD, PROVIDER, STAGES, THREADS, Spec
from backend.deployment.latency.timing import Sample, Variant
from backend.deployment.package import contract
from backend.numeric import hardware
from backend.records import UserError
from backend.settings import PROJECT
from backend.wording import counted

DECODE, DECISION = "decode", "decision"
BATCHES = (1, 2, 4, 8, 16)
FEWEST = 10  # calls of a variant whose calls take many parts
STARTS = 5
ALONE, BESIDE = "alone", "beside a busy core"


def samples(name: str, caller: Caller, spec: Spec) -> Iterator[Sample]:
    """The calls of one of `spec.SERIES`; none where this computer or package has no choice."""
    yield from _MADE[name](caller, spec)


def _stages(caller: Caller, spec: Spec) -> Iterator[Sample]:
    """Each variant does everything up to the end of a stage; the last is the whole call."""
    with tempfile.TemporaryDirectory() as folder:
        files = stages.cut(caller.package, caller.package.model, Path(folder))
        opened = {stage: _session(caller, spec, file=file) for stage, file in files.items()}
        calls: dict[str, timing.Call] = {DECODE: caller.decoded} if caller.pictures else {}
        calls |= {stage: partial(_up_to, caller, session) for stage, session in opened.items()}
        if caller.pictures:
            own = _session(caller, spec)  # the last stage's would still lie in the cache
            calls[DECISION] = partial(caller.whole, own)
        yield from timing.in_turn({k: Variant(c, spec.series_calls) for k, c in calls.items()})


def _up_to(caller: Caller, session: Any, k: int) -> None:
    session.run(None, caller.fed(k, caller.decoded(k)))


def _threads(caller: Caller, spec: Spec) -> Iterator[Sample]:
    most = len(hardware.usable_cores())
    counts = [n for n in (1, 2, 4, 8, 16, 32, 64) if n <= most]
    yield from _in_turn(
        {counted(n, "thread"): _session(caller, spec, threads=n) for n in counts}, caller, spec
    )


def _provider(caller: Caller, spec: Spec) -> Iterator[Sample]:
    names = hardware.providers()
    yield from _in_turn({n: _session(caller, spec, provider=n) for n in names}, caller, spec)


def _in_turn(sessions: dict[str, Any], caller: Caller, spec: Spec) -> Iterator[Sample]:
    """The whole call with each of the sessions; nothing where there is no choice."""
    if len(sessions) > 1:
        variants = {
            name: Variant(partial(caller.whole, session), spec.series_calls)
            for name, session in sessions.items()
        }
        yield from timing.in_turn(variants)


def _batch(caller: Caller, spec: Spec) -> Iterator[Sample]:
    session, most = _session(caller, spec), caller.package.most_at_once
    if most == 1:
        return
    variants = {
        counted(n, "part"): Variant(
            partial(caller.whole, session, parts=n), max(FEWEST, spec.series_calls // n), n
        )
        for n in BATCHES
        if n <= most
    }
    yield from timing.in_turn(variants)


def _busy(caller: Caller, spec: Spec) -> Iterator[Sample]:
    """Alone, beside a busy core, beside it again, alone again: a drift meets both alike."""
    call = partial(caller.whole, _session(caller, spec))
    half = Variant(call, spec.series_calls // 2)
    yield from timing.in_turn({ALONE: half})
    with busy_core.at_work():
        yield from timing.in_turn({BESIDE: Variant(call, 2 * half.count)})
    for one in timing.in_turn({ALONE: half}):
        yield replace(one, number=half.count + one.number)


def _cold(caller: Caller, spec: Spec) -> Iterator[Sample]:
    """Each variant is a step from the start of a process, timed from that start."""
    with tempfile.TemporaryDirectory() as folder:
        asked = _asked(caller, spec, Path(folder) / "inputs.npz")
        for number in range(STARTS):
            command = [sys.executable, "-m", first_verdict.__name__]
            since = json.dumps(asked | {"since": time.time()})
            done = subprocess.run([*command, since], cwd=PROJECT, capture_output=True, text=True)
            if done.returncode != 0:
                raise UserError(
                    f"The package does not start in a process of its own: {done.stderr[-300:]} "
                    "Leave out the cold start, or make the package again."
                )
            for step, ms in json.loads(done.stdout).items():
                yield Sample(step, number, ms)


def _asked(caller: Caller, spec: Spec, inputs: Path) -> dict[str, Any]:
    """What the process is told, but for when it was started; writes the inputs that it takes."""
    name = caller.package.head["inputs"][0]["name"]
    fed: dict[str, Any] = caller.fed(0, caller.decoded(0))
    if caller.pictures:
        del fed[name]
    np.savez(inputs, **fed)
    return {
        "model": str(caller.package.model.resolve()),
        "threads": spec.threads,
        "provider": spec.provider,
        "inputs": str(inputs),
        "picture": str(caller.picture(0).file.resolve()) if caller.pictures else "",
        "name": name,
    }


def _session(caller: Caller, spec: Spec, file: Path | None = None, **changed: Any) -> Any:
    """As the settings say, but for what is changed."""
    given: dict[str, Any] = {"threads": spec.threads, "provider": spec.provider} | changed
    return contract.session(caller.package, file, **given)


_MADE = {
    **{STAGES: _stages, THREADS: _threads, BATCH: _batch},
    **{PROVIDER: _provider, BUSY: _busy, COLD: _cold},
}
