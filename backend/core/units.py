"""Units of a job's work: each leaves one file in the run folder, so what is missing is made again.

<run>/units.json           the engine, its nodes, and of each unit where it ran, how long, and how
                           often it was begun; written by the job's own process alone
<run>/checkpoint/marks/    a file for each time that a unit was begun, by the process that works
                           on it, which may be on another computer: when, where, how far
"""

import glob
import hashlib
import importlib.metadata
import json
import os
import platform
import socket
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from backend.core import runs
from backend.records import Cancelled, UserError
from backend.settings import PROJECT

FILE = "units.json"
LIBRARIES = ("torch", "torchvision", "ultralytics", "numpy", "scipy", "scikit-learn")
TELL_SECONDS = 1.0  # between two words of a unit on how far it is
Tick = Callable[[float, str], None]  # takes the fraction done of a unit, and words
Work = Callable[[Any, Any, Path, Tick], None]  # takes what all share, the unit's own, and its file


@dataclass(frozen=True)
class Needs:
    """What one unit takes. gpu: a whole one, where the cluster has any. memory: bytes."""

    cores: int = 1
    gpu: bool = False
    memory: int = 0


@dataclass(frozen=True)
class Node:
    """A computer of the cluster. memory: bytes."""

    name: str
    cores: float
    gpus: float
    memory: float
    alive: bool = True


@dataclass(frozen=True)
class Unit:
    """How one unit stands. began: times that it was begun; seconds: None before it is done."""

    name: str
    node: str = ""
    began: int = 0
    seconds: float | None = None
    fraction: float = 0.0
    message: str = ""

    @property
    def state(self) -> str:
        if self.seconds is not None:
            return "done"
        return "running" if self.began else "waiting"


@dataclass(frozen=True)
class Standing:
    """How the units of a run stand."""

    engine: str
    nodes: tuple[Node, ...]
    units: tuple[Unit, ...]

    def of(self, state: str) -> list[Unit]:
        return [unit for unit in self.units if unit.state == state]

    @property
    def lost(self) -> int:
        """Times that a unit was begun and not ended, for its process or computer died."""
        return sum(max(0, unit.began - 1) for unit in self.units)

    @property
    def repeated(self) -> int:
        """Units that were begun more than once."""
        return sum(unit.began > 1 for unit in self.units)


def work_on(
    work: Work,
    shared: Any,
    item: Any,
    file: Path,
    out_dir: Path,
    *,
    node: str = "",
    tick: Tick | None = None,
) -> bool:
    """Have a unit leave its file, whole or not at all; one that is there already is left.

    tick: told how far it is; without one the run's cancel is looked for. False where it was
    canceled.
    """
    if file.exists():
        return True
    mark = _Mark(out_dir, file.stem, node or socket.gethostname())

    def told(fraction: float, message: str = "") -> None:
        if tick:
            tick(fraction, message)
        elif (out_dir / "cancel").exists():
            raise Cancelled
        mark.tell(fraction, message)

    try:
        told(0.0)
        _make(work, shared, item, file, told)
    except Cancelled:
        return False
    mark.end()
    return True


def _make(work: Work, shared: Any, item: Any, file: Path, tick: Tick) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_name(f".{socket.gethostname()}-{os.getpid()}-{file.name}")
    try:
        work(shared, item, partial, tick)
        partial.replace(file)
    finally:
        partial.unlink(missing_ok=True)


class _Mark:
    """One time that a unit is worked on, as its process tells of it."""

    def __init__(self, out_dir: Path, name: str, node: str):
        self.started, self.told = time.monotonic(), float("-inf")
        self.content: dict[str, Any] = {"node": node, "pid": os.getpid(), "fraction": 0.0}
        self.file = self._next(out_dir / "checkpoint" / "marks", name)

    def _next(self, folder: Path, name: str) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        number = len(list(folder.glob(f"{glob.escape(name)}.*.json")))
        while True:
            number += 1
            with suppress(FileExistsError):
                (folder / f"{name}.{number}.json").touch(exist_ok=False)
                return folder / f"{name}.{number}.json"

    def tell(self, fraction: float, message: str) -> None:
        if time.monotonic() - self.told >= TELL_SECONDS:
            self.told = time.monotonic()
            self.content |= {"fraction": round(float(fraction), 4), "message": message}
            runs.write_json(self.file, self.content)

    def end(self) -> None:
        seconds = round(time.monotonic() - self.started, 2)
        runs.write_json(self.file, self.content | {"fraction": 1.0, "seconds": seconds})


class Board:
    """units.json, as the job's own process keeps it."""

    def __init__(self, out_dir: Path, engine: str, needs: Needs):
        self.out_dir, self.file = out_dir, out_dir / FILE
        self.known: dict[str, Any] = {"nodes": [], "units": {}}
        if standing(out_dir):  # a damaged one only told how long units took, and is begun anew
            self.known |= runs.read_json(self.file)
        self.known |= {"engine": engine, "needs": asdict(needs)}

    def expect(self, names: Iterable[str]) -> None:
        for name in names:
            self.known["units"].setdefault(name, {})
        runs.write_json(self.file, self.known)

    def see(self, nodes: Iterable[Node]) -> None:
        found = [asdict(node) for node in nodes]
        if found != self.known["nodes"]:
            self.known["nodes"] = found
            runs.write_json(self.file, self.known)

    def done(self, *names: str) -> None:
        marks = _marks(self.out_dir)
        noted = {name: asdict(_unit(name, {}, marks)) for name in names if name in marks}
        self.known["units"] |= noted
        runs.write_json(self.file, self.known)


def equipment(out_dir: Path) -> dict[str, str]:
    """What a unit's result depends on, as this computer has it: what → which."""
    told = hashlib.sha256()
    for file in sorted((PROJECT / "backend").rglob("*.py")):
        told.update(file.read_bytes())
    return {
        "the program": told.hexdigest()[:12],
        "Python": platform.python_version(),
        **{name: _version(name) for name in LIBRARIES},
        f"the shared folder {out_dir}": "there" if out_dir.is_dir() else "not there",
    }


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "none"


def standing(folder: Path) -> Standing | None:
    """How the units of a run stand, from its folder; None where it has none."""
    try:
        known = runs.read_json(folder / FILE)
        marks = _marks(folder)
        units = [_unit(name, kept, marks) for name, kept in known["units"].items()]
        nodes = [Node(**node) for node in known["nodes"]]
    except (UserError, KeyError, TypeError, AttributeError):
        return None
    return Standing(str(known.get("engine", "")), tuple(nodes), tuple(units))


def _unit(name: str, kept: dict[str, Any], marks: dict[str, list[dict[str, Any]]]) -> Unit:
    """From what was kept of it when it was done, else from its marks."""
    mine = marks.get(name, [])
    if kept or not mine:
        return Unit(**{**kept, "name": name})
    last, wanted = mine[-1], ("node", "seconds", "fraction", "message")
    return Unit(name, began=len(mine), **{key: last[key] for key in wanted if key in last})


def _marks(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """Unit → what each process said that began it, in this order."""
    found: dict[str, list[dict[str, Any]]] = {}
    paths = (folder / "checkpoint" / "marks").glob("*.json")
    numbered = [path for path in paths if path.stem.rpartition(".")[2].isdecimal()]
    for path in sorted(numbered, key=lambda p: int(p.stem.rpartition(".")[2])):
        said: dict[str, Any] = {}
        with suppress(OSError, ValueError, TypeError):  # begun, and nothing said yet
            said = dict(json.loads(path.read_text(encoding="utf-8")))
        found.setdefault(path.stem.rpartition(".")[0], []).append(said)
    return found
