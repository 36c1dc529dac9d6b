"""The line at work: one thread takes parts in, one judges them, one a sink tells of them.

What a thread cannot do at once it does again: a full disk, a broker that is down and a source
that is gone are troubles, told on the page, and no end. Only the judge can stop the line.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Protocol

from backend.line.judge import Judge, Looked
from backend.line.outbox import Outbox
from backend.line.part import Captured, Judgement, Part, Verdict
from backend.line.pictures import Pictures
from backend.line.ring import Ring
from backend.line.sinks.sink import Sink
from backend.line.sources import Source
from backend.records import Shortage

BATCH = 16  # parts that share one write to disk
GROUP_SECONDS = 0.02  # for which a verdict waits for others, at most
TOLD_AT_ONCE = 200
LONGEST_PAUSE = 10.0  # seconds until a sink that was down is tried again
RECENT = 2000  # times of parts that are remembered


@dataclass(frozen=True)
class Terms:
    """deadline: seconds a part may take, 0 for any. config: as the judge's, of parts that nobody
    looked at."""

    deadline: float
    config: str


class Watcher(Protocol):
    """Is told of each part once its verdict is stored. It returns at once, and never raises."""

    def saw(self, part: Part, said: Judgement) -> None: ...


class Engine:
    """Moves parts from the source to the sinks until the source ends or `stop` is called.

    judge may be exchanged at any time: the next part gets the new one. observe: is told of each
    stage (wait, judge, store) and the seconds it took. between: does something with the judge,
    briefly, while no part waits; it never raises.
    """

    def __init__(
        self,
        outbox: Outbox,
        source: Source,
        judge: Judge,
        sinks: Sequence[Sink],
        ring: Ring,
        pictures: Pictures,
        terms: Terms,
    ) -> None:
        self.outbox, self.source, self.judge, self.sinks = outbox, source, judge, sinks
        self.ring, self.pictures, self.terms = ring, pictures, terms
        self.troubles: dict[str, str] = {}
        self.observe: Callable[[str, float], None] = lambda stage, seconds: None
        self.watchers: list[Watcher] = []
        self.between: Callable[[Judge], None] = lambda judge: None
        self.recent: deque[tuple[float, float]] = deque(maxlen=RECENT)  # (`time.monotonic()`, ms)
        self._stop = threading.Event()
        self._ended = threading.Event()  # every part has its verdict
        self._told = [threading.Event() for _ in sinks]
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        work: list[tuple[str, Callable[[], None]]] = [
            ("source", self._take_in),
            ("judge", self._judge),
            *((sink.name, partial(self._tell, place)) for place, sink in enumerate(self.sinks)),
        ]
        for name, step in work:
            thread = threading.Thread(
                target=self._guarded, args=(name, step), name=name, daemon=True
            )
            thread.start()
            self._threads.append(thread)

    def _guarded(self, name: str, step: Callable[[], None]) -> None:
        """A thread's work; what nobody foresaw ends the line, and is told."""
        try:
            step()
        except BaseException as error:
            self.fault = error
            self._stop.set()
            self.ring.close()
            if name in ("source", "judge"):
                self._ended.set()

    fault: BaseException | None = None

    @property
    def ended(self) -> bool:
        """Is every part that was taken in judged, with none to come?"""
        return self._ended.is_set()

    def stop(self) -> None:
        """Take no more parts in; what is inside is judged."""
        self._stop.set()

    def finish(self, patience: float, told: float | None = None) -> None:
        """Wait until all is judged and, for `told` seconds, until the sinks have taken it.

        Nothing is waited for where the line was not started.
        """
        if not self._threads:
            return
        self._ended.wait(patience)
        deadline = time.monotonic() + (patience if told is None else told)
        while time.monotonic() < deadline and self._has_to_tell():
            time.sleep(0.05)
        self._stop.set()
        self.ring.close()
        self._ended.set()
        for event in self._told:
            event.set()
        for thread in self._threads:
            thread.join(10)

    def _has_to_tell(self) -> bool:
        """Is a sink still to take a verdict? False where nobody can say."""
        with suppress(Shortage):
            return any(self.outbox.pending(sink.name) for sink in self.sinks)
        return False

    # From the source to the ring.

    def _take_in(self) -> None:
        try:
            while not self._stop.is_set():
                found = self.source.read(BATCH, 0.2)
                self._trouble("source", self.source.trouble)
                if found is None:
                    break
                self._accept(found)
                gone = self.source.gone()
                if gone:
                    self._insist("disk", partial(self.outbox.forget_marks, gone))
        finally:
            self.ring.close()

    def _accept(self, found: Sequence[Captured]) -> None:
        if not found:
            return
        parts = self._insist("disk", lambda: self.outbox.accept(found)) or []
        dropped = [one for part in parts if (one := self.ring.put(part))]
        said = Judgement(Verdict.UNINSPECTED, reason=self._why_dropped(), config=self.terms.config)
        self._store([(part, said) for part in dropped])

    def _why_dropped(self) -> str:
        if self._stop.is_set():
            return "the line was stopped before it could be judged"
        return f"the buffer of {self.ring.capacity} parts was full"

    def _insist(self, name: str, write: Callable[[], Any]) -> Any:
        """What a write gives, tried until it succeeds; None where the line is stopped meanwhile."""
        while True:
            try:
                value = write()
                self._trouble(name, "")
                return value
            except Shortage as error:
                self._trouble(name, str(error))
                if self._stop.wait(0.5):
                    return None

    def _trouble(self, name: str, words: str) -> None:
        if words:
            self.troubles[name] = words
        else:
            self.troubles.pop(name, None)

    # From the ring to the verdict.

    def _judge(self) -> None:
        while not (self.ring.closed and not len(self.ring)):
            group: list[tuple[Part, Judgement]] = []
            began = time.monotonic()
            taken = self.ring.take(BATCH, 0.2)
            if not taken:
                self.between(self.judge)
            for part in taken:
                group.append((part, self._judged(part)))
                if time.monotonic() - began >= GROUP_SECONDS:
                    self._store(group)
                    group, began = [], time.monotonic()
            self._store(group)
        self._ended.set()

    def _judged(self, part: Part) -> Judgement:
        waited = time.monotonic() - part.since
        if self._is_late(waited):
            late = Judgement(Verdict.UNINSPECTED, reason=_late(waited), config=self.terms.config)
            looked = Looked(late)
        else:
            looked = self.judge.look(part.captured)
        self.observe("wait", waited)
        self.observe("judge", time.monotonic() - part.since - waited)
        said = self._in_time(looked.said, time.monotonic() - part.since)
        kept = self.pictures.keep(part, said.verdict, looked.anomaly_map, looked.boxes)
        blind = self.pictures.blind(part, said.verdict)
        ms = (time.monotonic() - part.since) * 1000
        return replace(said, ms=ms, picture=kept, blind=blind)

    def _in_time(self, said: Judgement, taken: float) -> Judgement:
        """A judgement as it counts after so many seconds: too late, nobody has looked."""
        if self._is_late(taken) and said.verdict is not Verdict.UNINSPECTED:
            return replace(said, verdict=Verdict.UNINSPECTED, reason=_late(taken))
        return said

    def _is_late(self, seconds: float) -> bool:
        return 0 < self.terms.deadline < seconds

    def _store(self, group: Sequence[tuple[Part, Judgement]]) -> None:
        if not group:
            return
        began = time.monotonic()
        said = self._insist("disk", lambda: self._stored(group))
        if said is None:
            return
        now = time.monotonic()
        self.observe("store", now - began)
        for part, one in said:
            self.recent.append((now, one.ms))
            self.source.done(part, one)
            for watcher in self.watchers:
                watcher.saw(part, one)
        for event in self._told:
            event.set()

    def _stored(self, group: Sequence[tuple[Part, Judgement]]) -> list[tuple[Part, Judgement]]:
        """What was written: the disk may have kept a part waiting past its deadline."""
        now = time.monotonic()
        said = [(part, self._in_time(one, now - part.since)) for part, one in group]
        self.outbox.judge(said)
        return said

    # From the verdict to the sinks.

    def _tell(self, place: int) -> None:
        sink, pause = self.sinks[place], 1.0
        while True:
            self._told[place].clear()
            try:
                rows = self.outbox.judged_after(self.outbox.taken(sink.name), TOLD_AT_ONCE)
                if not rows:
                    if self._stop.is_set() and self._ended.is_set():
                        return
                    self._told[place].wait(0.5)
                    continue
                taken = sink.send(rows)
                self.outbox.mark_taken(sink.name, rows[0].id, rows[taken - 1].id)
                self._trouble(sink.name, "")
                pause = 1.0
            except Exception as error:  # no machine that is told may end the line
                why = str(error).removesuffix(".")
                self._trouble(sink.name, f"{sink.name} takes nothing: {why}. It is tried again.")
                if self._stop.wait(pause) and self._ended.is_set():
                    return
                pause = min(LONGEST_PAUSE, pause * 2)


def _late(seconds: float) -> str:
    return f"judged too late, {seconds:.2f} s after it was taken in"
