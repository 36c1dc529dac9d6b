"""Keeps a line's last parts at hand, and writes them down around every alarm.

An alarm is a part that is BAD or UNINSPECTED, or what the line tells of itself, as a golden part
that fails. Parts that follow at once go into the same recording, and so do their alarms.
"""

import hashlib
import json
import shutil
import threading
import time
import zipfile
from collections import deque
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

from backend.core import runs
from backend.deployment.package import contract
from backend.line.engine import Engine
from backend.line.judge import PackageJudge
from backend.line.keeper import Keeper
from backend.line.part import Judgement, Part, Verdict
from backend.line.pictures import ending
from backend.line.recorder import recording
from backend.line.recorder.recording import Alarm, Judge, Recorded, Recording
from backend.numeric import hardware
from backend.records import UserError

ALARMS = (Verdict.BAD, Verdict.UNINSPECTED)
AFTER_SECONDS = 10.0  # for which a recording waits for the parts that follow
MOST_DUE = 4  # recordings that wait to be written
MOST_IN_MEMORY = 100_000_000  # bytes of pictures
LIBRARIES = ("onnxruntime", "numpy", "pillow", "opencv-python-headless")


@dataclass(frozen=True)
class Extent:
    """parts: how many before an alarm, 0 for no recordings; bytes, files: the most on disk.
    threads: of the judge."""

    parts: int
    bytes: int
    files: int
    threads: int


@dataclass
class _Open:
    """A recording that waits for what follows. left: parts until it is written."""

    parts: list[tuple[Part, Judgement]]
    alarms: list[Alarm]
    left: int
    until: float


