"""A kind of job that behaves, or misbehaves, as a test asks."""

import os
import signal
import time
from pathlib import Path
from typing import Any

from backend.core import cluster, facts
from backend.core.units import Tick
from backend.records import Progress, UserError
from probe_kind.spec import ENDINGS, Result, Spec


def run(spec: Spec, out_dir: Path, progress: Progress) -> Result:
    if spec.units:
        return _by_units(spec, out_dir, progress)
    facts.write(out_dir, "figures", [_figure(step) for step in range(spec.steps)])
    for step in range(spec.steps):
        time.sleep(spec.pause)
        if step == spec.steps - 1 and spec.gate:
            _wait_for(Path(spec.gate), progress, step / spec.steps)
        progress(
            (step + 1) / spec.steps, f"step {step}", step=step, metrics={"loss": 1 / (1 + step)}
        )
    return ENDS[spec.ending](spec, out_dir, progress)


def _by_units(spec: Spec, out_dir: Path, progress: Progress) -> Result:
    place = out_dir / "checkpoint" / "probe"
    files = {place / f"unit-{k}.txt": k for k in range(spec.units)}
    cluster.make_all(_unit, spec.gate, files, out_dir, progress, noun="unit")
    return Result(spec.units, sum(float(file.read_text()) for file in files))


def _unit(gate: str, number: int, file: Path, tick: Tick) -> None:
    """Says in the gate that it was begun, and by whom; ends once it may."""
    with (Path(gate) / f"begun-{number}").open("a") as begun:
        begun.write(f"{os.getpid()}\n")
    while not (Path(gate) / f"go-{number}").exists():
        time.sleep(0.02)
        tick(0.5, "at the gate")
    file.write_text(str(number**2))


def _wait_for(gate: Path, progress: Progress, fraction: float) -> None:
    """A job that cannot end before its test wants it to, however busy the computer is."""
    while not gate.exists():
        time.sleep(0.02)
        progress(fraction, "at the gate")


def _figure(step: int) -> dict[str, Any]:
    return {"subject": "probe", "metric": "loss", "value": 1 / (1 + step), "n": step}


def _good(spec: Spec, out_dir: Path, progress: Progress) -> Result:
    return Result(spec.steps, 0.5)


def _refuse(spec: Spec, out_dir: Path, progress: Progress) -> Result:
    raise UserError("The picture 'x.png' is not square. Crop it.")


def _crash(spec: Spec, out_dir: Path, progress: Progress) -> Result:
    raise ZeroDivisionError("division by zero\nsecond line")


def _full(spec: Spec, out_dir: Path, progress: Progress) -> Result:
    with Path("/dev/full").open("w") as device:  # every write to it answers ENOSPC
        device.write("x")
    raise AssertionError("never reached")


def _deaf(spec: Spec, out_dir: Path, progress: Progress) -> Result:
    """Neither reports progress nor heeds SIGTERM."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    (out_dir / "deaf").touch()
    time.sleep(300)
    raise AssertionError("never reached")


def _silent(spec: Spec, out_dir: Path, progress: Progress) -> Result:
    """Heeds SIGTERM, but reports no progress."""
    (out_dir / "silent").touch()
    time.sleep(300)
    raise AssertionError("never reached")


def _swallow(spec: Spec, out_dir: Path, progress: Progress) -> Result:
    """A library that goes on after any exception."""
    while True:
        try:
            time.sleep(0.02)
            progress(0.5, "going on")
        except Exception:
            continue


def _not_a_number(spec: Spec, out_dir: Path, progress: Progress) -> Result:
    return Result(spec.steps, float("nan"))


def _column(spec: Spec, out_dir: Path, progress: Progress) -> Result:
    facts.write(out_dir, "figures", [{"subject": "probe", "metrik": "loss"}])
    raise AssertionError("never reached")


ENDS = dict(
    zip(
        ENDINGS,
        (_good, _refuse, _crash, _full, _deaf, _silent, _swallow, _not_a_number, _column),
        strict=True,
    )
)
