"""The job's own process: read the spec, run it, write how it ended."""

import importlib.metadata
import os
import platform
import shutil
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from backend.core import aside, lineage, registry, runs, specs
from backend.core.endings import cause_of, explain
from backend.records import Cancelled, Cause, RunState
from backend.settings import PROJECT

PACKAGES = ("torch", "diffusers", "ultralytics", "onnxruntime", "scikit-image", "numpy", "pandas")
EXIT_CODES = {RunState.COMPLETED: 0, RunState.FAILED: 1, RunState.CANCELED: 130}


class Reporter:
    """The `Progress` given to a job: appends events, and raises `Cancelled` when asked."""

    def __init__(self, folder: Path, interval: float = 0.1):
        self.folder = folder
        self.interval = interval
        self.last = float("-inf")

    def __call__(
        self,
        fraction: float,
        message: str = "",
        *,
        step: int | None = None,
        metrics: Mapping[str, float] | None = None,
    ) -> None:
        if (self.folder / "cancel").exists():
            raise Cancelled
        if metrics or fraction >= 1 or time.monotonic() - self.last >= self.interval:
            event: dict[str, Any] = {"fraction": round(float(fraction), 4), "message": message}
            if step is not None:
                event["step"] = int(step)
            if metrics:
                event["metrics"] = {name: float(value) for name, value in metrics.items()}
            runs.append_event(self.folder, event)
            self.last = time.monotonic()


def run(folder: Path) -> int:
    """Work on the run in `folder`; returns the exit code. Its claim must name this process."""
    if not _wait_for_claim(folder):
        return 3
    try:
        _heed_signals(_cancel)
        state, outcome = _outcome(folder)
        _heed_signals(signal.SIG_IGN)
    except Cancelled:
        state, outcome = RunState.CANCELED, {}
    if state is RunState.CANCELED:
        _drop_unfinished(folder)
    runs.finish(folder, state, **outcome)
    return EXIT_CODES[state]


def _outcome(folder: Path) -> tuple[RunState, dict[str, Any]]:
    """How the work ended: its state, and what else `runs.finish` takes. Raises Cancelled."""
    try:
        return RunState.COMPLETED, {"result": _work(folder)}
    except Exception as caught:
        error, cause = explain(caught), cause_of(caught)
        if cause is Cause.MISTAKE:
            print(error, file=sys.stderr)
        else:
            traceback.print_exc()
        return RunState.FAILED, {"error": error, "cause": cause}


def _work(folder: Path) -> dict[str, Any]:
    run = runs.read(folder)
    kind = registry.get(run.kind)
    spec = specs.from_json(kind.spec_type, specs.as_made(kind.spec_type, run.spec))
    runs.write_json(folder / "provenance.json", provenance(folder, spec))
    for name in ("artifacts", "facts", "checkpoint"):
        (folder / name).mkdir(exist_ok=True)
    progress = Reporter(folder)
    progress(0.0, "starting")
    result = specs.to_json(kind.function(spec, folder, progress))
    shutil.rmtree(folder / "checkpoint", ignore_errors=True)
    return result


def _heed_signals(handler: Any) -> None:
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, handler)


def _cancel(signum: int, frame: object) -> None:
    """Raises Cancelled, once: a second signal must not break into the end of the run."""
    _heed_signals(signal.SIG_IGN)
    raise Cancelled


def _drop_unfinished(folder: Path) -> None:
    shutil.rmtree(folder / "facts", ignore_errors=True)


def _wait_for_claim(folder: Path, patience: float = 5.0) -> bool:
    """The parent writes the claim right after the start; without it nobody waits for us."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        path = folder / "process.json"
        if path.exists() and runs.read_json(path)["pid"] == os.getpid():
            return True
        time.sleep(0.02)
    return False


def provenance(folder: Path, spec: Any) -> dict[str, Any]:
    """Where a result comes from: versions, revision, hashes of every input, and which
    runs had put images aside when it first started."""
    return {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "versions": {name: _version(name) for name in PACKAGES},
        "revision": _revision(),
        "inputs": _inputs(folder, spec),
        aside.KNOWN: aside.noted(folder),
    }


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def _revision() -> str:
    command = ["git", "-C", str(PROJECT), "describe", "--always", "--dirty"]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=10).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        return ""


def _inputs(folder: Path, spec: Any) -> dict[str, str]:
    found = {}
    for name, run_id in lineage.links(type(spec), vars(spec)):
        source = runs.sibling(folder, run_id)
        made = [source / part for part in runs.PRODUCTS]
        found[f"{name}:{run_id}"] = runs.fingerprint(*made)
    for p in specs.params(type(spec)):
        value = getattr(spec, p.name)
        if p.path and value and Path(value).exists():
            found[f"{p.name}:{value}"] = runs.fingerprint(Path(value))
    return found


def main(folder: str) -> None:
    if not registry.is_service(runs.read(Path(folder)).kind):
        os.nice(5)
    sys.exit(run(Path(folder)))