class Recorder:
    """The recorder of a line. trouble: why nothing can be written, "" while all is well."""

    def __init__(self, line: Path, engine: Engine, extent: Extent) -> None:
        self._line, self._engine, self._extent = line, engine, extent
        self.trouble = ""
        self._last: deque[tuple[Part, Judgement]] = deque(maxlen=extent.parts or 1)
        self._bytes = 0
        self._judges: dict[str, PackageJudge] = {}
        self._open: _Open | None = None
        self._due: list[_Open] = []
        self._skipped = 0
        self._lock = threading.Lock()

    def attach(self, keeper: Keeper) -> None:
        """Look on from now on."""
        if self._extent.parts:
            self._know()
            self._engine.watchers.append(self)
            keeper.also(1.0, self.tick)
            keeper.alarm = self.alarm

    def saw(self, part: Part, said: Judgement) -> None:
        """A part's verdict is stored."""
        self._know()
        with self._lock:
            self._keep(part, said)
            if self._open:
                self._open.parts.append((part, said))
                self._open.left -= 1
            if said.verdict in ALARMS:
                place = (part.epoch, part.sequence)
                self._raise(Alarm(said.reason or said.verdict.value, time.time(), place))
            self._settle()

    def _know(self) -> None:
        """Remember who judges now: by its hash in the verdicts it is found again."""
        judge = self._engine.judge
        if isinstance(judge, PackageJudge) and judge.config not in self._judges:
            self._judges[judge.config] = judge

    def _keep(self, part: Part, said: Judgement) -> None:
        if len(self._last) == self._last.maxlen:
            self._bytes -= len(self._last[0][0].captured.picture)
        self._last.append((part, said))
        self._bytes += len(part.captured.picture)
        while self._bytes > MOST_IN_MEMORY and len(self._last) > 1:
            self._bytes -= len(self._last.popleft()[0].captured.picture)

    def alarm(self, reason: str) -> None:
        """Record what came before something that is no part's fault."""
        if self._extent.parts:
            with self._lock:
                self._raise(Alarm(reason, time.time()))

    def _raise(self, alarm: Alarm) -> None:
        if self._open is None:
            until = time.monotonic() + AFTER_SECONDS
            self._open = _Open(list(self._last), [], max(1, self._extent.parts // 2), until)
        self._open.alarms.append(alarm)

    def _settle(self, at_once: bool = False) -> None:
        one = self._open
        if one and (at_once or one.left <= 0 or time.monotonic() >= one.until):
            self._open = None
            if len(self._due) < MOST_DUE:
                self._due.append(one)
            else:
                self._skipped += len(one.alarms)

    def tick(self) -> None:
        """Write what is due."""
        with self._lock:
            self._settle()
            due, self._due = self._due, []
            skipped, self._skipped = self._skipped, 0
        if due:
            self.trouble = f"{skipped} alarms came too fast to be recorded." if skipped else ""
        for one in due:
            try:
                self._write(one)
                self._tidy()
            except OSError as error:
                self.trouble = f"Alarms cannot be recorded ({error.strerror}). Make room there."
        if self.trouble:
            self._engine.troubles["recorder"] = self.trouble
        else:
            self._engine.troubles.pop("recorder", None)

    def close(self) -> None:
        """Write what is open."""
        with self._lock:
            self._settle(at_once=True)
        self.tick()

    # What is written.

    def _write(self, one: _Open) -> None:
        frames = {
            f"frames/{number}{ending(part.captured.picture)}": part.captured.picture
            for number, (part, _) in enumerate(one.parts)
            if part.captured.picture
        }
        named = {int(name.split("/")[1].split(".")[0]): name for name in frames}
        parts = tuple(
            _recorded(part, said, named.get(number, ""))
            for number, (part, said) in enumerate(one.parts)
        )
        known = [self._judges[c] for c in sorted({p.judge for p in parts}) if c in self._judges]
        judges = tuple(self._told(judge) for judge in known)
        for judge in known:
            self._keep_package(judge)
        told = Recording(
            recording.FORMAT, self._line.name, time.time(), tuple(one.alarms), judges, parts
        )
        stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime(told.time))
        last = one.parts[-1][0] if one.parts else None
        place = f"{last.epoch}-{last.sequence}" if last else "0-0"
        target = self._line / recording.FOLDER / f"{stamp}-{place}.zip"
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_suffix(".partial")
        try:
            with zipfile.ZipFile(partial, "w", zipfile.ZIP_STORED) as packed:
                packed.writestr(recording.HEAD, json.dumps(asdict(told), indent=1))
                for name, content in frames.items():
                    packed.writestr(name, content)
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)

    def _told(self, judge: PackageJudge) -> Judge:
        names = judge.package.names
        limits = [judge.limits(name) for name in names]
        setting = judge.setting
        return Judge(
            config=judge.config,
            package=_model_of(judge),
            thresholds=judge.versions["thresholds"],
            feature=judge.feature,
            threads=self._extent.threads,
            types=names,
            alarm=tuple(alarm for alarm, _ in limits),
            review=tuple(review for _, review in limits),
            computer=hardware.fingerprint().id,
            versions={name: version(name) for name in LIBRARIES},
            variant=setting.variant.name,
            variant_file=setting.variant.sha256,
            bits=setting.bits,
            box=setting.box,
            box_review=setting.box_review,
        )

    def _keep_package(self, judge: PackageJudge) -> None:
        """A copy of the package, so that a recording outlives its run."""
        target = self._line / recording.FOLDER / recording.PACKAGES / _model_of(judge)
        if not target.is_dir():
            partial = target.with_suffix(".partial")
            shutil.rmtree(partial, ignore_errors=True)
            shutil.copytree(judge.package.folder, partial)
            partial.replace(target)
        variant = judge.setting.variant
        if variant.file:
            _keep_file(variant.file, recording.variant_path(target, variant.sha256))

    def _tidy(self) -> None:
        """The oldest go beyond the limits, and packages that none needs."""
        kept = recording.files(self._line)
        total = 0
        for number, path in enumerate(kept):
            total += path.stat().st_size
            if number and (number >= self._extent.files or total > self._extent.bytes):
                path.unlink(missing_ok=True)
        needed = {name for path in recording.files(self._line) for name in _packages_of(path)}
        packages = self._line / recording.FOLDER / recording.PACKAGES
        for folder in packages.glob("*/") if packages.is_dir() else ():
            if folder.name not in needed:
                shutil.rmtree(folder, ignore_errors=True)


def _recorded(part: Part, said: Judgement, frame: str) -> Recorded:
    one = part.captured
    digest = hashlib.sha256(one.picture).hexdigest() if frame else ""
    return Recorded(
        *(part.epoch, part.sequence, one.serial, one.feature, one.captured, one.fault),
        *(said.verdict.value, said.score, said.reason, said.ms),
        *(said.package, said.thresholds, said.config),
        frame=frame,
        sha256=digest,
    )


def _keep_file(source: Path, target: Path) -> None:
    """A copy that is whole or not there."""
    if not target.exists():
        partial = target.with_suffix(".partial")
        shutil.copyfile(source, partial)
        partial.replace(target)


def _packages_of(path: Path) -> set[str]:
    """The packages that a recording needs; none where it is damaged, for nobody can judge it."""
    try:
        return {judge.package for judge in recording.read(path).judges}
    except UserError:
        return set()


def _model_of(judge: PackageJudge) -> str:
    return str(judge.package.head["files"][contract.MODEL])


def limits_file(judge: Judge, target: Path) -> Path:
    """The limits of a judge as the file that `PackageJudge` reads."""
    features = {
        name: {"limit": alarm, "review_limit": review}
        for name, (alarm, review) in judge.limits.items()
    }
    runs.write_json(target, {"version": judge.thresholds, "features": features})
    return target
