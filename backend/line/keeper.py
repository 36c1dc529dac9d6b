"""What is due on a line now and then: its state for the page, segments, pictures, golden parts."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from backend.core import runs
from backend.deployment.in_force import Activation
from backend.line import control, log, segments, steady, variant
from backend.line.control import Wish
from backend.line.engine import RECENT, Engine
from backend.line.judge import PackageJudge
from backend.line.promise import recalibration
from backend.line.promise.watcher import Watcher
from backend.line.sinks.sink import Sink
from backend.records import Shortage, UserError

STATUS = "status.json"
STATUS_SECONDS, BEAT_SECONDS, CUT_SECONDS, TIDY_SECONDS = 1.0, 5.0, 2.0, 10.0
WISH_SECONDS, WATCH_SECONDS = 1.0, 2.0
HUSH_SECONDS = 1.0  # for a sign of life that is under way when the line ends
WINDOW = 60.0  # seconds over which the pace is told


class Clock:
    """Does work again and again, at least `seconds` apart; at once the first time."""

    def __init__(self, seconds: float, work: Callable[[], None]) -> None:
        self.seconds, self.work, self.next = seconds, work, 0.0

    def tick(self) -> None:
        if time.monotonic() >= self.next:
            self.work()
            self.next = time.monotonic() + self.seconds


class Keeper:
    """Looks after a line beside its threads; `tick` is called several times a second.

    about: what the status tells that does not change. alarm: is told of what is no part's fault.
    """

    def __init__(
        self, home: Path, engine: Engine, golden_hours: float, about: dict[str, Any]
    ) -> None:
        self.home, self.engine, self.about = home, engine, about
        self.watcher = Watcher(home, engine.outbox)
        self.log = log.Log(home)
        self.alarm: Callable[[str], None] = lambda words: None
        self._last_cut = time.monotonic()
        self._beats: dict[str, threading.Thread] = {}
        self._clocks = [
            Clock(golden_hours * 3600, self._test_golden),
            Clock(WATCH_SECONDS, self.watch),
            Clock(CUT_SECONDS, self.cut),
            Clock(TIDY_SECONDS, lambda: engine.troubles.update(self._tidied())),
            Clock(BEAT_SECONDS, self._beat),
            Clock(STATUS_SECONDS, self.write_status),
            Clock(STATUS_SECONDS, lambda: self.log.look(engine.troubles)),
        ]

    def also(self, seconds: float, work: Callable[[], None]) -> None:
        """Do more, at least `seconds` apart."""
        self._clocks.append(Clock(seconds, work))

    def shorten(self, said: Path) -> None:
        """Keep what the process says, in a file of that name, within bounds."""

        def work() -> None:
            try:
                log.shorten(said)
            except OSError as error:
                self.engine.troubles["log"] = f"{said} cannot be cut ({error.strerror})."
                return
            self.engine.troubles.pop("log", None)

        self.also(TIDY_SECONDS, work)

    def obey(self, asked: Wish, remake: Callable[[Wish], PackageJudge]) -> None:
        """Look for other wishes than this one from now on; remake: the judge of a wish."""
        self._asked, self._remake = asked, remake
        self._in_force = self._variant(asked)
        self._follow(asked)
        self.also(WISH_SECONDS, self._change)

    def _change(self) -> None:
        """Let another judge take the next part; one whose golden parts differ never does."""
        try:
            if words := recalibration.take(self.home):
                raise UserError(words)
            asked = control.wish(self.home) or self._asked
            in_force = self._variant(asked)
            if asked == self._asked and in_force == self._in_force:
                return
            self._asked, self._in_force = asked, in_force
            judge = self._remake(asked)
            words = judge.drift()
            if words:
                raise UserError(words)
        except (UserError, OSError) as error:
            self.engine.troubles["change"] = f"What was asked is not done: {error}"
            return
        judge.suspended = self.engine.judge.suspended
        self.engine.judge = judge
        self.engine.terms = replace(self.engine.terms, config=judge.config)
        self.engine.troubles.pop("change", None)
        self.about |= judge.versions | {"golden": time.time()}
        self.log.note(log.NOTED, "change", f"From here on {_named(judge.versions)} judges.")
        self.watch()
        self._follow(asked)

    def _variant(self, asked: Wish) -> tuple[Activation, ...]:
        return variant.chosen(self.home.parent.parent, asked.package_run)

    def _follow(self, asked: Wish) -> None:
        """Watch the promise of these limits from the next part on."""
        self._promise(lambda: self.watcher.follow(asked, self.about["package"]))

    def watch(self) -> None:
        """Have the scores drifted? Their limits promise nothing then."""
        before = self.watcher.suspended
        self._promise(self.watcher.look)
        if drifted := ", ".join(sorted(self.watcher.suspended - before)):
            words = f"The scores of {drifted} drifted: the promise of the limits is suspended."
            self.log.note(log.NOTED, "promise", words)
            self.alarm(words)

    def _promise(self, work: Callable[[], None]) -> None:
        """Work on the promise; then verdicts say what is suspended, and more parts are drawn."""
        try:
            work()
        except OSError as error:
            self.engine.troubles["promise"] = f"The promise is not watched ({error.strerror})."
            return
        self.engine.troubles.pop("promise", None)
        self.engine.judge.suspended = self.watcher.suspended
        self.engine.pictures.suspended = bool(self.watcher.suspended)

    def tick(self) -> None:
        """Raises UserError where the line must stop: its golden parts score otherwise."""
        words = ""
        for clock in self._clocks:
            try:
                clock.tick()
            except Shortage as error:  # what is due stays due
                words = str(error)
        if words:
            self.engine.troubles["outbox"] = words
        else:
            self.engine.troubles.pop("outbox", None)

    def _test_golden(self) -> None:
        words = self.engine.judge.drift()
        if words:
            self.log.note(log.BEGAN, "golden parts", words)
            raise UserError(words)
        self.about["golden"] = time.time()

    def cut(self, at_once: bool = False) -> None:
        """Cut many rows at once, or a few that have waited long; drop what everybody has."""
        waited = at_once or time.monotonic() - self._last_cut >= segments.SECONDS
        try:
            if segments.cut(self.home, self.engine.outbox, 1 if waited else segments.ROWS):
                self._last_cut = time.monotonic()
            self.engine.outbox.drop(min(segments.cut_upto(self.home), self.watcher.standing.upto))
            segments.melt(self.home)
        except (OSError, Shortage) as error:
            self.engine.troubles["segments"] = f"Verdicts cannot be cut to files yet ({error})."
            return
        self.engine.troubles.pop("segments", None)

    def _tidied(self) -> dict[str, str]:
        self.engine.pictures.tidy()
        self.engine.troubles.pop("pictures", None)
        words = self.engine.pictures.trouble
        return {"pictures": words} if words else {}

    def _beat(self) -> None:
        state = {
            "totals": dict(self.engine.outbox.totals()),
            "buffer": len(self.engine.ring),
            "suspended": sorted(self.watcher.suspended),
        }
        for sink in self.engine.sinks:
            before = self._beats.get(sink.name)
            if before and before.is_alive():
                self._unheard(sink, "it does not answer")
                continue
            beat = threading.Thread(
                target=self._beat_to, args=(sink, state), name="beat", daemon=True
            )
            self._beats[sink.name] = beat
            beat.start()

    def _beat_to(self, sink: Sink, state: dict[str, Any]) -> None:
        """In a thread of its own: a sink that hangs holds nobody up."""
        try:
            sink.beat(state)
        except Exception as error:  # no machine that is told may end the line
            self._unheard(sink, str(error))
            return
        if self.engine.troubles.get(sink.name, "").startswith(_hears_nothing(sink)):
            self.engine.troubles.pop(sink.name, None)

    def _unheard(self, sink: Sink, why: str) -> None:
        self.engine.troubles[sink.name] = f"{_hears_nothing(sink)}: {why.removesuffix('.')}."

    def hush(self) -> None:
        """No sign of life comes after this, but of a sink that hangs."""
        for beat in self._beats.values():
            beat.join(HUSH_SECONDS)

    def status(self) -> dict[str, Any]:
        """What the page shows of a line that runs. Times in ms are from the source to the
        verdict, over the newest parts."""
        engine = self.engine
        recent = list(engine.recent)
        ms = [ms for _, ms in recent]
        return {
            **self.about,
            **{"time": time.time(), "steady": steady.now(), "boot": steady.boot()},
            "totals": dict(engine.outbox.totals()),
            "buffer": len(engine.ring),
            "capacity": engine.ring.capacity,
            "pending": {sink.name: engine.outbox.pending(sink.name) for sink in engine.sinks},
            "troubles": dict(engine.troubles),
            "suspended": self.watcher.standing.suspended,
            "a_minute": _a_minute([when for when, _ in recent]),
            **{f"p{q}_ms": float(np.percentile(ms, q)) if ms else None for q in (50, 95, 99)},
        }

    def write_status(self) -> None:
        try:
            runs.write_json(self.home / STATUS, self.status())
        except OSError as error:
            self.engine.troubles["disk"] = f"The state cannot be written ({error.strerror})."


def _hears_nothing(sink: Sink) -> str:
    return f"{sink.name} hears nothing"


def _named(versions: dict[str, Any]) -> str:
    limits = f"limits version {versions['thresholds']}"
    return f"package {versions['package']} ({versions['variant']}) with {limits}"


def _a_minute(moments: Sequence[float]) -> float:
    """The pace over the last WINDOW seconds, or over as many as the newest RECENT parts took."""
    now = steady.now()
    within = [when for when in moments if now - when <= WINDOW]
    seconds = now - within[0] if len(within) == RECENT else WINDOW
    return len(within) * 60 / max(seconds, 1e-3)
