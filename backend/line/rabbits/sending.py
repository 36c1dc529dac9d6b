"""When a red rabbit is painted, and judged while the line waits for parts."""

import time
from collections import deque
from pathlib import Path

import numpy as np

from backend.composites.defects import Maker
from backend.line.engine import Engine
from backend.line.judge import Judge
from backend.line.keeper import Keeper
from backend.line.part import Captured, Judgement, Part, Verdict
from backend.line.rabbits import journal, painting
from backend.line.rabbits.journal import Rabbit
from backend.line.rabbits.painting import Painted
from backend.line.spec import Spec
from backend.records import UserError

SHIFT = 8 * 3600.0  # seconds
LATELY = 4  # GOOD parts among which one is drawn; their pictures stay in memory
Seen = tuple[Captured, float | None]  # a GOOD part and its score


class Rabbits:
    """So many a shift. trouble: in the line's own troubles while none can be painted.

    `tick` paints, in the keeper's thread; `between` judges, in the judge's, by the very judge that
    says what parts are, so that a part waits for one rabbit at most.
    """

    def __init__(self, home: Path, spec: Spec, runs_folder: Path, seed: int | None = None) -> None:
        self.home, self.spec, self.runs_folder = home, spec, runs_folder
        self.pause = SHIFT / spec.rabbits if spec.rabbits else 0.0
        self._random = np.random.default_rng(seed)
        self._lately: deque[Seen] = deque(maxlen=LATELY)
        self._ready: deque[tuple[Painted, Seen]] = deque(maxlen=1)
        self._maker: Maker | None = None
        self._due = 0.0

    def attach(self, engine: Engine, keeper: Keeper) -> None:
        """Send rabbits from now on, where any are asked for."""
        if not self.pause:
            return
        self.engine = engine
        engine.watchers.append(self)
        engine.between = self.between
        self._due = time.monotonic() + self.pause * self._random.random()
        keeper.also(1.0, self.tick)

    def saw(self, part: Part, said: Judgement) -> None:
        """A part's verdict is stored: a GOOD one may carry the next defect."""
        if said.verdict is Verdict.GOOD:
            self._lately.append((part.captured, said.score))

    def tick(self) -> None:
        """Paint one where it is due; the next is due after a pause that nobody can foresee."""
        if time.monotonic() < self._due or not self._lately:
            return
        self._due = time.monotonic() + self.pause * (0.5 + self._random.random())
        try:
            self._paint()
        except Exception as error:  # no defect is worth the line
            self.engine.troubles["red rabbits"] = f"No red rabbit could be painted: {error}"
            return
        self.engine.troubles.pop("red rabbits", None)

    def _paint(self) -> None:
        """Raises UserError where none shows on any of some GOOD parts."""
        self._maker = self._maker or painting.maker_of(self.spec, self.runs_folder)
        some = list(self._lately)
        for place in self._random.permutation(len(some))[:3]:
            seen = some[int(place)]
            made = painting.painted(self._random, self._maker, seen[0].picture, self.spec.bits)
            if made:
                self._ready.append((made, seen))
                return
        raise UserError("no defect shows on the parts. Choose another material or a student.")

    def between(self, judge: Judge) -> None:
        """Judge the one that waits. Nothing of it reaches the outbox."""
        if not self._ready:
            return
        made, (good, score) = self._ready.popleft()
        began = time.monotonic()
        said = judge.look(Captured(made.picture, good.feature, time.time()))
        one = Rabbit(
            time=time.time(),
            feature=good.feature,
            maker=self.spec.rabbit_student or "renderer",
            kind=made.kind,
            size=made.size,
            verdict=said.said.verdict.value,
            score=said.said.score,
            good=score,
            ms=(time.monotonic() - began) * 1000,
            package=said.said.package,
            thresholds=said.said.thresholds,
        )
        try:
            journal.note(self.home, one, made.picture)
        except Exception as error:  # it runs between parts, in the judge's own thread
            self.engine.troubles["red rabbits"] = f"A red rabbit cannot be kept: {error}"
