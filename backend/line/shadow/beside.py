"""The line's end of a shadow: hands each judged part over, or drops and counts it; never waits."""

import json
import subprocess
import sys
import threading
import time
from collections import deque
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from backend.line.engine import Engine
from backend.line.keeper import Keeper
from backend.line.part import Judgement, Part, Verdict
from backend.line.shadow import candidate
from backend.line.shadow.candidate import Candidate, Status
from backend.line.shadow.handing import packed
from backend.line.spec import Spec
from backend.records import UserError
from backend.settings import PROJECT

HELD = 64  # parts that wait for the shadow, at most
RECENT = 2000  # times of parts that are remembered
PATIENCE = 5.0  # seconds for the shadow to judge what it has when it ends
PAUSE = 10.0  # seconds before a process that ended by itself is started again


class Process:
    """One candidate at work. trouble: why it does not judge, "" while it does."""

    def __init__(self, line: Path, asked: Candidate, spec: Spec) -> None:
        """Raises OSError where it cannot be started."""
        self.offered = self.judged = self.dropped = 0
        self.trouble = ""
        self.ms: deque[float] = deque(maxlen=RECENT)
        self._waiting: deque[bytes] = deque()
        self._changed = threading.Condition()
        self._closed = False
        command = [sys.executable, "-m", "backend.line.shadow.judging"]
        pipe = subprocess.PIPE
        self._child = subprocess.Popen(
            [*command, str(line), json.dumps(asdict(asked)), json.dumps(asdict(spec))],
            cwd=PROJECT,
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
        )
        for work in (self._hand_over, self._hear, self._listen):
            threading.Thread(target=work, name="shadow", daemon=True).start()

    def offer(self, part: Part, said: Judgement) -> None:
        """Hand a part over; where HELD wait already, it is dropped."""
        self.offered += 1
        if len(self._waiting) >= HELD or self._child.poll() is not None:
            self.dropped += 1
            return
        with self._changed:
            self._waiting.append(packed(part, said))
            self._changed.notify()

    @property
    def ended(self) -> bool:
        return self._child.poll() is not None

    def _hand_over(self) -> None:
        assert self._child.stdin
        try:
            while True:
                with self._changed:
                    while not self._waiting and not self._closed:
                        self._changed.wait()
                    if not self._waiting:
                        break
                    message = self._waiting.popleft()
                self._child.stdin.write(message)
                self._child.stdin.flush()
            self._child.stdin.close()
        except (OSError, ValueError):  # it ended; `trouble` says why
            return

    def _hear(self) -> None:
        assert self._child.stdout
        for line in self._child.stdout:
            self.judged += 1
            self.ms.append(float(line))

    def _listen(self) -> None:
        """What it said last before it ended by itself."""
        assert self._child.stderr
        last = deque((line.decode("utf-8", "replace").strip() for line in self._child.stderr), 1)
        code = self._child.wait()
        if not self._closed:
            self.trouble = "".join(last) or f"The shadow ended by itself (code {code})."
        self._let_go()

    def _let_go(self) -> None:
        """Hand over what waits, and no more."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    def close(self) -> None:
        """Let it judge what it has, for some seconds, and end it."""
        self._let_go()
        try:
            self._child.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()


class Beside:
    """The shadow of a line: started, changed and ended as it is asked for.

    run: the line's; spec: its settings. A candidate takes those of them that are about pictures.
    """

    def __init__(self, line: Path, run: str, spec: Spec) -> None:
        self._line, self._run = line, run
        self._spec = Spec(
            feature=spec.feature, bits=spec.bits, box=spec.box, box_review=spec.box_review
        )
        self._asked = Candidate(run, "")
        self._process: Process | None = None
        self._again = 0.0
        self._active_ms: deque[float] = deque(maxlen=RECENT)

    def attach(self, engine: Engine, keeper: Keeper) -> None:
        """Look on from now on."""
        observe = engine.observe

        def timed(stage: str, seconds: float) -> None:
            observe(stage, seconds)
            if stage == "judge" and self._process:
                self._active_ms.append(seconds * 1000)

        engine.observe = timed
        engine.watchers.append(self)
        keeper.also(1.0, self.tick)

    def saw(self, part: Part, said: Judgement) -> None:
        """A part's verdict is stored. One that nobody looked at has nothing to be held against."""
        if self._process and said.verdict is not Verdict.UNINSPECTED:
            self._process.offer(part, said)

    def tick(self) -> None:
        """Do what is asked for, and tell how it goes."""
        try:
            asked = candidate.asked(self._line)
        except UserError:
            asked = None
        if asked is None or asked.run != self._run:
            asked = Candidate(self._run, "")
        if asked != self._asked:
            self._change(asked)
        elif asked.package_run and self._is_gone() and time.monotonic() >= self._again:
            self._start()
        if self._process:
            self._tell(self._process)

    def _is_gone(self) -> bool:
        return self._process is None or self._process.ended

    def _change(self, asked: Candidate) -> None:
        self.close()
        self._asked = asked
        self._active_ms.clear()
        if asked.package_run:
            self._start()

    def _start(self) -> None:
        before = self._process
        self._again = time.monotonic() + PAUSE
        try:
            self._process = Process(self._line, self._asked, self._spec)
        except OSError as error:
            self._not_started(f"The shadow cannot be started ({error.strerror}).")
            return
        if before:
            self._process.offered = before.offered
            self._process.judged = before.judged
            self._process.dropped = before.offered - before.judged
            self._process.trouble = before.trouble

    def _not_started(self, words: str) -> None:
        """It is tried again after a while."""
        if self._process:
            self._process.trouble = words
        else:
            self._write(0, 0, 0, words)

    def _tell(self, process: Process) -> None:
        self._write(
            *(process.offered, process.judged, process.dropped, process.trouble),
            *_quantiles(self._active_ms),
            *_quantiles(process.ms),
        )

    def _write(self, *figures: Any) -> None:
        """figures: of `Status` from `offered` on."""
        one = self._asked
        told = Status(one.run, one.package_run, one.threshold_run, time.time(), *figures)
        try:
            candidate.tell(self._line, told)
        except OSError:  # a full disk is the line's own trouble, and told as that
            return

    def close(self) -> None:
        """End the shadow, if there is one."""
        process, self._process = self._process, None
        if process:
            process.close()
            self._tell(process)


def _quantiles(ms: deque[float]) -> tuple[float | None, float | None]:
    """Median and 99th percentile, None without any."""
    found = list(ms)
    if not found:
        return None, None
    p50, p99 = np.percentile(found, (50, 99))
    return float(p50), float(p99)
