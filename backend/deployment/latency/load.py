"""How busy the computer was while something was timed, as far as the system tells."""

import os
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from backend.core import runs
from backend.numeric.hardware import usable_cores
from backend.records import RunState

BUSY = 0.2  # share of the cores at work on other things from which a timing is in doubt
BUSY_LOAD = 0.5  # load average a core, where the share cannot be read
SHORTEST = 0.2  # s: the system counts in hundredths, so a shorter time says nothing
THROTTLES = (  # counters that grow when the processor is slowed down, and the word before each
    ("/sys/devices/system/cpu", "cpu[0-9]*/thermal_throttle/core_throttle_count", ""),
    ("/sys/fs/cgroup", "cpu.stat", "nr_throttled"),
    ("/sys/fs/cgroup/cpu", "cpu.stat", "nr_throttled"),
)


@dataclass(frozen=True)
class Load:
    """others_before, others_during: share of the cores at work on anything but this process, in
    the second before and while it was timed. load: load average of the last minute a core, before.
    other_jobs: running jobs of this program. mhz: of the cores on average, at the end; most_mhz:
    their limit. throttled: slowed down meanwhile. None where the system does not tell.
    """

    cores: int
    others_before: float | None
    others_during: float | None
    load: float | None
    other_jobs: int
    mhz: float | None
    most_mhz: float | None
    throttled: bool | None
    on_battery: bool | None


@dataclass(frozen=True)
class _Moment:
    """s: on the clock, of all usable cores at work and in all, and of this process at work."""

    clock: float
    busy: float
    total: float
    own: float
    throttles: int | None


class Watch:
    """Looks at the computer for a second, then while something is timed, until `load` is asked."""

    def __init__(self, out_dir: Path, seconds: float = 1.0):
        self._out_dir, self._jobs = out_dir, other_jobs(out_dir)
        self._load = _load_average()
        self._first = _moment()
        time.sleep(seconds)
        self._start = _moment()

    def load(self) -> Load:
        end = _moment()
        counts = self._start.throttles, end.throttles
        mhz, most_mhz = _frequency()
        return Load(
            cores=len(usable_cores()),
            others_before=_others(self._first, self._start),
            others_during=_others(self._start, end),
            load=self._load,
            other_jobs=max(self._jobs, other_jobs(self._out_dir)),
            mhz=mhz,
            most_mhz=most_mhz,
            throttled=None if None in counts else counts[0] != counts[1],
            on_battery=_on_battery(),
        )


def words(load: Load) -> str:
    """What makes a timing doubtful, and the cure; "" where the computer was idle."""
    told = [*_busy(load)]
    if load.throttled:
        told.append("The processor was slowed down meanwhile, for heat or by a limit set for it.")
    if load.on_battery:
        told.append("The computer ran on its battery, which can slow the processor down.")
    if not told:
        return ""
    idle = "idle and on mains power" if load.on_battery else "idle"
    return f"{' '.join(told)} Measure again when it is {idle}."


def _busy(load: Load) -> list[str]:
    shares = [s for s in (load.others_before, load.others_during) if s is not None]
    if shares and max(shares) >= BUSY:
        told = f"The computer was busy: {max(shares):.0%} of its cores were at work on other things"
    elif not shares and (load.load or 0) >= BUSY_LOAD:
        told = f"The computer was busy: {load.load:.1f} programs a core wanted to work"
    else:
        return []
    jobs = f"{load.other_jobs} other job{'s' if load.other_jobs > 1 else ''} of this program"
    return [f"{told}, {jobs} among them." if load.other_jobs else f"{told}."]


def other_jobs(out_dir: Path) -> int:
    """Jobs of this program that run now, but for the one in `out_dir`."""
    claimed = (path.parent for path in out_dir.parent.glob("*/process.json"))
    open_ones = [f for f in claimed if f.name != out_dir.name and not (f / "result.json").exists()]
    return sum(run.state is RunState.RUNNING for run in runs.readable(open_ones))


def _moment() -> _Moment:
    times = psutil.cpu_times(percpu=True)
    usable = usable_cores()
    mine = [one for k, one in enumerate(times) if k in usable] or times
    waiting = ("idle", "iowait")
    twice = ("guest", "guest_nice")  # they are in user and nice already
    spent = [{n: s for n, s in one._asdict().items() if n not in twice} for one in mine]
    total = sum(sum(one.values()) for one in spent)
    own = psutil.Process().cpu_times()
    return _Moment(
        time.monotonic(),
        total - sum(one.get(name, 0.0) for one in spent for name in waiting),
        total,
        own.user + own.system,
        _throttles(),
    )


def _others(start: _Moment, end: _Moment) -> float | None:
    """Share of the usable cores at work on other things in between."""
    if end.clock - start.clock < SHORTEST or end.total <= start.total:
        return None
    others = (end.busy - start.busy) - (end.own - start.own)
    return round(min(1.0, max(0.0, others / (end.total - start.total))), 3)


def _load_average() -> float | None:
    try:
        return round(psutil.getloadavg()[0] / (os.cpu_count() or 1), 2)
    except OSError:
        return None


def _frequency() -> tuple[float | None, float | None]:
    """MHz now, and at most; None for what is not told."""
    try:
        found = psutil.cpu_freq()
    except (OSError, AttributeError, NotImplementedError):
        return None, None
    if not found:
        return None, None
    return found.current or None, found.max or None


def _on_battery() -> bool | None:
    try:
        found = psutil.sensors_battery()
    except (OSError, AttributeError, NotImplementedError):
        return None
    if found is None or found.power_plugged is None:
        return None
    return not found.power_plugged


def _throttles() -> int | None:
    """How often the processor was slowed down so far; None where no counter can be read."""
    found = []
    for folder, pattern, word in THROTTLES:
        for path in Path(folder).glob(pattern):
            with suppress(OSError, ValueError, IndexError):
                found.append(_count(path.read_text(encoding="ascii"), word))
    return sum(found) if found else None


def _count(text: str, word: str) -> int:
    """The number behind a word in lines of `word number`, or the number alone."""
    lines = [line.removeprefix(word).strip() for line in text.splitlines() if line.startswith(word)]
    return int(lines[0])
